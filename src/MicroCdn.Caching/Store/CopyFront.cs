using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching.Store;

/// <summary>What a copy's file begins with: whose copy it is, what of the body is there, and the head.</summary>
/// <remarks>
/// Little-endian. Magic (8), length of the front with key and head (4), of the key (4), of the head (4), 0 (4),
/// sequence (8), written (8), complete length (8), then the part that came first: its offset (8), its length (8), its
/// check (8); the check of the front with these 8 bytes left out (8); the key, the head. Behind it the body, then
/// <see cref="CopyRecord"/>s. Checks are XXH3, 64 bits: they find what tore or rotted, and prove nothing against
/// somebody who writes into the folder.
/// </remarks>
internal sealed record CopyFront
{
    /// <summary>Bytes before the key.</summary>
    public const int FixedBytes = 80;

    /// <summary>The longest front: a key, and a head of 256 KiB, more than an origin may send.</summary>
    public const int MostBytes = FixedBytes + CacheKey.MostBytes + (256 * 1024);

    private static ReadOnlySpan<byte> Magic => "MCDNcpy1"u8;

    /// <summary>The key's text.</summary>
    public required string Key { get; init; }

    /// <summary>The head as <see cref="StoredHead.Write"/> makes it.</summary>
    public required byte[] Head { get; init; }

    /// <summary>The number of the copy, by which purges judge it.</summary>
    public required long Sequence { get; init; }

    /// <summary>The number of the writing: what is above the last synced one may be torn after a power cut.</summary>
    public long Written { get; init; }

    /// <summary>Length of the whole body.</summary>
    public long Length { get; init; }

    /// <summary>What of the body came first.</summary>
    public ByteRange Part { get; init; }

    /// <summary>The check of that part.</summary>
    public ulong PartCheck { get; init; }

    /// <summary>Where the body begins.</summary>
    public int BodyOffset => FixedBytes + Encoding.UTF8.GetByteCount(Key) + Head.Length;

    /// <summary>Where the records begin.</summary>
    public long TailOffset => BodyOffset + Length;

    /// <summary>Writes it down.</summary>
    public byte[] Write()
    {
        byte[] key = Encoding.UTF8.GetBytes(Key);
        byte[] bytes = new byte[FixedBytes + key.Length + Head.Length];
        Span<byte> rest = bytes;
        Magic.CopyTo(rest);
        BinaryPrimitives.WriteInt32LittleEndian(rest[8..], bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(rest[12..], key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(rest[16..], Head.Length);
        BinaryPrimitives.WriteInt64LittleEndian(rest[24..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(rest[32..], Written);
        BinaryPrimitives.WriteInt64LittleEndian(rest[40..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(rest[48..], Part.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(rest[56..], Part.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(rest[64..], PartCheck);
        key.CopyTo(rest[FixedBytes..]);
        Head.CopyTo(rest[(FixedBytes + key.Length)..]);
        BinaryPrimitives.WriteUInt64LittleEndian(rest[72..], Check(bytes));
        return bytes;
    }

    /// <summary>How many bytes the front has, by its first <see cref="FixedBytes"/>; 0 when this is none.</summary>
    public static int LengthOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FixedBytes || !bytes.StartsWith(Magic)) return 0;
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        return length is >= FixedBytes and <= MostBytes ? length : 0;
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null when it is not that to the last bit.</summary>
    public static CopyFront? Read(ReadOnlySpan<byte> bytes)
    {
        int length = LengthOf(bytes);
        if (length == 0 || length > bytes.Length) return null;
        bytes = bytes[..length];
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[72..]) != Check(bytes)) return null;
        int key = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        int head = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        if (key < 0 || head < 0 || (long)FixedBytes + key + head != length) return null;
        CopyFront front = new()
        {
            Key = Encoding.UTF8.GetString(bytes.Slice(FixedBytes, key)),
            Head = bytes[(FixedBytes + key)..].ToArray(),
            Sequence = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
            Written = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
            Length = BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]),
            Part = new ByteRange(BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]),
                BinaryPrimitives.ReadInt64LittleEndian(bytes[56..])),
            PartCheck = BinaryPrimitives.ReadUInt64LittleEndian(bytes[64..]),
        };
        return front.BodyOffset == length && IsWithin(front.Part, front.Length) ? front : null;
    }

    /// <summary>True when a part lies within a body.</summary>
    public static bool IsWithin(ByteRange part, long length) =>
        length >= 0 && part.Offset >= 0 && part.Length >= 0 && part.Offset <= length
            && part.Length <= length - part.Offset;

    private static ulong Check(ReadOnlySpan<byte> bytes)
    {
        XxHash3 check = new();
        check.Append(bytes[..72]);
        check.Append(bytes[FixedBytes..]);
        return check.GetCurrentHashAsUInt64();
    }
}
