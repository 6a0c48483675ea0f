namespace MicroCdn.Index;

/// <summary>Numbers sets of servers: files with the same holders share one set, so a file costs no list of its
/// own.</summary>
/// <remarks>Sets are only added; set 0 is the empty one. One writer, any number of readers. The book, which says what
/// is published, may be a member too: it is nobody to whom clients are sent.</remarks>
internal sealed class ReplicaSets
{
    /// <summary>The book's number: far above that of any server.</summary>
    public const ushort Book = ushort.MaxValue;

    private readonly Dictionary<(int Set, int Server), int> _with = [];
    private readonly Dictionary<(int Set, int Server), int> _without = [];
    private readonly Dictionary<string, int> _known = [];
    private (ushort[] Servers, ushort[] Members)[] _sets = new (ushort[], ushort[])[16];
    private int _count;

    public ReplicaSets() => Intern([]);

    /// <summary>How many sets there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The servers of a set by number, ascending; without the book.</summary>
    public ushort[] this[int set] => Volatile.Read(ref _sets)[set].Servers;

    /// <summary>The same, and the book where it is a member.</summary>
    public ushort[] MembersOf(int set) => Volatile.Read(ref _sets)[set].Members;

    public bool Holds(int set, int server) => Array.BinarySearch(MembersOf(set), (ushort)server) >= 0;

    /// <summary>True when the book is a member.</summary>
    public bool HasBook(int set) => MembersOf(set) is [.., Book];

    /// <summary>The set with one server more.</summary>
    public int With(int set, int server)
    {
        if (_with.TryGetValue((set, server), out int result)) return result;
        result = Holds(set, server) ? set : Intern([.. MembersOf(set).Append((ushort)server).Order()]);
        _with[(set, server)] = result;
        return result;
    }

    /// <summary>The set with one server less.</summary>
    public int Without(int set, int server)
    {
        if (_without.TryGetValue((set, server), out int result)) return result;
        result = Intern([.. MembersOf(set).Where(s => s != server)]);
        _without[(set, server)] = result;
        return result;
    }

    private int Intern(ushort[] members)
    {
        string key = string.Create(members.Length, members, (chars, s) =>
        {
            for (int at = 0; at < s.Length; at++) chars[at] = (char)s[at];
        });
        if (_known.TryGetValue(key, out int set)) return set;
        set = _count;
        if (set == _sets.Length)
        {
            (ushort[], ushort[])[] wider = new (ushort[], ushort[])[_sets.Length * 2];
            _sets.CopyTo(wider, 0);
            Volatile.Write(ref _sets, wider);
        }
        _sets[set] = (members is [.. var servers, Book] ? servers : members, members);
        Volatile.Write(ref _count, set + 1);
        _known[key] = set;
        return set;
    }
}
