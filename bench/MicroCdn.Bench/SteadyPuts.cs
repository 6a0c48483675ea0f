using System.Diagnostics;
using System.Security.Cryptography;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Bench;

/// <summary>Some clients that publish small files without end, and what was acknowledged to them.</summary>
/// <remarks>A put that is refused is said again after a moment, as its message asks. Each file is new, so that nothing
/// that was lost can hide behind what came later.</remarks>
internal sealed class SteadyPuts : IDisposable
{
    private const int Clients = 4;

    // Some 60 puts a second: gaps are measured to 15 ms, and an hour is a quarter of a million names.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromMilliseconds(100), Long = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly List<Acknowledged> _all = [];
    private readonly CancellationTokenSource _enough = new();
    private readonly Task[] _clients;
    private long _lastAt = Stopwatch.GetTimestamp();
    private TimeSpan _longestGap, _longestPut;
    private int _refused, _countBefore;

    public SteadyPuts(IndexFleet fleet) =>
        _clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(() => RunAsync(fleet, client)))];

    /// <summary>All that was acknowledged so far, the oldest first.</summary>
    public Acknowledged[] All
    {
        get
        {
            lock (_lock) return [.. _all];
        }
    }

    /// <summary>How long ago the last put was acknowledged.</summary>
    public TimeSpan Silence
    {
        get
        {
            lock (_lock) return Stopwatch.GetElapsedTime(_lastAt);
        }
    }

    /// <summary>The name of the one that was acknowledged first; null before that.</summary>
    public string? First
    {
        get
        {
            lock (_lock) return _all.Count > 0 ? _all[0].Name : null;
        }
    }

    /// <summary>The name of the one that was acknowledged last.</summary>
    public string Last
    {
        get
        {
            lock (_lock) return _all[^1].Name;
        }
    }

    /// <summary>The name of one that was acknowledged at least so long ago; of the first when chance picks a newer
    /// one.</summary>
    public string Any(Random chance, TimeSpan age)
    {
        lock (_lock)
        {
            Acknowledged one = _all[chance.Next(_all.Count)];
            return (Stopwatch.GetElapsedTime(one.At) >= age ? one : _all[0]).Name;
        }
    }

    /// <summary>What happened since this was asked last.</summary>
    public PutRound Take()
    {
        lock (_lock)
        {
            TimeSpan silence = Stopwatch.GetElapsedTime(_lastAt);
            PutRound round = new(_all.Count - _countBefore, _refused, silence > _longestGap ? silence : _longestGap,
                _longestPut);
            (_countBefore, _refused, _longestGap, _longestPut) = (_all.Count, 0, TimeSpan.Zero, TimeSpan.Zero);
            return round;
        }
    }

    /// <summary>Ends what is under way; more is not acknowledged.</summary>
    public void Dispose()
    {
        if (_enough.IsCancellationRequested) return;
        _enough.Cancel();
        Task.WaitAll(_clients, TimeSpan.FromSeconds(30));
        _enough.Dispose();
    }

    private async Task RunAsync(IndexFleet fleet, int client)
    {
        Publisher publisher = fleet.NewPublisher();
        try
        {
            for (int number = 0; ; number++)
            {
                await PutAsync(publisher, $"steady/{client}/{number}").ConfigureAwait(false);
                await Task.Delay(Pause, TimeProvider.System, _enough.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }

    // Until it is acknowledged.
    private async Task PutAsync(Publisher publisher, string name)
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(Puts.FileBytes);
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                Publication done =
                    await Puts.PutAsync(publisher, name, bytes, _enough.Token).ConfigureAwait(false);
                Note(new Acknowledged(name, done.Digest, Stopwatch.GetTimestamp()), began);
                return;
            }
            catch (CdnException exception)
            {
                lock (_lock) _refused++;
                bool isLong = Stopwatch.GetElapsedTime(began) > Long;
                if (isLong || _refused == 1) Machine.Say($"{name} is put again: {exception.Message}");
            }
            await Task.Delay(AfterRefusal, TimeProvider.System, _enough.Token).ConfigureAwait(false);
        }
    }

    private void Note(Acknowledged put, long began)
    {
        lock (_lock)
        {
            (TimeSpan gap, TimeSpan took) =
                (Stopwatch.GetElapsedTime(_lastAt, put.At), Stopwatch.GetElapsedTime(began, put.At));
            if (gap > _longestGap) _longestGap = gap;
            if (took > _longestPut) _longestPut = took;
            _lastAt = put.At;
            _all.Add(put);
        }
    }
}

/// <summary>A put that was acknowledged.</summary>
internal sealed record Acknowledged(string Name, FileDigest Digest, long At);

/// <summary>What came of the puts of a while.</summary>
/// <param name="Count">How many were acknowledged.</param>
/// <param name="Refused">How often one was refused, and said again.</param>
/// <param name="LongestGap">The longest time in which none was acknowledged to anybody.</param>
/// <param name="LongestPut">The longest time of one, with all its tries.</param>
internal sealed record PutRound(int Count, int Refused, TimeSpan LongestGap, TimeSpan LongestPut);
