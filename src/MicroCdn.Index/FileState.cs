using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>What a server says a file is: its size and, where it knows them, digest, time and chunk root.</summary>
/// <param name="Size">The size in bytes.</param>
/// <param name="Digest">SHA-256 of the bytes, or none.</param>
/// <param name="UnixSeconds">Last change in seconds since 1970; -1 when unknown.</param>
/// <param name="ToldRoot">The chunk root; none when it was not told, and for a file from whose digest it
/// follows.</param>
internal readonly record struct FileState(
    long Size, FileDigest Digest, long UnixSeconds, FileDigest ToldRoot = default)
{
    public FileState(long size) : this(size, FileDigest.None, -1)
    {
    }

    /// <summary>The chunk root, told or not; none when it is not known.</summary>
    public FileDigest Root => Digest.IsNone ? FileDigest.None
        : Chunks.FollowFromDigest(Size) ? Chunks.RootOfOne(Size, Digest) : ToldRoot;

    /// <summary>True when two digests and roots may be those of the same bytes: where one of them lacks the root, the
    /// digest alone says so.</summary>
    public bool HasBytesOf(in FileState other) => Digest == other.Digest
        && (ToldRoot.IsNone || other.ToldRoot.IsNone || ToldRoot == other.ToldRoot);
}

/// <summary>The states of files whose digest is known, by number; a file without one costs nothing here.</summary>
/// <remarks>
/// Entries are only ever appended, so a reader who holds a number needs no lock; what nobody points to any more is
/// counted, and goes when the catalog is compacted. Cost: 64 bytes for each digest that some file has or had, and 32
/// for each chunk root that was told, which is only done for files of more than a mebibyte.
/// </remarks>
internal sealed class FileVersions
{
    private const int PageBits = 12;                       // pages of 4,096 entries, 256 KiB
    private const int PageMask = (1 << PageBits) - 1;
    private const int WorthDropping = 100_000;

    private Entry[][] _pages = [];
    private FileDigest[][] _roots = [];
    private int _rootCount;
    private int _count;
    private int _dropped;

    /// <summary>True when most entries are of no use any more, and enough to be worth the trouble.</summary>
    public bool IsMostlyDropped => _dropped > WorthDropping && _dropped > _count / 2;

    public ref Entry this[int number] => ref Volatile.Read(ref _pages)[number >> PageBits][number & PageMask];

    /// <summary>The whole state, chunk root included.</summary>
    public FileState StateOf(int number)
    {
        ref Entry entry = ref this[number];
        int root = entry.Root;
        return new FileState(entry.Size, entry.Digest, entry.UnixSeconds,
            root == 0 ? FileDigest.None : Volatile.Read(ref _roots)[root >> PageBits][root & PageMask]);
    }

    /// <summary>Keeps a state that one server claims.</summary>
    public int Add(in FileState state, int claimants)
    {
        int number = _count++;
        if (number >> PageBits == _pages.Length) Volatile.Write(ref _pages, [.. _pages, new Entry[1 << PageBits]]);
        this[number] = new Entry(state, claimants);
        LearnRoot(number, state);
        return number;
    }

    /// <summary>Keeps the chunk root of a state that had none so far.</summary>
    public void LearnRoot(int number, in FileState state)
    {
        ref Entry entry = ref this[number];
        if (state.ToldRoot.IsNone || entry.Root != 0 || Chunks.FollowFromDigest(entry.Size)) return;
        // The first place stays empty: 0 says that there is none.
        int root = ++_rootCount;
        if (root >> PageBits == _roots.Length) Volatile.Write(ref _roots, [.. _roots, new FileDigest[1 << PageBits]]);
        _roots[root >> PageBits][root & PageMask] = state.ToldRoot;
        entry.Root = root;
    }

    /// <summary>Notes that nothing points to a state any more.</summary>
    public void Drop() => _dropped++;

    /// <summary>One state. Size and digest never change; the rest is written in one step.</summary>
    internal struct Entry(in FileState state, int claimants)
    {
        private const int RevisionBits = 56;               // a million changes a second for two thousand years
        private const long RevisionMask = (1L << RevisionBits) - 1;

        private long _unixSeconds = state.UnixSeconds;
        private long _published;

        public readonly long Size = state.Size;

        public readonly FileDigest Digest = state.Digest;

        /// <summary>The set of servers that said this digest themselves; the writer's alone.</summary>
        public int Claimants = claimants;

        // Behind the other half of a word: anywhere else it would make every entry longer.
        private int _root;

        /// <summary>The time of the file: of several the earliest, so that it does not depend on who speaks
        /// last.</summary>
        public long UnixSeconds
        {
            readonly get => Volatile.Read(in _unixSeconds);
            set => Volatile.Write(ref _unixSeconds, value);
        }

        /// <summary>The number of the change that published it, 0 when it is not published, and how many copies were
        /// asked for; one word, so written in one step.</summary>
        public (long Revision, byte Replicas) Published
        {
            readonly get
            {
                long word = Volatile.Read(in _published);
                return (word & RevisionMask, (byte)(word >> RevisionBits));
            }
            set => Volatile.Write(ref _published, ((long)value.Replicas << RevisionBits) | value.Revision);
        }

        /// <summary>The place of its chunk root; 0 when there is none. Written once, after what it leads to.</summary>
        public int Root
        {
            readonly get => Volatile.Read(in _root);
            set => Volatile.Write(ref _root, value);
        }
    }
}
