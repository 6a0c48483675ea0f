using System.Threading.Channels;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Sees to it that everything published has the copies that it should have: has lost ones made anew, and
/// takes away those that are too many.</summary>
/// <remarks>
/// <para>Think of a night watchman with the list of what belongs where. He walks through the house, and when
/// something changed, once more; what is missing he writes down, the worst first; and he has it put right, a few things
/// at a time, so that nobody who works there notices. He keeps no books of his own: what he forgot he finds on the
/// next round.</para>
/// <para>A round is a <see cref="HealPass"/>, the rule for one file is <see cref="HealRule"/>, and what he has others
/// do is a <see cref="HealJob"/>. All of it is one loop; only one index of several does it.</para>
/// </remarks>
internal sealed partial class Healer(Book book, Scribe scribe, OrderDesk orders, Router router, Liars liars,
    TimeSpan healAfter, TimeProvider time, ILogger logger)
{
    /// <summary>How long after its start an index waits for servers to tell what they have: within this and
    /// <see cref="MostPatience"/> as long as for one that is away. Who is not here by then was away before.</summary>
    public static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(3);

    /// <summary>Twice the longest pause after which our servers try to register again.</summary>
    public static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TellTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FadeTime = TimeSpan.FromMinutes(1);
    private const int RowsAtOnce = 4096;
    private const int BusyAtOnce = 16;
    // Of what changes all the time a look may take so much of one processor.
    private const int ShareOfTime = 20;

    private readonly long _began = time.GetTimestamp();
    private readonly HealTroubles _troubles = new(time);
    private readonly HealSlots _slots = new();
    private readonly HealNeed _need = new();
    private readonly Dictionary<(int Row, Server Target), HealJob> _jobs = [];
    private readonly Channel<(HealJob Job, OrderFailure? Failure)> _ended =
        Channel.CreateUnbounded<(HealJob, OrderFailure?)>();
    private CopyKeepers? _keepers;
    private Wishes? _wishes;
    private HiddenCopies? _hidden;
    private HealRule _rule = new([]);
    private HealPass? _pass;
    private HealQueue _queue = new();
    private NameTable? _names;
    private long _passBegan, _nextPass = long.MinValue, _changes = -1;
    private int _liarEdition;
    private long _faded = time.GetTimestamp();

    /// <summary>How far it is, for whoever asks.</summary>
    public HealProgress Progress { get; } = new(time);

    private readonly TimeSpan _patience = TimeSpan.FromSeconds(
        Math.Clamp(healAfter.TotalSeconds, LeastPatience.TotalSeconds, MostPatience.TotalSeconds));

    private bool MayOrder => scribe.Leads && time.GetElapsedTime(_began) >= _patience;

    private Catalog.View View => router.Catalog.Now;

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _keepers = new CopyKeepers(router.Fleet, orders, _troubles, healAfter, time);
        _wishes = new Wishes(book, router.Fleet, liars, _troubles);
        using HiddenCopies hidden = new(book, new CopyRounds(book, orders, router, logger), orders, router.Fleet, time);
        _hidden = hidden;
        Task tick = Task.CompletedTask, news = _ended.Reader.WaitToReadAsync(cancellationToken).AsTask();
        while (true)
        {
            if (_pass is null) await Task.WhenAny(tick, news).ConfigureAwait(false);
            else await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            if (news.IsCompleted)
            {
                while (_ended.Reader.TryRead(out (HealJob, OrderFailure?) end)) End(end.Item1, end.Item2);
                news = _ended.Reader.WaitToReadAsync(cancellationToken).AsTask();
            }
            if (tick.IsCompleted)
            {
                LookAround();
                tick = Task.Delay(Tick, time, cancellationToken);
            }
            if (_pass is not null) GoOn(_pass);
            if (MayOrder) Work();
        }
    }

    private void LookAround()
    {
        bool isNews = _keepers!.Look(server => _slots.PromisedTo(server)) | _wishes!.Look() | _names != View.Names
            | _liarEdition != liars.Edition;
        _rule = new HealRule(_keepers.All);
        _liarEdition = liars.Edition;
        Settle();
        Progress.Making = _jobs.Values.Count(job => job.Kind == OrderKind.Fetch && job.DoneAt is null);
        _hidden!.Look(_keepers.AreOthersGone, MayOrder);
        if (time.GetElapsedTime(_faded) >= FadeTime)
        {
            router.Popularity.Fade();
            _faded = time.GetTimestamp();
        }
        Progress.Tick(_keepers.All, _hidden.Open);
        if (!scribe.Leads)
        {
            // Whoever leads begins with a look: what was news meanwhile is known to nobody.
            (_pass, _queue, _nextPass) = (null, new HealQueue(), long.MinValue);
            return;
        }
        long now = time.GetTimestamp();
        // Rows of another table of names are other files.
        if (_names != View.Names) Forget();
        // A look under way goes on to its end: news may come faster than ten million names are looked at.
        if (isNews) _nextPass = now;
        else if (_changes != router.Catalog.Changes) _nextPass = Math.Min(_nextPass, _passBegan + Cost);
        if (_pass is not null || now < _nextPass) return;
        (_passBegan, _nextPass, _changes) = (now, long.MaxValue, router.Catalog.Changes);
        _pass = new HealPass(View, _wishes, _keepers.All, _troubles, router.Popularity);
    }

    private long Cost { get; set; }

    private void GoOn(HealPass pass)
    {
        if (pass.Advance(RowsAtOnce)) return;
        _pass = null;
        _queue = pass.Found;
        long now = time.GetTimestamp();
        Cost = Math.Max(time.TimestampFrequency, (now - _passBegan) * ShareOfTime);
        _nextPass = Math.Min(_nextPass, pass.NextTry ?? long.MaxValue);
        // A server may have room again, and what did not fit the queue waits.
        if (pass.Tally.Missing > 0 || !_queue.IsEmpty)
        {
            _nextPass = Math.Min(_nextPass, now + Math.Max(Cost, (long)(Again.TotalSeconds * time.TimestampFrequency)));
        }
        // Right after a start nobody has told yet what he has: that is no news.
        if (Progress.Counted(pass.Tally, MayOrder) is { } news) LogNews(news);
    }

    private void Forget()
    {
        _names = View.Names;
        _pass = null;
        _troubles.ClearRows();
        _queue = new HealQueue();
    }

    // The most urgent first, but who waits for a busy server holds up nobody who does not.
    private void Work()
    {
        Catalog.View view = View;
        if (_names != view.Names) return;
        foreach (Queue<int> rows in _queue.Rows)
        {
            int busy = 0;
            for (int looks = rows.Count; looks > 0 && busy < BusyAtOnce; looks--)
            {
                int row = rows.Dequeue();
                if (TryWork(view, row)) continue;
                rows.Enqueue(row);
                busy++;
            }
        }
        // What did not fit is found by another look.
        if (_queue is { IsCut: true, IsEmpty: true } && _pass is null)
        {
            _nextPass = Math.Min(_nextPass, _passBegan + Cost);
        }
    }

    // False when servers are too busy for all of it.
    private bool TryWork(Catalog.View view, int row)
    {
        if (!_wishes!.TryOf(view, row, out PublishedName file, out ushort[] holders, out WantedCopies wanted)
            || _troubles.PauseOf(row) is not null || !FileName.TryCreate(view.NameOf(row), out FileName name))
        {
            return true;
        }
        _rule.Decide(wanted, holders, _need);
        Server[] servers = router.Fleet.Servers;
        bool isAll = true;
        foreach (int target in _need.Targets)
        {
            if (_need.Sources.Count == 0) break;
            if (_jobs.ContainsKey((row, servers[target]))) continue;
            int source = _slots.HasRoomAt(target) ? _slots.Pick(_need.Sources, _troubles.TriesOf(row)) : -1;
            if (source < 0) isAll = false;
            else Begin(new HealJob(row, name, file, OrderKind.Fetch, servers[target], servers[source]));
        }
        // Perhaps somebody has the bytes and was never told to show them, or does not know any more that he was.
        if (_need.Sources.Count == 0 && _need.Counting == 0)
        {
            isAll &= TellAll(row, name, file, Enumerable.Range(0, _keepers!.All.Length)
                .Where(server => _keepers.All[server] is { IsHere: true, Worth: CopyWorth.Held }), OrderKind.Show);
        }
        // What is being dropped counts until its server says that it is gone.
        if (IsDropping(row, holders, servers)) return isAll;
        return TellAll(row, name, file, _need.Surplus, OrderKind.Drop) && isAll;
    }

    private bool IsDropping(int row, ushort[] holders, Server[] servers) => Array.Exists(holders, holder =>
        _jobs.TryGetValue((row, servers[holder]), out HealJob? job) && job.Kind == OrderKind.Drop);

    private bool TellAll(int row, FileName name, PublishedName file, IEnumerable<int> targets, OrderKind kind)
    {
        Server[] servers = router.Fleet.Servers;
        bool isAll = true;
        foreach (int target in targets)
        {
            if (_jobs.ContainsKey((row, servers[target]))) continue;
            if (!_slots.HasRoomAt(target)) isAll = false;
            else Begin(new HealJob(row, name, file, kind, servers[target], null));
        }
        return isAll;
    }

    private void Begin(HealJob job)
    {
        _jobs.Add((job.Row, job.Target), job);
        _slots.Take(job.Target.Number, job.Source?.Number ?? -1, job.Bytes);
        _ = CarryOutAsync(job);
    }

    private async Task CarryOutAsync(HealJob job)
    {
        Contact[] sources = job.Source?.Contact is { } contact ? [contact] : [];
        OrderFailure? failure =
            await orders.TryAsync(job.Target.Id, job.Order(job.Kind), sources).ConfigureAwait(false);
        // What was replaced meanwhile is shown by whoever replaced it.
        if (failure is null && job.Kind == OrderKind.Fetch && IsStillSo(job))
        {
            failure = await orders.TryAsync(job.Target.Id, job.Order(OrderKind.Show)).ConfigureAwait(false);
        }
        _ended.Writer.TryWrite((job, failure));
    }

    private bool IsStillSo(HealJob job) =>
        book.TryFind(System.Text.Encoding.UTF8.GetBytes(job.Name.Value), out PublishedName now)
        && now.Revision == job.File.Revision;

    private void End(HealJob job, OrderFailure? failure)
    {
        int target = job.Target.Number;
        _slots.Free(target, job.Source?.Number ?? -1, job.Bytes);
        bool isSame = _names == View.Names;
        if (failure is null)
        {
            job.DoneAt = time.GetTimestamp();
            if (isSame && job.Kind != OrderKind.Drop) _troubles.Done(job.Row, target);
            if (job.Source is { } giver) liars.Remove(job.Name, giver.Number);
            if (job.Kind == OrderKind.Fetch) Progress.Made(job.Bytes);
            return;
        }
        _jobs.Remove((job.Row, job.Target));
        LogFailed(job.Kind, job.Name, job.Target.Id, failure.Why);
        // Where it is not here nothing is to be tried; when it is back that is news.
        if (failure.Error == OrderFailure.Away) return;
        bool isOfServer = failure.Error is "DISK_FULL" or "UNAVAILABLE" or "BUSY";
        if (isOfServer) _troubles.Failed(target);
        else if (isSame) _troubles.Failed(job.Row, failure.Error == "UNREACHABLE" ? target : -1);
        if (failure.Error == "WRONG_BYTES" && job.Source is { } source && liars.Add(job.Name, source.Number))
        {
            LogLiar(source.Id, job.Name, job.Target.Id);
        }
        _nextPass = Math.Min(_nextPass, time.GetTimestamp() + HealTroubles.FirstPause.Ticks
            * time.TimestampFrequency / TimeSpan.TicksPerSecond);
    }

    // What was done is over when the server told so.
    private void Settle()
    {
        if (_jobs.Count == 0) return;
        Catalog.View view = View;
        foreach (HealJob job in _jobs.Values.Where(job => job.DoneAt is not null).ToArray())
        {
            bool has = view.HasPublished(System.Text.Encoding.UTF8.GetBytes(job.Name.Value), job.Target.Number);
            bool isTold = has == (job.Kind != OrderKind.Drop);
            if (!isTold && time.GetElapsedTime(job.DoneAt!.Value) < TellTime) continue;
            _jobs.Remove((job.Row, job.Target));
            // Such as a copy that lies in its folder by hand: that is not the healer's to take away.
            if (!isTold && _names == view.Names) _troubles.Failed(job.Row, -1);
        }
    }

    private void LogNews(HealTally tally)
    {
        if (tally.Missing > 0) LogMissing(tally.Missing, tally.Names, tally.Lost);
        else LogWhole(tally.Names);
    }

    [LoggerMessage(2120, LogLevel.Warning,
        "{Missing} copies of {Names} published files are missing; of {Lost} files there is none that can be had")]
    private partial void LogMissing(long missing, long names, long lost);

    [LoggerMessage(2121, LogLevel.Information, "all {Names} published files have all their copies again")]
    private partial void LogWhole(long names);

    [LoggerMessage(2122, LogLevel.Debug, "{Kind} of '{Name}' by {Server} failed: {Reason}")]
    private partial void LogFailed(OrderKind kind, FileName name, ServerId server, string reason);

    [LoggerMessage(2123, LogLevel.Warning, "{Liar} says that it has '{Name}', and gave {Server} other bytes: its copy "
        + "does not count until it tells of it anew")]
    private partial void LogLiar(ServerId liar, FileName name, ServerId server);
}
