using System.Collections.Concurrent;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>One download of a file whose chunks can be verified: sends couriers until every chunk is there.</summary>
/// <remarks>
/// The deciding is done by <see cref="Crew"/> (whom to ask) and <see cref="ChunkMap"/> (for what); this carries it out:
/// it starts and calls back couriers, and asks the index for other servers when there is nobody left to ask. It ends
/// when the file is whole, when the file is another one now, or when nothing good has happened for
/// <see cref="ClientOptions.Patience"/>.
/// </remarks>
internal sealed class ChunkedDownload : IDisposable
{
    /// <summary>From here on several servers are asked at once.</summary>
    public const long LargeBytes = 64L * 1024 * 1024;

    /// <summary>From here on an interrupted download leaves its part, for the next one to go on with.</summary>
    public const long LastingBytes = 8L * 1024 * 1024;

    private static readonly TimeSpan SecondChance = TimeSpan.FromSeconds(3);
    // A file that was replaced a moment ago has other bytes than the index tells: its server notices, lets the file
    // rest, and hashes it.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ReportTime = TimeSpan.FromSeconds(1);

    private readonly FileName _name;
    private readonly string _target;
    private readonly Surroundings _around;
    private readonly DownloadOptions _options;
    private readonly Location _location;
    private readonly ChunkBoard _board;
    private readonly PartFile _part;
    private readonly Bell _bell;
    private readonly ChunkListing _listing;
    private readonly Delivery _delivery;
    private readonly Lock _progress = new();
    private readonly Dictionary<Courier, (Task Work, CancellationTokenSource Stop)> _couriers = [];
    private readonly ConcurrentDictionary<(string, string), Task> _reports = [];
    private readonly Questions _questions;
    private volatile Exception? _fatal;
    private TimeSpan? _nextLook;
    private TimeSpan? _hopelessSince;
    private bool _isDoubted;
    private long _resumed;

    /// <summary>Opens the part.</summary>
    /// <exception cref="TargetException">It cannot be written.</exception>
    public ChunkedDownload(
        FileName name, Location location, string target, Surroundings around, DownloadOptions options)
    {
        (_name, _location, _target, _around, _options) = (name, location, target, around, options);
        _bell = new Bell(around.Time);
        _isDoubted = location.IsDoubted;
        int wanted = location.Size >= LargeBytes ? Math.Clamp(options.Parallel, 1, 16) : 1;
        Crew crew = new(wanted, around.Options.Stall, SecondChance);
        crew.Take(location.Holders);
        _board = new ChunkBoard(location, crew, around.Time);
        ChunkList? known = location.Chunks ?? ChunkList.OfOne(location.Size, location.Digest)
            ?? around.Memory?.Recall(location.Root, location.Size);
        _listing = new ChunkListing(known, _bell.Ring);
        _questions = new Questions(name, around, () => _board.Failed, _bell.Ring);
        _part = TargetException.Guard(OpenPart);
        _delivery = new Delivery(name, location, around, _board, _part, _listing, Tell);
    }

