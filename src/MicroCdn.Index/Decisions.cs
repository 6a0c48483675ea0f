namespace MicroCdn.Index;

/// <summary>What decided who gets a client.</summary>
public enum Decision
{
    /// <summary>Nobody who has the file may get it.</summary>
    None,

    /// <summary>One server alone may.</summary>
    Only,

    /// <summary>One was in a better state than the others.</summary>
    State,

    /// <summary>One was nearer.</summary>
    Place,

    /// <summary>Of those left one had less to do.</summary>
    Load,

    /// <summary>It is a path that belongs to one of those that pull it.</summary>
    Path,
}

/// <summary>Counts what decided who gets a client.</summary>
/// <remarks>Each thread counts in memory of its own: a lookup writes nothing that another processor's reads.</remarks>
internal sealed class Decisions
{
    private const int Kinds = (int)Decision.Path + 1;

    [ThreadStatic]
    private static Decisions? _owner;

    [ThreadStatic]
    private static long[]? _own;

    // By thread: one that comes back to another index of its process goes on where it was.
    private readonly Dictionary<int, long[]> _all = [];

    /// <summary>Counts one.</summary>
    public void Count(Decision decision)
    {
        long[] own = _owner == this ? _own! : Enter();
        Volatile.Write(ref own[(int)decision], own[(int)decision] + 1);
    }

    /// <summary>How many there were of each kind.</summary>
    public long[] Snapshot()
    {
        long[] sum = new long[Kinds];
        lock (_all)
        {
            foreach (long[] one in _all.Values)
            {
                for (int kind = 0; kind < Kinds; kind++) sum[kind] += Volatile.Read(ref one[kind]);
            }
        }
        return sum;
    }

    private long[] Enter()
    {
        long[]? own;
        lock (_all)
        {
            if (!_all.TryGetValue(Environment.CurrentManagedThreadId, out own))
            {
                // With a line of the processor's cache around it, whatever lies beside it.
                _all[Environment.CurrentManagedThreadId] = own = new long[Kinds + 8];
            }
        }
        (_owner, _own) = (this, own);
        return own;
    }
}
