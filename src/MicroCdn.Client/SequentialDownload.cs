using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>One download of a file whose chunks cannot be verified: from its first byte to its last, over as many
/// servers as it takes.</summary>
/// <remarks>
/// <para>1. Fetch from the server that the index names, counting bytes. 2. While that server has not answered for 300
/// ms, or is silent for 700 ms, another one is tried beside it, from byte 0 and into a file of its own: without digests
/// nobody can say that two servers have the same file. The first to be whole is the file. 3. When a server refuses,
/// stalls or dies, remember it and ask again, every half second: the index learns of a death some seconds later. 4.
/// While an index of version 1 still names a failed server, ask it for all its servers and try the others.</para>
/// <para>A failed server is tried again only when the index names no other and it has had <see cref="SecondChance"/> to
/// come back: a fleet of one that restarts must not fail a download that could wait three seconds. A second chance that
/// fails does not renew the patience; more bytes than ever do, and so does the first failure of one more server.</para>
/// <para>Where the index told the file's SHA-256 it is computed on the way; a server whose bytes do not match it is not
/// asked again.</para>
/// </remarks>
internal sealed class SequentialDownload(FileName name, string target, Surroundings around, DownloadOptions how)
{
    private const int MostAttempts = 16;

    // One goes on and two are silent; each has a file of its own, so there is a price to more.
    private const int MostAtOnce = 3;

    private static readonly TimeSpan SecondChance = TimeSpan.FromSeconds(3);

    private readonly ClientOptions _options = around.Options;
    private readonly TimeProvider _time = around.Time;
    private readonly Dictionary<string, (Holder Holder, long At)> _failed = [];
    private readonly HashSet<string> _wrong = [];
    private readonly List<Attempt> _running = [];
    private readonly Lock _progress = new();
    private Task<Answer>? _question;
    private TimeSpan _askAt;
    private int _attempts;
    private string _lastFailure = "";
    private long _began, _newsAt, _most, _shown;
    private Location? _location;

