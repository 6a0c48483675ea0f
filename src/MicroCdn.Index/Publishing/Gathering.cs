using System.Text;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Counts the copies of the files of a release, and has those made that are missing; that has an
/// end.</summary>
/// <remarks>Who has the bytes says so at once; which servers these are, nobody remembers. Servers that only hang say
/// neither yes nor no, and an operator who wants something else must not wait for them: when no copy comes for
/// <see cref="PatienceFor"/> all is given up, as it is when whoever asked is gone. Nothing is visible then, and what
/// was brought is there for the next try.</remarks>
internal sealed partial class Gathering(CopyRounds copies, OrderDesk orders, TimeProvider time, ILogger logger)
{
    /// <summary>How long the next copy is waited for, beside the time for its bytes.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    // A server tells of a copy when it has all of it, at the least this quickly; it waits a month at most.
    private const long LeastBytesASecond = 1 << 20;
    private const long MostSeconds = 30 * 24 * 3600;

    // Files whose copies are counted at once: so many orders wait for a server at most.
    private const int AtOnce = 4_096;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    // That whoever asked is gone is noticed when he is told something.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    /// <summary>How long a copy of a file is waited for.</summary>
    public static TimeSpan PatienceFor(long size) =>
        Patience + TimeSpan.FromSeconds(Math.Min(size / LeastBytesASecond, MostSeconds));

    /// <summary>Has the copies made.</summary>
    /// <param name="files">The files; without a digest those that are to show nothing any more.</param>
    /// <param name="told">Told how many have theirs, each second when there are more, else now and then.</param>
    /// <param name="end">Asked each second for a reason to end.</param>
    /// <returns>Null and what is to turn; or the reason why not.</returns>
    public async Task<(WireError? Refusal, List<NameTurn> Ready)> RunAsync(
        IReadOnlyList<FileCopies> files, LongAnswer told, Func<WireError?> end)
    {
        Round round = new(files.Count);
        IReadOnlyList<CopyPlace> places = orders.Places;
        Task all = Task.WhenAll(files.Select((file, at) => GatherAsync(file, at, round, places)));
        TimeSpan patience = PatienceFor(files.Select(file => file.State.Size).DefaultIfEmpty().Max());
        (int copied, long since, int done, long said) = (0, time.GetTimestamp(), 0, time.GetTimestamp());
        while (!all.IsCompleted && !round.IsOver)
        {
            using CancellationTokenSource tick = new();
            await Task.WhenAny(all, round.Ended, Task.Delay(Tick, time, tick.Token)).ConfigureAwait(false);
            await tick.CancelAsync().ConfigureAwait(false);
            if (all.IsCompleted || round.IsOver) break;
            if (round.Copies > copied) (copied, since) = (round.Copies, time.GetTimestamp());
            if (round.Done > done || time.GetElapsedTime(said) >= Quiet)
            {
                (done, said) = (round.Done, time.GetTimestamp());
                told.Say(Encoding.UTF8.GetBytes($"COPIES {done} {files.Count}\n"));
            }
            if (end() is { } reason) round.End(reason);
            if (time.GetElapsedTime(since) < patience) continue;
            LogGivenUp((long)patience.TotalSeconds, done, files.Count);
            round.End(WireErrors.NoRoom);
        }
        // One that broke says so.
        if (!round.IsOver) await all.ConfigureAwait(false);
        return (round.Reason, round.Reason is null ? [.. round.Ready.OfType<NameTurn>()] : []);
    }

    // What cannot be as a whole is not gone on with; what servers were told already they do.
    private async Task GatherAsync(FileCopies file, int at, Round round, IReadOnlyList<CopyPlace> places)
    {
        await round.Window.WaitAsync().ConfigureAwait(false);
        try
        {
            if (round.IsOver) return;
            round.Ready[at] = file.State.Digest.IsNone ? NameTurn.Away(file.Name)
                : await GatherAsync(file, round, places).ConfigureAwait(false);
            round.NoteDone();
            if (round.Ready[at] is null) round.End(WireErrors.NoRoom);
        }
        finally
        {
            round.Window.Release();
        }
    }

    private async Task<NameTurn?> GatherAsync(FileCopies file, Round round, IReadOnlyList<CopyPlace> places)
    {
        // One that has the bytes needs no room for them, and who has them is asked by asking.
        List<Server> order = copies.InOrder(file, _ => true, places);
        Contact[] sources = copies.SourcesOf(order, places);
        List<Server> holders =
            await copies.BringAsync(file, order, sources, _ => round.NoteCopy()).ConfigureAwait(false);
        if (holders.Count >= copies.WantedOf(file))
        {
            return new NameTurn(file, [.. holders.Select(server => (ushort)server.Number)]);
        }
        LogShort(Encoding.UTF8.GetString(file.Name), holders.Count);
        return null;
    }

    /// <summary>How far one is.</summary>
    private sealed class Round(int files)
    {
        private readonly TaskCompletionSource<WireError> _ended =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        private int _copies, _done;

        public NameTurn?[] Ready { get; } = new NameTurn?[files];

        public SemaphoreSlim Window { get; } = new(AtOnce);

        public int Copies => Volatile.Read(ref _copies);

        public int Done => Volatile.Read(ref _done);

        public Task Ended => _ended.Task;

        public bool IsOver => _ended.Task.IsCompleted;

        public WireError? Reason => IsOver ? _ended.Task.Result : null;

        public void NoteCopy() => Interlocked.Increment(ref _copies);

        public void NoteDone() => Interlocked.Increment(ref _done);

        public void End(WireError reason) => _ended.TrySetResult(reason);
    }

    [LoggerMessage(2057, LogLevel.Warning, "'{Name}' has {Copies} copies, which are too few to make it visible")]
    private partial void LogShort(string name, int copies);

    [LoggerMessage(2058, LogLevel.Warning,
        "no copy came for {Seconds} s, so a release is given up: {Done} of its {Files} files have theirs")]
    private partial void LogGivenUp(long seconds, int done, int files);
}
