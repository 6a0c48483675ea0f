using System.Diagnostics;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Bench;

/// <summary>Asks where files are without end: one client that knows all indexes, and one for each index that asks no
/// other.</summary>
/// <remarks>Nothing is remembered. A lookup failed when it ends without a server: nobody answered, or somebody said
/// that there is no such file. What is asked of one index alone does not count while that one is down.</remarks>
internal sealed class SteadyLookups : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10), Limit = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _enough = new();
    private readonly Func<Random, string> _pick;
    private readonly Task[] _clients;
    private volatile int _down = -1;
    private LookupRound _round = new(0, 0, 0, TimeSpan.Zero);

    /// <param name="indexes">Where to ask.</param>
    /// <param name="pick">Says which name, one that every index has.</param>
    public SteadyLookups(IReadOnlyList<IndexEndPoint> indexes, Func<Random, string> pick)
    {
        _pick = pick;
        Finder all = new([.. indexes.Select(NewLocator)], "", null, TimeProvider.System);
        _clients = [Task.Run(() => RunAsync(all, -1)),
            .. indexes.Select((index, number) => Task.Run(() => RunAsync(NewLocator(index), number)))];
    }

    /// <summary>The index that was killed and is not whole again; -1 for none.</summary>
    public int Down
    {
        get => _down;
        set => _down = value;
    }

    /// <summary>What happened since this was asked last.</summary>
    public LookupRound Take()
    {
        lock (_lock)
        {
            LookupRound round = _round;
            _round = new LookupRound(0, 0, 0, TimeSpan.Zero);
            return round;
        }
    }

    public void Dispose()
    {
        if (_enough.IsCancellationRequested) return;
        _enough.Cancel();
        Task.WaitAll(_clients, TimeSpan.FromSeconds(30));
        _enough.Dispose();
    }

    private static Locator NewLocator(IndexEndPoint index) => new(index.Host, index.Port,
        new TcpDialer(TimeProvider.System), TimeProvider.System, Limit, null);

    private async Task RunAsync(IFinder finder, int index)
    {
        Random chance = new(index);
        try
        {
            while (true)
            {
                bool wasDown = index >= 0 && Down == index;
                FileName name = PublishFleet.NameOf(_pick(chance));
                long began = Stopwatch.GetTimestamp();
                string trouble = await AskAsync(finder, name).ConfigureAwait(false);
                Note(index, trouble, wasDown || (index >= 0 && Down == index), Stopwatch.GetElapsedTime(began));
                await Task.Delay(Pause, TimeProvider.System, _enough.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }

    // Nothing when it was found.
    private async Task<string> AskAsync(IFinder finder, FileName name)
    {
        try
        {
            Location? found = await finder.FindAsync(name, [], _enough.Token).ConfigureAwait(false);
            return found is null ? $"'{name}' is said not to exist"
                : found.Holders.Count == 0 ? $"no server is named for '{name}'" : "";
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return exception.Message;
        }
    }

    private void Note(int index, string trouble, bool isDown, TimeSpan took)
    {
        if (isDown) return;
        lock (_lock)
        {
            bool isAll = index < 0;
            if (trouble.Length > 0 && _round.FailedAtAll + _round.FailedAtOne == 0)
            {
                Machine.Say($"{(isAll ? "no index" : $"index {index + 1}")}: {trouble}");
            }
            _round = new LookupRound(_round.Count + 1,
                _round.FailedAtAll + (isAll && trouble.Length > 0 ? 1 : 0),
                _round.FailedAtOne + (!isAll && trouble.Length > 0 ? 1 : 0),
                took > _round.Longest ? took : _round.Longest);
        }
    }
}

/// <summary>What came of the lookups of a while.</summary>
/// <param name="Count">How many there were.</param>
/// <param name="FailedAtAll">Those that failed of a client that knows all indexes.</param>
/// <param name="FailedAtOne">Those that failed where one index alone is asked.</param>
/// <param name="Longest">The longest of them.</param>
internal sealed record LookupRound(int Count, int FailedAtAll, int FailedAtOne, TimeSpan Longest);
