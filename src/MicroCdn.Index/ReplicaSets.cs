using System.Runtime.InteropServices;

namespace MicroCdn.Index;

/// <summary>Numbers sets of servers: files with the same holders share one set, so a file costs no list of its
/// own.</summary>
/// <remarks>Sets are only added; set 0 is the empty one. One writer, any number of readers. The book, which says what
/// is published, may be a member too: it is nobody to whom clients are sent. Cost: some hundred bytes for each set. A
/// fleet of a thousand servers has more sets of three than names, so nearly every name pays for one.</remarks>
internal sealed class ReplicaSets
{
    /// <summary>The book's number: far above that of any server.</summary>
    public const ushort Book = ushort.MaxValue;

    // What leads from one set to the next is worked out anew where there are so many that it would cost as much memory
    // as the sets.
    private const int MostSteps = 1 << 16;

    private readonly Dictionary<(int Set, int Server), int> _with = [];
    private readonly Dictionary<(int Set, int Server), int> _without = [];
    private readonly Dictionary<ushort[], int> _bare = new(new SameServers());
    private readonly Dictionary<ushort[], int> _booked = new(new SameServers());
    private (ushort[] Servers, bool HasBook)[] _sets = new (ushort[], bool)[16];
    private int _count;

    public ReplicaSets() => Intern([], hasBook: false);

    /// <summary>How many sets there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The servers of a set by number, ascending; without the book.</summary>
    public ushort[] this[int set] => Volatile.Read(ref _sets)[set].Servers;

    /// <summary>The same, and the book where it is a member.</summary>
    public ushort[] MembersOf(int set) => HasBook(set) ? [.. this[set], Book] : this[set];

    public bool Holds(int set, int server) =>
        server == Book ? HasBook(set) : Array.BinarySearch(this[set], (ushort)server) >= 0;

    /// <summary>True when the book is a member.</summary>
    public bool HasBook(int set) => Volatile.Read(ref _sets)[set].HasBook;

    /// <summary>The set of these servers, in any order, and of nothing on the way to it.</summary>
    public int Of(ReadOnlySpan<ushort> servers, bool hasBook)
    {
        ushort[] sorted = [.. servers.ToArray().Distinct().Order()];
        return Intern(sorted, hasBook);
    }

    /// <summary>The set with one server more.</summary>
    public int With(int set, int server)
    {
        if (_with.TryGetValue((set, server), out int result)) return result;
        result = Holds(set, server) ? set : server == Book ? Intern(this[set], hasBook: true)
            : Intern([.. this[set].Append((ushort)server).Order()], HasBook(set));
        if (_with.Count < MostSteps) _with[(set, server)] = result;
        return result;
    }

    /// <summary>The set with one server less.</summary>
    public int Without(int set, int server)
    {
        if (_without.TryGetValue((set, server), out int result)) return result;
        result = !Holds(set, server) ? set : server == Book ? Intern(this[set], hasBook: false)
            : Intern([.. this[set].Where(other => other != server)], HasBook(set));
        if (_without.Count < MostSteps) _without[(set, server)] = result;
        return result;
    }

    private int Intern(ushort[] servers, bool hasBook)
    {
        Dictionary<ushort[], int> known = hasBook ? _booked : _bare;
        if (known.TryGetValue(servers, out int set)) return set;
        set = _count;
        if (set == _sets.Length)
        {
            (ushort[], bool)[] wider = new (ushort[], bool)[_sets.Length * 2];
            _sets.CopyTo(wider, 0);
            Volatile.Write(ref _sets, wider);
        }
        _sets[set] = (servers, hasBook);
        Volatile.Write(ref _count, set + 1);
        known[servers] = set;
        return set;
    }

    private sealed class SameServers : IEqualityComparer<ushort[]>
    {
        public bool Equals(ushort[]? one, ushort[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(ushort[] servers)
        {
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(servers.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
