using System.Buffers.Binary;

namespace MicroCdn.Index;

/// <summary>One server's list of files while it is being told, held aside in pages until DONE_FILES.</summary>
internal sealed class FileList
{
    private const int FirstPageSize = 16 * 1024;
    private const int PageSize = 1 << 20;
    private const int Head = sizeof(long) + sizeof(ushort);
    private readonly List<byte[]> _pages = [];
    private int _used = FirstPageSize;

    public int Count { get; private set; }

    public void Add(ReadOnlySpan<byte> name, long size)
    {
        int end = _pages.Count == 0 ? FirstPageSize : _pages[^1].Length;
        if (_used + Head + name.Length > end)
        {
            // A head of zeros ends a page: no name is empty.
            if (_used + Head <= end) _pages[^1].AsSpan(_used, Head).Clear();
            _pages.Add(GC.AllocateUninitializedArray<byte>(_pages.Count == 0 ? FirstPageSize : PageSize));
            _used = 0;
        }
        Span<byte> row = _pages[^1].AsSpan(_used);
        BinaryPrimitives.WriteInt64LittleEndian(row, size);
        BinaryPrimitives.WriteUInt16LittleEndian(row[sizeof(long)..], (ushort)name.Length);
        name.CopyTo(row[Head..]);
        _used += Head + name.Length;
        Count++;
    }

    public Reader Read() => new(this);

    /// <summary>Walks over the rows in the order they were added.</summary>
    public ref struct Reader(FileList list)
    {
        private int _left = list.Count;
        private int _page;
        private int _at;

        public ReadOnlySpan<byte> Name { get; private set; }

        public long Size { get; private set; }

        public bool Next()
        {
            if (_left-- <= 0) return false;
            if (_at + Head > list._pages[_page].Length || NameLength == 0) (_page, _at) = (_page + 1, 0);
            ReadOnlySpan<byte> row = list._pages[_page].AsSpan(_at);
            Size = BinaryPrimitives.ReadInt64LittleEndian(row);
            Name = row.Slice(Head, NameLength);
            _at += Head + Name.Length;
            return true;
        }

        private readonly int NameLength =>
            BinaryPrimitives.ReadUInt16LittleEndian(list._pages[_page].AsSpan(_at + sizeof(long)));
    }
}
