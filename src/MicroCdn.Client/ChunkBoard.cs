using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>What the couriers of one download share: map, crew and news, each look and each change in one
/// piece.</summary>
/// <remarks>The only lock of a download by chunks; nothing is called from inside it that waits or locks.</remarks>
internal sealed class ChunkBoard(Location location, Crew crew, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly ChunkMap _map = new(ChunkCount.Of(location.Size));
    private readonly long _began = time.GetTimestamp();
    private TimeSpan _newsAt;
    private long _received;
    private string? _lastFailure;

    /// <summary>Time since the download began.</summary>
    public TimeSpan Now => time.GetElapsedTime(_began);

    /// <summary>True when every chunk is written.</summary>
    public bool IsWhole => Locked(() => _map.IsWhole);

    /// <summary>True while some courier has not ended.</summary>
    public bool IsAnybodyUnderWay => Locked(() => crew.Couriers.Count > 0);

    /// <summary>Why the last server failed; null when none did.</summary>
    public string? LastFailure => Locked(() => _lastFailure);

    /// <summary>Bytes of chunks that came from servers, with those that were of no use.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Bytes written, those found in the part with them.</summary>
    public long Written => Locked(() => Math.Min(location.Size, (long)_map.Written * Chunks.Bytes));

    /// <summary>The servers that delivered, by how much they did.</summary>
    public string[] Deliverers => Locked(() => crew.Candidates.Where(c => c.Delivered > 0)
        .OrderByDescending(c => c.Delivered).Select(c => c.Holder.Id).ToArray());

    /// <summary>The servers that failed, to be named last.</summary>
    public string[] Failed => Locked(() => crew.Candidates.Where(c => c.HasFailedBefore)
        .Select(c => c.Holder.Id).Distinct().ToArray());

    /// <summary>True when some server sent wrong bytes.</summary>
    public bool AnyWrong => Locked(() => crew.Candidates.Any(c => c.WrongChunks > 0));

    /// <summary>What is to be done now, and when to look again.</summary>
    public Plan Look() => Locked(() =>
    {
        TimeSpan now = Now;
        List<Courier> late = crew.CallBack(now);
        List<Courier> started = [];
        while (!_map.IsWhole && crew.Start(now, HasWorkFor) is { } courier) started.Add(courier);
        bool hope = crew.HasHope(now, HasWorkFor);
        return new Plan(late, started, crew.NextLook(now), hope, now - _newsAt);
    });

    /// <summary>Takes a newer list of the same file.</summary>
    public void Take(IReadOnlyList<Holder> holders) => Locked(() => crew.Take(holders));

    /// <summary>A chunk was found in the part.</summary>
    public void Found(int chunk) => Locked(() => _map.Found(chunk));

    /// <summary>Nobody was to blame for the time that has passed.</summary>
    public void Forgive() => Locked(() =>
    {
        foreach (Courier courier in crew.Couriers) courier.Wait(Now);
        _newsAt = Now;
    });

    /// <summary>Takes chunks for a courier, up to a number, while it is needed.</summary>
    public List<int> Take(Courier courier, int most) => Locked(() =>
    {
        List<int> taken = [];
        while (taken.Count < most && crew.IsNeeded(courier, Now)
            && _map.Take(courier.Id, courier.Candidate.Holder.Key, IsStuck) is >= 0 and int chunk)
        {
            taken.Add(chunk);
        }
        return taken;
    });

    /// <summary>Takes this very chunk.</summary>
    public bool TryTake(Courier courier, int chunk) => Locked(() => crew.IsNeeded(courier, Now)
        && _map.TryTake(courier.Id, courier.Candidate.Holder.Key, chunk, IsStuck));

    /// <summary>True when a taken chunk should still be received.</summary>
    public bool IsWorthBeginning(Courier courier, int chunk) =>
        Locked(() => _map.IsWorthBeginning(courier.Id, chunk));

    /// <summary>A server begins to send a chunk.</summary>
    public void Begin(Courier courier) => Locked(() => courier.Begin(Now));

    /// <summary>A server said something.</summary>
    public void Hear(Courier courier, int bytes)
    {
        Interlocked.Add(ref _received, bytes);
        Locked(() => courier.Hear(Now, bytes));
    }

    /// <summary>A courier begins to wait for its server.</summary>
    public void Wait(Courier courier) => Locked(() => courier.Wait(Now));

    /// <summary>Right bytes; true for who is to write them.</summary>
    public bool TryDeliver(int chunk) => Locked(() => _map.TryDeliver(chunk));

    /// <summary>They are written.</summary>
    public void CountWritten(Courier courier, int bytes) => Locked(() =>
    {
        _map.CountWritten();
        courier.Candidate.Delivered += bytes;
        _newsAt = Now;
    });

    /// <summary>Wrong bytes.</summary>
    public void Refuse(Courier courier, int chunk) =>
        Locked(() => _map.Refuse(courier.Id, courier.Candidate.Holder.Key, chunk));

    /// <summary>A courier ended.</summary>
    public void End(Courier courier, Outcome outcome, string? failure) => Locked(() =>
    {
        _map.Release(courier.Id);
        if (outcome is not (Outcome.Done or Outcome.Overtaken) && !courier.Candidate.HasFailedBefore) _newsAt = Now;
        if (failure is not null) _lastFailure = failure;
        crew.End(courier, outcome, Now);
    });

    /// <summary>True when every server that is named sent wrong bytes for some chunk.</summary>
    public bool IsHopeless() => Locked(() =>
    {
        Candidate[] named = [.. crew.Candidates.Where(candidate => candidate.IsNamed)];
        if (named.Length == 0 || crew.Couriers.Count > 0) return false;
        return Array.TrueForAll(named, candidate => candidate.IsOut)
            || _map.IsHopeless([.. named.Where(c => !c.IsOut).Select(c => c.Holder.Key)]);
    });

    /// <summary>True when every server that is named says that it has no such file.</summary>
    public bool IsNowhere() => Locked(() => crew.Couriers.Count == 0
        && crew.Candidates.All(candidate => !candidate.IsNamed || candidate.Last is Outcome.Missing));

    /// <summary>True when nobody who can be asked knows the digests of the chunks, and some would deliver
    /// without.</summary>
    public bool HasNoDigests() => Locked(() => crew.Couriers.Count == 0
        && crew.Candidates.All(candidate => !candidate.IsNamed || candidate.Last is not null)
        && crew.Candidates.Any(candidate => candidate.IsNamed && candidate.Last is Outcome.NoDigests));

    /// <summary>True when nobody who can be asked sends parts, and some would send the whole.</summary>
    public bool HasWholeAlone() => Locked(() => crew.Couriers.Count == 0
        && crew.Candidates.All(c => !c.IsNamed || c.Last is not (null or Outcome.Done or Outcome.Overtaken))
        && crew.Candidates.Any(candidate => candidate.IsNamed && candidate.Last is Outcome.WholeOnly));

    private bool HasWorkFor(Candidate candidate) => _map.HasWorkFor(candidate.Holder.Key, IsStuck);

    private bool IsStuck(int courier)
    {
        foreach (Courier one in crew.Couriers)
        {
            if (one.Id == courier) return !one.IsCountedOn(Now);
        }
        return true;
    }

    private T Locked<T>(Func<T> action)
    {
        lock (_lock) return action();
    }

    private void Locked(Action action)
    {
        lock (_lock) action();
    }
}

/// <summary>What is to be done now.</summary>
/// <param name="Late">Couriers to call back.</param>
/// <param name="Started">Couriers to send.</param>
/// <param name="NextLook">When to look again, as the time since the download began.</param>
/// <param name="HasHope">False when nobody is left to send and nobody under way is counted on.</param>
/// <param name="Quiet">Time since the last good news.</param>
internal sealed record Plan(
    List<Courier> Late, List<Courier> Started, TimeSpan? NextLook, bool HasHope, TimeSpan Quiet);