    /// <summary>Downloads.</summary>
    /// <exception cref="CdnException">No server could deliver.</exception>
    /// <exception cref="TargetException">The target cannot be written.</exception>
    public async Task<ChunkedEnd> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            ChunkedEnd? end;
            while ((end = Step(cancellationToken)) is null)
            {
                await _bell.WaitAsync(_nextLook is { } at ? at - _board.Now : null, cancellationToken)
                    .ConfigureAwait(false);
            }
            await EndCouriersAsync().ConfigureAwait(false);
            if (end.Result is not null)
            {
                await _around.AtDisk(() => TargetException.Guard(_part.Commit)).ConfigureAwait(false);
            }
            _part.Keep = end.NeedsWhole && IsWorthKeeping;
            if (!_reports.IsEmpty)
            {
                await Task.WhenAny(
                    Task.WhenAll(_reports.Values), Task.Delay(ReportTime, _around.Time, cancellationToken))
                    .ConfigureAwait(false);
            }
            return end;
        }
        catch (Exception exception) when (exception is not CdnException { Failure: CdnFailure.WrongBytes })
        {
            await EndCouriersAsync().ConfigureAwait(false);
            _part.Keep = IsWorthKeeping;
            throw;
        }
        finally
        {
            await EndCouriersAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The file came in another way: what there is of it here is of no more use.</summary>
    public void Discard() => _part.Keep = false;

    /// <inheritdoc/>
    public void Dispose() => _part.Dispose();

    // What was verified, or was left by an earlier process and not looked at yet.
    private bool IsWorthKeeping => _board.Written > 0 || (_part.Origin == PartOrigin.Same && !_listing.IsOpen);

    // Null while there is more to come.
    private ChunkedEnd? Step(CancellationToken cancellationToken)
    {
        if (_fatal is { } fatal) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fatal);
        cancellationToken.ThrowIfCancellationRequested();
        if (_listing is { Known: { } list, IsOpen: false }) Adopt(list, cancellationToken);
        if (_board.IsWhole) return new ChunkedEnd(Result(), null, false);
        if (_questions.TakeAnswer(out Location? answer))
        {
            // Without a digest it may be the same; every chunk is verified by the digests that were told first.
            if (answer is not null && _location.IsOther(answer)) return new ChunkedEnd(null, answer, false);
            if (answer is not null) _board.Take(answer.Holders);
            _isDoubted &= answer is not { IsDoubted: false };
        }
        if (_isDoubted && _board.IsNowhere()) throw Download.NotFound(_name);
        if (_board.IsHopeless())
        {
            _hopelessSince ??= _board.Now;
            if (_board.Now - _hopelessSince >= Settling) throw Failure(CdnFailure.WrongBytes);
        }
        else _hopelessSince = null;
        if ((_listing.Known is null && _board.HasNoDigests()) || _board.HasWholeAlone())
        {
            return new ChunkedEnd(null, null, true);
        }
        Plan plan = _board.Look();
        foreach (Courier courier in plan.Late) _couriers[courier].Stop.Cancel();
        foreach (Courier courier in plan.Started) Start(courier, cancellationToken);
        _nextLook = plan.NextLook;
        if (!plan.HasHope) Ask(plan.Quiet, cancellationToken);
        return null;
    }

    private void Ask(TimeSpan quiet, CancellationToken cancellationToken)
    {
        TimeSpan left = (_isDoubted ? Download.FirstPatience : _around.Options.Patience) - quiet;
        // Who is under way is called back by itself when it brings nothing.
        if (left <= TimeSpan.Zero && !_board.IsAnybodyUnderWay)
        {
            if (_isDoubted && !_board.AnyWrong) throw Download.NotFound(_name);
            throw Failure(_board.AnyWrong ? CdnFailure.WrongBytes : CdnFailure.Unreachable);
        }
        TimeSpan now = _board.Now;
        TimeSpan next = _questions.Ask(now, cancellationToken);
        TimeSpan sooner = left <= TimeSpan.Zero || next < now + left ? next : now + left;
        // While the index is asked there is no such time: its answer rings.
        if (sooner < TimeSpan.MaxValue && (_nextLook is null || sooner < _nextLook)) _nextLook = sooner;
    }

    private CdnException Failure(CdnFailure failure) => new(failure, failure == CdnFailure.WrongBytes
        ? $"no server has the right bytes of '{_name}': {_board.LastFailure}"
        : $"no server could deliver '{_name}': {_board.LastFailure ?? _questions.LastFailure}");

    private void Start(Courier courier, CancellationToken cancellationToken)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _couriers[courier] = (Task.Run(() => RunAsync(courier, stop.Token), CancellationToken.None), stop);
    }

    private async Task RunAsync(Courier courier, CancellationToken cancellationToken)
    {
        Outcome outcome = Outcome.Failed;
        string? failure = null;
        try
        {
            (outcome, failure) = await _delivery.RunAsync(courier, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Of our own disk, or a mistake of ours: the whole download ends with it.
            _fatal = exception;
        }
        bool wasHeard = courier.IsFlowing;
        _board.End(courier, outcome, failure);
        try
        {
            Report(courier.Candidate.Holder, outcome, wasHeard);
        }
        catch (Exception exception)
        {
            // Of whoever listens to notices.
            _fatal = exception;
        }
        _bell.Ring();
    }

    private void Report(Holder holder, Outcome outcome, bool wasHeard)
    {
        string? reason = outcome switch
        {
            Outcome.Wrong => "wrong",
            Outcome.Missing => "missing",
            Outcome.Stalled or Outcome.Overtaken => "stall",
            Outcome.Failed => wasHeard ? "stall" : "connect",
            _ => null,
        };
        if (reason is null || _location.IsRemembered) return;
        if (outcome == Outcome.Wrong)
        {
            _options.Notice?.Invoke($"{holder} sent wrong bytes of '{_name}', and is reported");
        }
        // Once for each; it outlives its courier.
        _reports.GetOrAdd((holder.Id, reason), _ =>
            _around.Finder.ReportAsync(_name, holder.Id, reason, CancellationToken.None));
    }

    private async Task EndCouriersAsync()
    {
        foreach ((Task _, CancellationTokenSource stop) in _couriers.Values)
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }
        foreach ((Task work, CancellationTokenSource stop) in _couriers.Values)
        {
            await work.ConfigureAwait(false);
            stop.Dispose();
        }
        _couriers.Clear();
    }

    private PartFile OpenPart()
    {
        bool isCold = _around.IsForKeeping;
        if (_location.Size < LastingBytes) return PartFile.Create(_target, _location.Size, isCold);
        byte[] stamp = new byte[PartFile.StampBytes];
        _location.Digest.CopyTo(stamp);
        (_location.Root.IsNone ? _location.Chunks is { } list ? Chunks.RootOf(list.Bytes) : default
            : _location.Root).CopyTo(stamp.AsSpan(FileDigest.Length));
        PartFile part = PartFile.Open(_target, _location.Size, ChunkCount.Of(_location.Size), stamp, isCold);
        if (part.Origin == PartOrigin.Other)
        {
            _options.Notice?.Invoke($"'{part.Path}' is a part of another version of '{_name}': starting over");
        }
        return part;
    }

    // What an earlier process left is a claim: each chunk of it is verified again.
    private void Adopt(ChunkList list, CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        for (int chunk = 0; chunk < list.Count && _part.Origin == PartOrigin.Same; chunk++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_part.IsClaimed(chunk)) continue;
            // A mebibyte for each small file would be most of what a server does that fetches many.
            if (buffer.Length == 0) buffer = new byte[Chunks.LengthOf(_location.Size, 0)];
            Span<byte> bytes = buffer.AsSpan(0, Chunks.LengthOf(_location.Size, chunk));
            if (!TryReadPart(chunk, bytes) || !list.IsRight(chunk, bytes)) continue;
            _board.Found(chunk);
            _resumed += bytes.Length;
        }
        if (_resumed > 0)
        {
            _options.Notice?.Invoke($"going on with '{_name}': {_resumed} of {_location.Size} bytes are there already");
        }
        if (!_location.Root.IsNone) _around.Memory?.Keep(_location.Root, list);
        _board.Forgive();
        _listing.Open();
    }

    // A disk that cannot read a chunk back has not got it.
    private bool TryReadPart(int chunk, Span<byte> bytes)
    {
        try
        {
            return _part.Read(ChunkCount.OffsetOf(chunk), bytes) == bytes.Length;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private DownloadResult Result()
    {
        string[] servers = _board.Deliverers;
        string server = servers.Length > 0 ? string.Join(", ", servers) : _location.Holders[0].Id;
        return new DownloadResult(_location.Size, server, _target)
        {
            Resumed = _resumed,
            Repeated = Math.Max(0, _board.Received - (_location.Size - _resumed)),
            IsVerified = true,
            ChunkDigests = _listing.Known is { } list ? list.Bytes.ToArray() : [],
        };
    }

    // Left out when another courier is telling at this moment: the next piece tells it too.
    private void Tell(Courier courier, int under)
    {
        if (_options.Progress is not { } progress || !_progress.TryEnter()) return;
        try
        {
            long done = Math.Min(_location.Size, _board.Written + under);
            progress.Report(new DownloadProgress(done, _location.Size, courier.Candidate.Holder.Id)
            {
                Resumed = _resumed, Servers = _couriers.Count,
            });
        }
        finally
        {
            _progress.Exit();
        }
    }
}

/// <summary>How a download by chunks ended: one of these holds.</summary>
/// <param name="Result">The file is in place.</param>
/// <param name="Changed">It is another file now.</param>
/// <param name="NeedsWhole">Nobody knows the digests of its chunks, or sends them one by one; it can be had, and
/// verified, only as a whole.</param>
internal sealed record ChunkedEnd(DownloadResult? Result, Location? Changed, bool NeedsWhole);
