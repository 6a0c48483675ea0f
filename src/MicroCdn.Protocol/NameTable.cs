using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace MicroCdn.Protocol;

/// <summary>Keeps file names, each with one 64-bit value beside it, and finds them again in one probe or two.</summary>
/// <remarks>
/// <para>Think of a guest book: guests are only ever written below one another, page after page, and a card index at
/// the door says on which line a guest stands. Pages never move, so a reader needs no lock while one writer appends;
/// when the card index grows, a new one is filled aside and put in place of the old one in a single step.</para>
/// <para>A row is the value, two bytes of length and the name, padded to eight bytes. Value and name lie side by side,
/// so a look-up in a table of millions waits for memory twice: once for the card index, once for the row.</para>
/// <para>Cost for each name: 10 bytes and its own, rounded up to 8, and 5 to 11 in the card index (linear probing over
/// 4-byte slots, at most 75 % full: 29 bits of row, 3 bits of hash to skip strangers). One writer at a time; any
/// number of readers at any time.</para>
/// </remarks>
public sealed class NameTable
{
    /// <summary>How many names are brought near at once: about as many reads as a processor has under way.</summary>
    public const int Together = 16;

    private const int Unit = sizeof(long);
    private const int NearUnits = 8;                       // the next cache line
    private const int PageBits = 17;                       // pages of 131,072 units, 1 MiB
    private const int PageUnits = 1 << PageBits;
    private const int RowBits = 29;                        // 4 GiB of rows
    private const int MaxPages = 1 << (RowBits - PageBits);
    private const uint RowMask = (1u << RowBits) - 1;

    private readonly long _seed;
    private readonly long[]?[] _pages = new long[MaxPages][];
    private uint[] _slots = new uint[1024];
    private int _end;
    private int _count;

    /// <summary>Makes an empty table; the seed keeps others from choosing names that collide.</summary>
    public NameTable(long seed) => _seed = seed;

    /// <summary>How many names there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>One more than the largest row; every row is smaller.</summary>
    public int End => Volatile.Read(ref _end);

    /// <summary>The name of a row.</summary>
    public ReadOnlySpan<byte> this[int row]
    {
        get
        {
            ReadOnlySpan<byte> bytes =
                MemoryMarshal.AsBytes(_pages[row >> PageBits].AsSpan((row & (PageUnits - 1)) + 1));
            return bytes.Slice(sizeof(ushort), MemoryMarshal.Read<ushort>(bytes));
        }
    }

    /// <summary>The value of a row, 0 at first; read and written in one step by <see cref="Volatile"/>.</summary>
    public ref long ValueOf(int row) => ref _pages[row >> PageBits]![row & (PageUnits - 1)];

    /// <summary>The row of a name, or -1. Never blocks, never allocates.</summary>
    public int Find(ReadOnlySpan<byte> name) => Find(Volatile.Read(ref _slots), Hash(name), name, out _);

    /// <summary>Brings near what looking up these names will ask for, all at once: one after another they would wait
    /// for memory one after another.</summary>
    /// <param name="text">Where the names stand.</param>
    /// <param name="names">Which parts of it they are, <see cref="Together"/> at most; they need not be clean.</param>
    /// <param name="values">Filled with what is probably the value of each; 0 for no name.</param>
    /// <returns>A number of no meaning: as long as somebody keeps it, no compiler leaves the reading out.</returns>
    public long BringNear(ReadOnlySpan<byte> text, ReadOnlySpan<Range> names, Span<long> values)
    {
        uint[] slots = Volatile.Read(ref _slots);
        int mask = slots.Length - 1;
        Span<uint> found = stackalloc uint[Together];
        found = found[..names.Length];
        for (int at = 0; at < names.Length; at++) found[at] = Hash(text[names[at]]);
        // Each of these two waits is one for all names: no reading hangs on the one before it.
        for (int at = 0; at < found.Length; at++) found[at] = slots[(int)(found[at] & mask)];
        long read = 0;
        for (int at = 0; at < found.Length; at++)
        {
            int row = (int)(found[at] & RowMask) - 1;
            values[at] = 0;
            if (row < 0 || _pages[row >> PageBits] is not { } page) continue;
            row &= PageUnits - 1;
            // Where a row begins, and where one of usual length ends.
            values[at] = page[row];
            read += page[Math.Min(row + NearUnits, PageUnits - 1)];
        }
        return read;
    }

