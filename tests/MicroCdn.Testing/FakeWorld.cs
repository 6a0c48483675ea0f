using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Testing;

/// <summary>A network, a clock that the test moves, a log, a folder: what a cluster in one process needs.</summary>
public sealed class FakeWorld : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan DefaultBound = TimeSpan.FromSeconds(60);

    // Real time: only reached when something spins or blocks, which the fake world cannot tell from work.
    private static readonly TimeSpan LongestSettling = TimeSpan.FromSeconds(10);
    private const int CalmLooks = 3;
    private const int LooksBeforeYield = 50;
    private const int ShownLines = 40;
    private static readonly Idleness Pool = new();

    private readonly int _seed;
    private readonly long _startedAt;
    private string _phase = "start";

    /// <summary>Makes a world in which nothing runs yet.</summary>
    public FakeWorld(int seed)
    {
        _seed = seed;
        Pool.Learn();
        Time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        _startedAt = Time.GetTimestamp();
        Log = new LogCollector(Time);
        Network = new FakeNetwork(seed, Time, Log);
        Chance = new Random(Seeds.Mix(seed, "the test's own"));
    }

    /// <summary>The clock; only this world advances it.</summary>
    public FakeTimeProvider Time { get; }

    /// <summary>What all roles logged.</summary>
    public LogCollector Log { get; }

    /// <summary>The network.</summary>
    public FakeNetwork Network { get; }

    /// <summary>A folder for the test's files.</summary>
    public TempFolder Folder { get; } = new();

    /// <summary>The test's own chance, from the seed.</summary>
    public Random Chance { get; }

    /// <summary>Time since the world began.</summary>
    public TimeSpan Now => Time.GetElapsedTime(_startedAt);

    /// <summary>Names what happens next, for whoever reads a failure.</summary>
    public void Phase(string phase) => _phase = phase;

    /// <summary>Lets fake time pass in small steps, each after all work of the one before is done.</summary>
    public async Task AdvanceAsync(TimeSpan span)
    {
        await SettleAsync();
        for (TimeSpan left = span; left > TimeSpan.Zero; left -= Step)
        {
            Time.Advance(left < Step ? left : Step);
            await SettleAsync();
        }
    }

    /// <summary>Lets time pass until a condition holds.</summary>
    /// <param name="condition">Looked at after each step, when all work is done.</param>
    /// <param name="expected">What it waits for, in words.</param>
    /// <param name="within">The most fake time it may take; a minute by default.</param>
    /// <param name="actual">What is the case instead, for whoever reads a failure.</param>
    /// <exception cref="FakeWorldException">It did not come true in time.</exception>
    public Task UntilAsync(
        Func<bool> condition, string expected, TimeSpan? within = null, Func<string>? actual = null) =>
        UntilAsync(() => Task.FromResult(condition()), expected, within, actual);

    /// <summary>The same for a condition that asks over the wire.</summary>
    public async Task UntilAsync(
        Func<Task<bool>> condition, string expected, TimeSpan? within = null, Func<string>? actual = null)
    {
        TimeSpan bound = within ?? DefaultBound;
        TimeSpan since = Now;
        await SettleAsync();
        while (!await condition())
        {
            if (Now - since >= bound)
            {
                throw Failure($"{expected} within {Seconds(bound)}", actual?.Invoke() ?? "it did not happen");
            }
            await AdvanceAsync(Step);
        }
    }

    /// <summary>Lets time pass until a task is done, and returns what came of it.</summary>
    public async Task<T> ResultAsync<T>(Task<T> task, string expected, TimeSpan? within = null)
    {
        await UntilAsync(() => task.IsCompleted, expected, within);
        return await task;
    }

    /// <summary>Fails unless something holds.</summary>
    public void Check(bool holds, string expected, string actual)
    {
        if (!holds) throw Failure(expected, actual);
    }

    /// <summary>Waits until nothing is left to do at this moment of fake time.</summary>
    /// <remarks>
    /// Everything in the world runs on the thread pool: idle means that no work is queued and that nobody but us is
    /// working. Three looks in a row, since work may be handed on between the two halves of one look. It spins instead
    /// of awaiting, because an await would be work itself.
    /// </remarks>
    public Task SettleAsync()
    {
        long began = Stopwatch.GetTimestamp();
        int looks = 0;
        for (int calm = 0; calm < CalmLooks;)
        {
            calm = Pool.Look() ? calm + 1 : 0;
            // Yielding at every look would cost a time slice of whatever else this machine does.
            if (++looks % LooksBeforeYield == 0) Thread.Yield();
            else Thread.SpinWait(20);
            if (Stopwatch.GetElapsedTime(began) > LongestSettling)
            {
                throw Failure("the roles come to rest", $"something runs on without end: {Pool}");
            }
        }
        if (Network.Faults is [{ } fault, ..])
        {
            throw Failure("no role, session or handler throws", fault.ToString(), fault);
        }
        return Task.CompletedTask;
    }

    /// <summary>A failure that says all there is to know.</summary>
    public FakeWorldException Failure(string expected, string actual, Exception? inner = null) => new(
        $"seed {_seed}, phase '{_phase}', at {Seconds(Now)}\nexpected: {expected}\nactual:   {actual}\nlog:\n"
        + string.Join('\n', Log.Lines.TakeLast(ShownLines)), inner);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Network.Dispose();
        // Real time, and generous: roles end as soon as they are cancelled.
        await Network.AllEnded().WaitAsync(TimeSpan.FromSeconds(10));
        Folder.Dispose();
    }

    private static string Seconds(TimeSpan span) =>
        string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###} s");
}

/// <summary>An expectation that did not come true, with the seed, the phase and the last lines of the log.</summary>
public sealed class FakeWorldException(string message, Exception? inner) : Exception(message, inner);
