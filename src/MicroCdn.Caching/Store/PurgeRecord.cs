using System.Buffers.Binary;

namespace MicroCdn.Caching.Store;

/// <summary>A purge as it is remembered, in memory and in the log: its text as a hash, so that a long one takes no more
/// than a short one.</summary>
/// <param name="Scope">What it reaches.</param>
/// <param name="Hash">The hash of the key, the prefix or the tag.</param>
/// <param name="Length">How many characters that has: of so many of a key the hash is compared with a
/// prefix's.</param>
/// <param name="IsSoft">True when copies are stale from now on, and not gone.</param>
/// <param name="Sequence">Its number.</param>
internal readonly record struct PurgeRecord(
    PurgeScope Scope, UInt128 Hash, int Length, bool IsSoft, long Sequence)
{
    // Sequence (8), scope (1), soft (1), length (4), hash (16).
    private const int Bytes = 30;

    public static PurgeRecord Of(PurgeOrder order, long sequence) =>
        new(order.Scope, CopyId.Of(order.Text), order.Text.Length, order.IsSoft, sequence);

    public byte[] Write()
    {
        byte[] record = new byte[Bytes];
        BinaryPrimitives.WriteInt64LittleEndian(record, Sequence);
        record[8] = (byte)Scope;
        record[9] = IsSoft ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(10), Length);
        BinaryPrimitives.WriteUInt128LittleEndian(record.AsSpan(14), Hash);
        return record;
    }

    /// <summary>Reads what <see cref="Write"/> wrote; false when it is not that.</summary>
    public static bool TryRead(ReadOnlySpan<byte> record, out PurgeRecord purge)
    {
        purge = default;
        if (record.Length != Bytes || !Enum.IsDefined((PurgeScope)record[8])) return false;
        purge = new PurgeRecord((PurgeScope)record[8], BinaryPrimitives.ReadUInt128LittleEndian(record[14..]),
            BinaryPrimitives.ReadInt32LittleEndian(record[10..]), record[9] == 1,
            BinaryPrimitives.ReadInt64LittleEndian(record));
        return purge.Length >= 0;
    }
}