    /// <summary>The row of a name, written now if there was none; -1 when the table is full. The writer's
    /// alone.</summary>
    public int Add(ReadOnlySpan<byte> name)
    {
        uint hash = Hash(name);
        int row = Find(_slots, hash, name, out int slot);
        if (row >= 0) return row;
        if (_count >= Limits.Names) return -1;
        row = Append(name);
        if (row < 0) return -1;

        Volatile.Write(ref _count, _count + 1);
        // The name is written before the slot that leads to it, so a reader never sees half a name.
        if (_count * 4L > _slots.Length * 3L) Grow();
        else Volatile.Write(ref _slots[slot], Slot(hash, row));
        return row;
    }

    /// <summary>Walks over all rows that are there when it begins.</summary>
    public RowEnumerator GetEnumerator() => new(this, End);

    private int Find(uint[] slots, uint hash, ReadOnlySpan<byte> name, out int slot)
    {
        int mask = slots.Length - 1;
        for (slot = (int)(hash & mask); ; slot = (slot + 1) & mask)
        {
            uint value = Volatile.Read(ref slots[slot]);
            if (value == 0) return -1;
            if (value >> RowBits != hash >> RowBits) continue;
            int row = (int)(value & RowMask) - 1;
            if (this[row].SequenceEqual(name)) return row;
        }
    }

    private int Append(ReadOnlySpan<byte> name)
    {
        int units = Units(name.Length);
        int row = _end;
        if ((row & (PageUnits - 1)) + units > PageUnits) row = (row | (PageUnits - 1)) + 1;
        // The last row of the last page stays unused: a slot holds the row plus one.
        if ((long)row + units >= RowMask) return -1;

        long[] page = _pages[row >> PageBits] ??= new long[PageUnits];
        Span<byte> bytes = MemoryMarshal.AsBytes(page.AsSpan((row & (PageUnits - 1)) + 1));
        name.CopyTo(bytes[sizeof(ushort)..]);
        MemoryMarshal.Write(bytes, (ushort)name.Length);
        Volatile.Write(ref _end, row + units);
        return row;
    }

    private void Grow()
    {
        uint[] slots = new uint[_slots.Length * 2];
        int mask = slots.Length - 1;
        foreach (int row in this)
        {
            uint hash = Hash(this[row]);
            int slot = (int)(hash & mask);
            while (slots[slot] != 0) slot = (slot + 1) & mask;
            slots[slot] = Slot(hash, row);
        }
        Volatile.Write(ref _slots, slots);
    }

    private static int Units(int nameLength) => 1 + ((sizeof(ushort) + nameLength + Unit - 1) / Unit);

    // The low bits of the hash choose the slot, its high three are kept in it.
    private static uint Slot(uint hash, int row) => (hash & ~RowMask) | (uint)(row + 1);

    private uint Hash(ReadOnlySpan<byte> name) => (uint)XxHash3.HashToUInt64(name, _seed);

    /// <summary>Walks over rows in the order they were written.</summary>
    public ref struct RowEnumerator(NameTable table, int end)
    {
        /// <summary>The row now looked at.</summary>
        public int Current { get; private set; } = -1;

        /// <summary>Goes on to the next row; false after the last.</summary>
        public bool MoveNext()
        {
            int next = Current < 0 ? 0 : table.After(Current);
            if (next >= end) return false;
            Current = next;
            return true;
        }
    }

    /// <summary>The row behind a row; <see cref="End"/> or more behind the last.</summary>
    public int After(int row)
    {
        int next = row + Units(this[row].Length);
        // A page whose next length is zero is full: no name is empty, and the rest of it was never written.
        bool pageEnds = (next & (PageUnits - 1)) == PageUnits - 1
            || ((next & (PageUnits - 1)) != 0 && next < End && this[next].IsEmpty);
        return pageEnds ? (next | (PageUnits - 1)) + 1 : next;
    }
}
