using System.Buffers.Binary;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One server's list of files, or of changes, while it is being told, held aside in pages until
/// DONE_FILES.</summary>
/// <remarks>A row is size, two bytes of name length and marks, the name, and where a digest is known time,
/// digest and, where they were told, the chunk root and the revision that an index had it show. What says of a digest
/// what the index knows already is only where that stands: of ten million published names three servers would tell a
/// gigabyte each, and of those the index needs a sixth.</remarks>
/// <param name="known">What the index knows as the list begins; nothing when it is not to be looked at.</param>
internal sealed class FileList(Catalog.View? known = null)
{
    private const int FirstPageSize = 16 * 1024;
    private const int PageSize = 1 << 20;
    private const int Head = sizeof(long) + sizeof(ushort);
    private const int Tail = sizeof(long) + FileDigest.Length;

    // Beside the length of a name, which needs 11 bits.
    private const ushort LengthMask = 0x7FF;
    private const ushort HasDigest = 0x8000;
    private const ushort HasRoot = 0x2000;
    private const ushort Removal = 0x4000;
    private const ushort HasRevision = 0x1000;

    // No name follows: in place of the size stand its row and the number of its state.
    private const ushort IsKnown = 0x0800;

    private readonly List<byte[]> _pages = [];
    private int _used = FirstPageSize;

    private Catalog.View Known => known!.Value;

    public int Count { get; private set; }

    /// <summary>True when some of it was published.</summary>
    public bool HasPublished { get; private set; }

    public void Add(ReadOnlySpan<byte> name, long size) => Add(name, new FileState(size));

    /// <summary>Adds a file; a time without a digest is not kept.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="state">Its state.</param>
    /// <param name="revision">The revision that an index had the server show; 0 for a file of its own.</param>
    public void Add(ReadOnlySpan<byte> name, in FileState state, long revision = 0)
    {
        if (state.Digest.IsNone)
        {
            Append(name, state.Size, 0, 0);
            return;
        }
        HasPublished |= revision > 0;
        if (known?.PlaceOf(name, state) is { } place)
        {
            Span<byte> end = Append([], place, (ushort)(IsKnown | (revision > 0 ? HasRevision : 0)),
                revision > 0 ? sizeof(long) : 0);
            if (revision > 0) BinaryPrimitives.WriteInt64LittleEndian(end, revision);
            return;
        }
        bool hasRoot = !state.ToldRoot.IsNone && !Chunks.FollowFromDigest(state.Size), isPublished = revision > 0;
        Span<byte> tail = Append(name, state.Size,
            (ushort)(HasDigest | (hasRoot ? HasRoot : 0) | (isPublished ? HasRevision : 0)),
            Tail + (hasRoot ? FileDigest.Length : 0) + (isPublished ? sizeof(long) : 0));
        BinaryPrimitives.WriteInt64LittleEndian(tail, state.UnixSeconds);
        state.Digest.CopyTo(tail[sizeof(long)..]);
        if (hasRoot) state.ToldRoot.CopyTo(tail[Tail..]);
        if (isPublished) BinaryPrimitives.WriteInt64LittleEndian(tail[^sizeof(long)..], revision);
    }

    /// <summary>Says that a file is gone.</summary>
    public void Remove(ReadOnlySpan<byte> name) => Append(name, 0, Removal, 0);

    public Reader Read() => new(this);

    private Span<byte> Append(ReadOnlySpan<byte> name, long size, ushort marks, int tail)
    {
        int end = _pages.Count == 0 ? FirstPageSize : _pages[^1].Length;
        int needed = Head + name.Length + tail;
        if (_used + needed > end)
        {
            // A head of zeros ends a page: no name is empty.
            if (_used + Head <= end) _pages[^1].AsSpan(_used, Head).Clear();
            _pages.Add(GC.AllocateUninitializedArray<byte>(_pages.Count == 0 ? FirstPageSize : PageSize));
            _used = 0;
        }
        Span<byte> row = _pages[^1].AsSpan(_used, needed);
        BinaryPrimitives.WriteInt64LittleEndian(row, size);
        BinaryPrimitives.WriteUInt16LittleEndian(row[sizeof(long)..], (ushort)(name.Length | marks));
        name.CopyTo(row[Head..]);
        _used += needed;
        Count++;
        return row[(Head + name.Length)..];
    }

    /// <summary>Walks over the rows in the order they were added.</summary>
    public ref struct Reader(FileList list)
    {
        private int _left = list.Count;
        private int _page;
        private int _at;

        public ReadOnlySpan<byte> Name { get; private set; }

        public FileState State { get; private set; }

        /// <summary>The revision that an index had the server show; 0 for a file of its own.</summary>
        public long Revision { get; private set; }

        /// <summary>True for a file that is gone.</summary>
        public bool IsRemoval { get; private set; }

        public bool Next()
        {
            if (_left-- <= 0) return false;
            if (_at + Head > list._pages[_page].Length || Marks == 0) (_page, _at) = (_page + 1, 0);
            ReadOnlySpan<byte> row = list._pages[_page].AsSpan(_at);
            ushort marks = Marks;
            Name = row.Slice(Head, marks & LengthMask);
            IsRemoval = (marks & Removal) != 0;
            State = new FileState(BinaryPrimitives.ReadInt64LittleEndian(row));
            Revision = 0;
            _at += Head + Name.Length;
            if ((marks & IsKnown) != 0)
            {
                Name = list.Known.NameAt(State.Size);
                State = list.Known.StateAt(State.Size);
                if ((marks & HasRevision) != 0) ReadRevision();
                return true;
            }
            if ((marks & HasDigest) == 0) return true;
            ReadOnlySpan<byte> tail = row.Slice(Head + Name.Length, Tail);
            FileDigest root = FileDigest.None;
            _at += Tail;
            if ((marks & HasRoot) != 0)
            {
                root = new FileDigest(row.Slice(Head + Name.Length + Tail, FileDigest.Length));
                _at += FileDigest.Length;
            }
            if ((marks & HasRevision) != 0) ReadRevision();
            State = new FileState(State.Size, new FileDigest(tail[sizeof(long)..]),
                BinaryPrimitives.ReadInt64LittleEndian(tail), root);
            return true;
        }

        private void ReadRevision()
        {
            Revision = BinaryPrimitives.ReadInt64LittleEndian(list._pages[_page].AsSpan(_at));
            _at += sizeof(long);
        }

        private readonly ushort Marks =>
            BinaryPrimitives.ReadUInt16LittleEndian(list._pages[_page].AsSpan(_at + sizeof(long)));
    }
}
