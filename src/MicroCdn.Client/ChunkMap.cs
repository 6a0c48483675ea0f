namespace MicroCdn.Client;

/// <summary>Which chunks of one download are there, and who fetches which of the others.</summary>
/// <remarks>
/// <para>Like the seats of a theatre: a courier takes the first one free; one that is taken may be taken by one more
/// when all who took it are stuck. Whoever brings the right bytes first has delivered; what the other brings is
/// discarded. A server that brought wrong bytes for a chunk is never asked for that chunk again, yet may be for
/// others: two copies that each have a rotten chunk still make one whole file.</para>
/// <para>Couriers are numbers from 0. Not thread-safe.</para>
/// </remarks>
internal sealed class ChunkMap
{
    private const int Nobody = -1;

    private readonly ChunkState[] _states;
    private readonly SortedDictionary<int, List<int>> _claims = [];
    private readonly Dictionary<int, HashSet<string>> _refused = [];
    private int _first;

    /// <summary>A map of which nothing is there yet.</summary>
    public ChunkMap(int count) => (_states, Open) = (new ChunkState[count], count);

    /// <summary>How many chunks there are.</summary>
    public int Count => _states.Length;

    /// <summary>How many are written.</summary>
    public int Written { get; private set; }

    /// <summary>How many nobody has delivered yet.</summary>
    public int Open { get; private set; }

    /// <summary>True when all are written.</summary>
    public bool IsWhole => Written == Count;

    /// <summary>A chunk was there already.</summary>
    public void Found(int chunk)
    {
        if (_states[chunk] != ChunkState.Missing) return;
        _states[chunk] = ChunkState.Delivered;
        Open--;
        Written++;
    }

    /// <summary>Takes the first chunk that this courier may fetch from this server; -1 when there is none.</summary>
    /// <param name="courier">Who takes it.</param>
    /// <param name="server">Whom it would ask.</param>
    /// <param name="isStuck">Tells of a courier whether its chunks may be taken by one more.</param>
    public int Take(int courier, string server, Func<int, bool> isStuck)
    {
        int chunk = FirstFor(courier, server, isStuck);
        if (chunk >= 0) Note(courier, chunk);
        return chunk;
    }

    /// <summary>True when <see cref="Take"/> would find a chunk.</summary>
    public bool HasWorkFor(string server, Func<int, bool> isStuck) => FirstFor(Nobody, server, isStuck) >= 0;

    /// <summary>Takes this very chunk when it is free, for a courier that gets the chunks in order whether it wants
    /// them or not.</summary>
    public bool TryTake(int courier, string server, int chunk, Func<int, bool> isStuck)
    {
        if (!MayTake(courier, server, chunk, isStuck)) return false;
        Note(courier, chunk);
        return true;
    }

    /// <summary>True when a courier that took a chunk should still begin to receive it: it is open, and nobody else has
    /// taken it meanwhile.</summary>
    public bool IsWorthBeginning(int courier, int chunk) =>
        _claims.TryGetValue(chunk, out List<int>? takers) && takers[^1] == courier;

    /// <summary>A courier brings the right bytes; true for the first one alone, who then writes them.</summary>
    public bool TryDeliver(int chunk)
    {
        if (_states[chunk] == ChunkState.Delivered) return false;
        _states[chunk] = ChunkState.Delivered;
        _claims.Remove(chunk);
        _refused.Remove(chunk);
        Open--;
        return true;
    }

    /// <summary>What was delivered is written.</summary>
    public void CountWritten() => Written++;

    /// <summary>A server brought wrong bytes for a chunk.</summary>
    public void Refuse(int courier, string server, int chunk)
    {
        if (_states[chunk] == ChunkState.Delivered) return;
        if (!_refused.TryGetValue(chunk, out HashSet<string>? servers)) _refused[chunk] = servers = [];
        servers.Add(server);
        Release(courier, chunk);
    }

    /// <summary>A courier ends: what it took and did not deliver is free again.</summary>
    public void Release(int courier)
    {
        foreach (int chunk in _claims.Where(c => c.Value.Contains(courier)).Select(c => c.Key).ToArray())
        {
            Release(courier, chunk);
        }
    }

    /// <summary>True when some chunk was brought wrong by every one of these servers.</summary>
    public bool IsHopeless(IReadOnlyCollection<string> servers) =>
        servers.Count > 0 && _refused.Values.Any(refused => servers.All(refused.Contains));

    private void Note(int courier, int chunk)
    {
        if (_claims.TryGetValue(chunk, out List<int>? takers)) takers.Add(courier);
        else _claims[chunk] = [courier];
        _states[chunk] = ChunkState.Taken;
    }

    private int FirstFor(int courier, string server, Func<int, bool> isStuck)
    {
        while (_first < Count && _states[_first] == ChunkState.Delivered) _first++;
        int taken = Nobody;
        foreach (int chunk in _claims.Keys)
        {
            if (!MayTake(courier, server, chunk, isStuck)) continue;
            taken = chunk;
            break;
        }
        int end = taken == Nobody ? Count : taken;
        for (int chunk = _first; chunk < end; chunk++)
        {
            if (_states[chunk] == ChunkState.Missing && MayTake(courier, server, chunk, isStuck)) return chunk;
        }
        return taken;
    }

    private bool MayTake(int courier, string server, int chunk, Func<int, bool> isStuck)
    {
        if (_states[chunk] == ChunkState.Delivered) return false;
        if (_refused.TryGetValue(chunk, out HashSet<string>? servers) && servers.Contains(server)) return false;
        return !_claims.TryGetValue(chunk, out List<int>? takers)
            || takers.TrueForAll(taker => taker != courier && isStuck(taker));
    }

    private void Release(int courier, int chunk)
    {
        if (!_claims.TryGetValue(chunk, out List<int>? takers) || !takers.Remove(courier) || takers.Count > 0) return;
        _claims.Remove(chunk);
        _states[chunk] = ChunkState.Missing;
        _first = Math.Min(_first, chunk);
    }

    private enum ChunkState : byte
    {
        Missing,
        Taken,
        Delivered,
    }
}
