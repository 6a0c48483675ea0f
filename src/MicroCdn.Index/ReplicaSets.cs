namespace MicroCdn.Index;

/// <summary>Numbers sets of servers: files with the same holders share one set, so a file costs no list of its
/// own.</summary>
/// <remarks>Sets are only added; set 0 is the empty one. One writer, any number of readers.</remarks>
internal sealed class ReplicaSets
{
    private readonly Dictionary<(int Set, int Server), int> _with = [];
    private readonly Dictionary<(int Set, int Server), int> _without = [];
    private readonly Dictionary<string, int> _known = [];
    private ushort[][] _sets = new ushort[16][];
    private int _count;

    public ReplicaSets() => Intern([]);

    /// <summary>How many sets there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The servers of a set by number, ascending.</summary>
    public ushort[] this[int set] => Volatile.Read(ref _sets)[set];

    public bool Holds(int set, int server) => Array.BinarySearch(this[set], (ushort)server) >= 0;

    /// <summary>The set with one server more.</summary>
    public int With(int set, int server)
    {
        if (_with.TryGetValue((set, server), out int result)) return result;
        result = Holds(set, server) ? set : Intern([.. this[set].Append((ushort)server).Order()]);
        _with[(set, server)] = result;
        return result;
    }

    /// <summary>The set with one server less.</summary>
    public int Without(int set, int server)
    {
        if (_without.TryGetValue((set, server), out int result)) return result;
        result = Intern([.. this[set].Where(s => s != server)]);
        _without[(set, server)] = result;
        return result;
    }

    private int Intern(ushort[] servers)
    {
        string key = string.Create(servers.Length, servers, (chars, s) =>
        {
            for (int at = 0; at < s.Length; at++) chars[at] = (char)s[at];
        });
        if (_known.TryGetValue(key, out int set)) return set;
        set = _count;
        if (set == _sets.Length)
        {
            ushort[][] wider = new ushort[_sets.Length * 2][];
            _sets.CopyTo(wider, 0);
            Volatile.Write(ref _sets, wider);
        }
        _sets[set] = servers;
        Volatile.Write(ref _count, set + 1);
        _known[key] = set;
        return set;
    }
}
