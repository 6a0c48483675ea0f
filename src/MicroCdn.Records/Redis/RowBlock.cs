using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;

namespace MicroCdn.Records.Redis;

/// <summary>Where a block of rows belongs; its check depends on that, so that it is none anywhere else.</summary>
/// <param name="Before">The check of the change before it, or for a part of a snapshot that of its change.</param>
/// <param name="Number">The number of the change.</param>
/// <param name="Part">A change: the writer's epoch. A snapshot: which part, counted down from -1.</param>
internal readonly record struct BlockPlace(ulong Before, long Number, long Part);

/// <summary>Rows as bytes: what an entry of the log and a part of a snapshot hold.</summary>
/// <remarks>A version, the count of rows, the rows, and a check of all of it and of the place. A row is the length of
/// its key, that of its value (-1: the row is gone), its kind, the key, the value; numbers little endian.</remarks>
internal static class RowBlock
{
    private const byte Version = 1;
    private const int CountAt = 1, FirstRow = CountAt + 4, Check = 8, RowHead = 2 + 4 + 1, Gone = -1;

    /// <summary>The check that a block ends in.</summary>
    public static ulong CheckOf(ReadOnlySpan<byte> block) => BinaryPrimitives.ReadUInt64LittleEndian(block[^Check..]);

    /// <summary>Whether these bytes are a whole block that belongs to this place.</summary>
    public static bool IsSound(ReadOnlySpan<byte> block, BlockPlace place)
    {
        if (block.Length < FirstRow + Check || block[0] != Version) return false;
        if (CheckOf(block) != Compute(block[..^Check], place)) return false;
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(block[CountAt..]);
        ReadOnlySpan<byte> rest = block[FirstRow..^Check];
        for (; count > 0; count--)
        {
            if (!TryCut(ref rest, out _, out _, out _)) return false;
        }
        return rest.IsEmpty;
    }

    /// <summary>The rows of a sound block.</summary>
    public static RowReader Read(ReadOnlySpan<byte> block) => new(block[FirstRow..^Check]);

    /// <summary>One block of these rows.</summary>
    public static byte[] Of(IReadOnlyList<RecordRow> rows, BlockPlace place)
    {
        Draft draft = new(256);
        foreach (RecordRow row in rows) draft.Add(row.Kind, row.Key, row.Value, row.Value is null);
        return draft.Close(place);
    }

    private static ulong Compute(ReadOnlySpan<byte> bytes, BlockPlace place)
    {
        Span<byte> where = stackalloc byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(where, place.Before);
        BinaryPrimitives.WriteInt64LittleEndian(where[8..], place.Number);
        BinaryPrimitives.WriteInt64LittleEndian(where[16..], place.Part);
        XxHash3 hash = new();
        hash.Append(where);
        hash.Append(bytes);
        return hash.GetCurrentHashAsUInt64();
    }

    private static bool TryCut(
        scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> kindAndKey, out ReadOnlySpan<byte> value,
        out bool isGone)
    {
        kindAndKey = default;
        value = default;
        isGone = false;
        if (rest.Length < RowHead) return false;
        int key = BinaryPrimitives.ReadUInt16LittleEndian(rest);
        int length = BinaryPrimitives.ReadInt32LittleEndian(rest[2..]);
        isGone = length == Gone;
        if (length is < Gone or > RecordRow.MostValueBytes || key > RecordRow.MostKeyBytes) return false;
        int end = RowHead + key + Math.Max(length, 0);
        if (rest.Length < end) return false;
        kindAndKey = rest[(RowHead - 1)..(RowHead + key)];
        value = rest[(RowHead + key)..end];
        rest = rest[end..];
        return true;
    }

    /// <summary>Walks over the rows of a sound block.</summary>
    internal ref struct RowReader(ReadOnlySpan<byte> rows)
    {
        private ReadOnlySpan<byte> _rest = rows;
        private ReadOnlySpan<byte> _kindAndKey, _value;
        private bool _isGone;

        public readonly byte Kind => _kindAndKey[0];

        public readonly ReadOnlySpan<byte> Key => _kindAndKey[1..];

        /// <summary>The kind's byte with the key behind it: what tells rows apart.</summary>
        public readonly ReadOnlySpan<byte> KindAndKey => _kindAndKey;

        public readonly ReadOnlySpan<byte> Value => _value;

        public readonly bool IsGone => _isGone;

        public bool Next()
        {
            ReadOnlySpan<byte> rest = _rest;
            bool found = TryCut(ref rest, out ReadOnlySpan<byte> kindAndKey, out ReadOnlySpan<byte> value, out _isGone);
            _rest = rest;
            _kindAndKey = kindAndKey;
            _value = value;
            return found;
        }
    }

    /// <summary>A block that is being written.</summary>
    internal sealed class Draft
    {
        private readonly ArrayBufferWriter<byte> _bytes;
        private uint _count;

        public Draft(int capacity)
        {
            _bytes = new ArrayBufferWriter<byte>(capacity);
            Clear();
        }

        /// <summary>How long the block will be.</summary>
        public int Length => _bytes.WrittenCount + Check;

        public bool IsEmpty => _count == 0;

        public void Add(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isGone)
        {
            int length = RowHead + key.Length + value.Length;
            Span<byte> row = _bytes.GetSpan(length);
            BinaryPrimitives.WriteUInt16LittleEndian(row, checked((ushort)key.Length));
            BinaryPrimitives.WriteInt32LittleEndian(row[2..], isGone ? Gone : value.Length);
            row[RowHead - 1] = kind;
            key.CopyTo(row[RowHead..]);
            value.CopyTo(row[(RowHead + key.Length)..]);
            _bytes.Advance(length);
            _count++;
        }

        /// <summary>The whole block; the draft is empty again.</summary>
        public byte[] Close(BlockPlace place)
        {
            byte[] block = new byte[Length];
            _bytes.WrittenSpan.CopyTo(block);
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(CountAt), _count);
            ulong check = Compute(block.AsSpan(..^Check), place);
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(block.Length - Check), check);
            Clear();
            return block;
        }

        private void Clear()
        {
            _bytes.ResetWrittenCount();
            _bytes.GetSpan(FirstRow)[0] = Version;
            _bytes.Advance(FirstRow);
            _count = 0;
        }
    }
}
