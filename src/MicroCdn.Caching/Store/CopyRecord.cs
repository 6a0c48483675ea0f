using System.Buffers.Binary;
using System.IO.Hashing;
using MicroCdn.Protocol;

namespace MicroCdn.Caching.Store;

/// <summary>What was added to a copy's file later: a newer head, or a further part of the body.</summary>
/// <remarks>Kind (4), length of the rest (4), number (8), then either the sequence (8) and the head, or offset, length
/// and check of the part (8 each); at last the check of all before it (8). Numbers rise from one record to the
/// next: one that does not is what an older, longer tail left behind.</remarks>
/// <param name="Written">The number of the writing.</param>
/// <param name="Head">The newer head, or null.</param>
/// <param name="Sequence">The newer number of the copy, with a head.</param>
/// <param name="Part">The part that came, without a head.</param>
/// <param name="PartCheck">Its check.</param>
internal readonly record struct CopyRecord(
    long Written, byte[]? Head, long Sequence, ByteRange Part, ulong PartCheck)
{
    private const int Around = 4 + 4 + 8 + 8;
    private const int HeadKind = 0x4845_4144, PartKind = 0x5041_5254;

    public static CopyRecord OfHead(long written, byte[] head, long sequence) =>
        new(written, head, sequence, default, 0);

    public static CopyRecord OfPart(long written, ByteRange part, ulong check) => new(written, null, 0, part, check);

    public byte[] Write()
    {
        byte[] bytes = new byte[Around + (Head is null ? 24 : 8 + Head.Length)];
        Span<byte> rest = bytes;
        BinaryPrimitives.WriteInt32LittleEndian(rest, Head is null ? PartKind : HeadKind);
        BinaryPrimitives.WriteInt32LittleEndian(rest[4..], bytes.Length - Around);
        BinaryPrimitives.WriteInt64LittleEndian(rest[8..], Written);
        if (Head is null)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest[16..], Part.Offset);
            BinaryPrimitives.WriteInt64LittleEndian(rest[24..], Part.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[32..], PartCheck);
        }
        else
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest[16..], Sequence);
            Head.CopyTo(rest[24..]);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(rest[^8..], XxHash3.HashToUInt64(bytes.AsSpan(0, bytes.Length - 8)));
        return bytes;
    }

    /// <summary>Reads the sound records that a tail begins with.</summary>
    /// <param name="tail">All behind the body.</param>
    /// <param name="front">What the file begins with.</param>
    /// <param name="end">The length of the sound ones.</param>
    public static List<CopyRecord> ReadAll(ReadOnlySpan<byte> tail, CopyFront front, out int end)
    {
        List<CopyRecord> records = [];
        long before = front.Written;
        end = 0;
        while (TryRead(tail[end..], out CopyRecord record, out int length) && record.Written > before)
        {
            if (record.Head is null && !CopyFront.IsWithin(record.Part, front.Length)) break;
            records.Add(record);
            before = record.Written;
            end += length;
        }
        return records;
    }

    private static bool TryRead(ReadOnlySpan<byte> bytes, out CopyRecord record, out int length)
    {
        (record, length) = (default, 0);
        if (bytes.Length < Around) return false;
        int kind = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        int inner = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        if (kind is not (HeadKind or PartKind) || inner < 8 || inner > bytes.Length - Around) return false;
        if (kind == PartKind && inner != 24) return false;
        length = Around + inner;
        bytes = bytes[..length];
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]) != XxHash3.HashToUInt64(bytes[..^8])) return false;
        long written = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        long first = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]);
        record = kind == HeadKind
            ? OfHead(written, bytes[24..^8].ToArray(), first)
            : OfPart(written, new ByteRange(first, BinaryPrimitives.ReadInt64LittleEndian(bytes[24..])),
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]));
        return true;
    }
}
