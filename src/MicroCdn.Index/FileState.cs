using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>What a server says a file is: its size and, where it knows them, digest and time.</summary>
internal readonly record struct FileState(long Size, FileDigest Digest, long UnixSeconds)
{
    public FileState(long size) : this(size, FileDigest.None, -1)
    {
    }
}

/// <summary>The states of files whose digest is known, by number; a file without one costs nothing here.</summary>
/// <remarks>
/// Entries are only ever appended, so a reader who holds a number needs no lock; what nobody points to any more is
/// counted, and goes when the catalog is compacted. Cost: 56 bytes for each digest that some file has or had.
/// </remarks>
internal sealed class FileVersions
{
    private const int PageBits = 12;                       // pages of 4,096 entries, 224 KiB
    private const int PageMask = (1 << PageBits) - 1;
    private const int WorthDropping = 100_000;

    private Entry[][] _pages = [];
    private int _count;
    private int _dropped;

    /// <summary>True when most entries are of no use any more, and enough to be worth the trouble.</summary>
    public bool IsMostlyDropped => _dropped > WorthDropping && _dropped > _count / 2;

    public ref Entry this[int number] => ref Volatile.Read(ref _pages)[number >> PageBits][number & PageMask];

    /// <summary>Keeps a state that one server claims.</summary>
    public int Add(in FileState state, int claimants)
    {
        int number = _count++;
        if (number >> PageBits == _pages.Length) Volatile.Write(ref _pages, [.. _pages, new Entry[1 << PageBits]]);
        this[number] = new Entry(state, claimants);
        return number;
    }

    /// <summary>Notes that nothing points to a state any more.</summary>
    public void Drop() => _dropped++;

    /// <summary>One state. Size and digest never change; the rest is written in one step.</summary>
    internal struct Entry(in FileState state, int claimants)
    {
        private long _unixSeconds = state.UnixSeconds;

        public readonly long Size = state.Size;

        public readonly FileDigest Digest = state.Digest;

        /// <summary>The set of servers that said this digest themselves; the writer's alone.</summary>
        public int Claimants = claimants;

        /// <summary>The time of the file: of several the earliest, so that it does not depend on who speaks
        /// last.</summary>
        public long UnixSeconds
        {
            readonly get => Volatile.Read(in _unixSeconds);
            set => Volatile.Write(ref _unixSeconds, value);
        }

        public readonly FileState State => new(Size, Digest, UnixSeconds);
    }
}