    /// <summary>Downloads from the servers of a location, and of those that the index tells later.</summary>
    /// <exception cref="CdnException">No server could deliver.</exception>
    public async Task<DownloadResult> RunAsync(Location first, CancellationToken cancellationToken)
    {
        _location = first;
        _began = _newsAt = _time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            if (first.Holders.Count > 0) Start(first.Holders[0], stop.Token);
            while (true)
            {
                if (await TakeEndedAsync().ConfigureAwait(false) is { } result) return result;
                if (!await TakeAnswerAsync(stop.Token).ConfigureAwait(false)) continue;
                cancellationToken.ThrowIfCancellationRequested();
                if (_running.Count == 0 && _question is null && IsAtAnEnd()) break;
                if (IsAnotherNeeded() && TryAnother(stop.Token)) continue;
                await WaitAsync(stop.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            if (_question is not null) await ((Task)_question).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await EndRunningAsync().ConfigureAwait(false);
        }
        throw _wrong.Count > 0
            ? new CdnException(CdnFailure.WrongBytes, $"no server has the right bytes of '{name}': {_lastFailure}")
            : new CdnException(CdnFailure.Unreachable, $"no server could deliver '{name}': {_lastFailure}");
    }

    /// <summary>Downloads from one server, without an index.</summary>
    /// <exception cref="CdnException">The server could not deliver.</exception>
    public async Task<DownloadResult> RunFromAsync(string host, int port, CancellationToken cancellationToken)
    {
        using Attempt attempt = new(name, target, new Holder($"{host}:{port}", host, port), null, around, Show,
            cancellationToken);
        attempt.Start();
        if (await attempt.Work.ConfigureAwait(false)) return Finish(attempt);
        throw attempt.Reason == "missing"
            ? new CdnException(CdnFailure.NotFound, $"{host}:{port} has no file '{name}'")
            : new CdnException(CdnFailure.Unreachable, $"'{name}' could not be delivered: {attempt.Failure}");
    }

    private TimeSpan Now => _time.GetElapsedTime(_began);

    private void Start(Holder holder, CancellationToken cancellationToken)
    {
        _attempts++;
        Attempt attempt = new(name, target, holder, _location, around, Show, cancellationToken);
        _running.Add(attempt);
        attempt.Start();
    }

    private async Task<DownloadResult?> TakeEndedAsync()
    {
        while (_running.Find(attempt => attempt.Work.IsCompleted) is { } ended)
        {
            _running.Remove(ended);
            using (ended)
            {
                try
                {
                    if (await ended.Work.ConfigureAwait(false))
                    {
                        foreach (Attempt late in _running.Where(other => other.LateIn <= TimeSpan.Zero)) Report(late);
                        return Finish(ended);
                    }
                    Note(ended);
                }
                catch (Exception exception)
                    when (exception is DiskFullException or TargetException && _running.Count > 0)
                {
                    // The other one may still find room.
                    _failed[ended.Holder.Key] = (ended.Holder, _time.GetTimestamp());
                }
            }
            lock (_progress) _shown = _running.Count == 0 ? 0 : _running.Max(attempt => attempt.Done);
        }
        return null;
    }

    private DownloadResult Finish(Attempt attempt)
    {
        attempt.Commit();
        return new DownloadResult(attempt.Size, attempt.Holder.Id, target) { IsVerified = attempt.IsVerified };
    }

    // False when the answer has named a server, which is under way now.
    private async Task<bool> TakeAnswerAsync(CancellationToken cancellationToken)
    {
        if (_question is not { IsCompleted: true } question) return true;
        _question = null;
        _askAt = Now + _options.AskAgain;
        Answer answer = await question.ConfigureAwait(false);
        _lastFailure = answer.Failure ?? _lastFailure;
        if (answer.Location is not { Holders.Count: > 0 } location) return true;
        if (_location!.IsOther(location))
        {
            how.Notice?.Invoke($"'{name}' has changed on the servers: starting over");
            await EndRunningAsync().ConfigureAwait(false);
        }
        _location = location;
        if (Choose(location, answer.Others) is not { } holder) return true;
        Start(holder, cancellationToken);
        return false;
    }

    private async Task EndRunningAsync()
    {
        foreach (Attempt attempt in _running) await attempt.EndAsync().ConfigureAwait(false);
        _running.Clear();
    }

    private bool IsAtAnEnd() => _attempts >= MostAttempts
        || (_askAt > Now && (IsHopeless() || _time.GetElapsedTime(_newsAt) >= _options.Patience));

    private bool IsHopeless() => _wrong.Count > 0 && _location!.Holders.All(holder => _wrong.Contains(holder.Key));

    private bool IsAnotherNeeded() => _running.Count < MostAtOnce && _attempts < MostAttempts
        && _running.TrueForAll(attempt => attempt.LateIn <= TimeSpan.Zero);

    // After a failure the index is asked: it may know of a newer version. Of a silent one it knows no more than before.
    private bool TryAnother(CancellationToken cancellationToken)
    {
        if (_question is not null || Now < _askAt) return false;
        if (_running.Count > 0 && _location is { IsWholeList: true } && Fresh(_location) is { } fresh)
        {
            Start(fresh, cancellationToken);
            return true;
        }
        Holder[] known = [.. _failed.Values.Select(failed => failed.Holder),
            .. _running.Select(attempt => attempt.Holder)];
        _question = AskAsync(known, cancellationToken);
        return true;
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        TimeSpan left = _running.Count == 0 ? TimeSpan.Zero : _running.Max(attempt => attempt.LateIn);
        if (left <= TimeSpan.Zero) left = _askAt - Now;
        bool isDue = left > TimeSpan.Zero && _running.Count < MostAtOnce && _question is null;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> ends = [.. _running.Select(attempt => attempt.Work),
            Task.Delay(isDue ? left : Timeout.InfiniteTimeSpan, _time, over.Token)];
        if (_question is not null) ends.Add(_question);
        await Task.WhenAny(ends).ConfigureAwait(false);
        over.Cancel();
    }

    private bool IsFresh(Holder holder) => !_failed.ContainsKey(holder.Key)
        && !_running.Exists(attempt => attempt.Holder.Key == holder.Key);

    private Holder? Fresh(Location location) => location.Holders.FirstOrDefault(IsFresh);

    // Another server than those that failed or are under way; null when there is none yet.
    private Holder? Choose(Location location, List<ServerRow> others)
    {
        if (Fresh(location) is { } fresh) return fresh;
        foreach (ServerRow row in others)
        {
            Holder other = new(row.Id.Value, row.Host, row.Port);
            if (row.Alive && IsFresh(other)) return other;
        }
        Holder named = location.Holders.FirstOrDefault(one => !_wrong.Contains(one.Key), location.Holders[0]);
        return !_wrong.Contains(named.Key) && !_running.Exists(attempt => attempt.Holder.Key == named.Key)
            && _time.GetElapsedTime(_failed[named.Key].At) >= SecondChance ? named : null;
    }

    // Runs beside everything else, and touches nothing of it.
    private async Task<Answer> AskAsync(Holder[] known, CancellationToken cancellationToken)
    {
        try
        {
            Location? location = await around.Finder.FindAsync(name, [.. known.Select(holder => holder.Id)],
                cancellationToken).ConfigureAwait(false);
            bool isOneOfThem = location is { IsWholeList: false }
                && location.Holders.All(holder => known.Any(one => one.Key == holder.Key));
            return new Answer(location, isOneOfThem
                ? await around.Finder.ListServersAsync(cancellationToken).ConfigureAwait(false) : [], null);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return new Answer(null, [], exception.Message);
        }
    }

    private void Note(Attempt attempt)
    {
        long now = _time.GetTimestamp();
        _lastFailure = attempt.Failure;
        if (!_failed.ContainsKey(attempt.Holder.Key)) _newsAt = now;
        _failed[attempt.Holder.Key] = (attempt.Holder, now);
        if (attempt.Reason == "wrong") _wrong.Add(attempt.Holder.Key);
        _askAt = Now;
        Report(attempt);
    }

    private void Report(Attempt attempt)
    {
        if (_location is not { IsWholeList: true }) return;
        _ = around.Finder.ReportAsync(name, attempt.Holder.Id, attempt.Reason, CancellationToken.None);
    }

    // Of several the one that is furthest.
    private void Show(Attempt attempt)
    {
        lock (_progress)
        {
            if (attempt.Done > _most) (_most, _newsAt) = (attempt.Done, _time.GetTimestamp());
            if (attempt.Done < _shown) return;
            _shown = attempt.Done;
            how.Progress?.Report(
                new DownloadProgress(attempt.Done, attempt.Size, attempt.Holder.Id) { Servers = 1 });
        }
    }

    /// <param name="Location">Where the file is now; null when nobody said.</param>
    /// <param name="Others">All servers, of an index that named one that is known already.</param>
    /// <param name="Failure">Why nobody said.</param>
    private sealed record Answer(Location? Location, List<ServerRow> Others, string? Failure);
}
