using System.Buffers.Binary;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>How far a release is.</summary>
internal enum ReleaseState : byte
{
    /// <summary>Its bytes are on their servers, and no name shows them.</summary>
    Staged = 1,

    /// <summary>Its names became visible.</summary>
    Active = 2,

    /// <summary>It was active, and what was there before is again.</summary>
    RolledBack = 3,
}

/// <summary>What the book says of a release as a whole.</summary>
/// <param name="State">How far it is.</param>
/// <param name="Revision">The number of the change that said so, 1 or more; of an active one that of its names.</param>
/// <param name="UnixSeconds">When, in seconds since 1970.</param>
/// <param name="Files">How many names became visible; 0 while it is staged.</param>
/// <param name="Bytes">How many bytes these have in all.</param>
/// <remarks>As a row: one byte for the form, one for the state, six of zeros, then little endian the four numbers. Its
/// key is the release's name; that of what is staged in it, or was there before, is this name, a zero, and that of the
/// file.</remarks>
internal readonly record struct ReleaseHead(
    ReleaseState State, long Revision, long UnixSeconds, long Files, long Bytes)
{
    private const byte Form = 1;
    private const int ValueBytes = 8 + (4 * sizeof(long));

    /// <summary>The row's value.</summary>
    public byte[] Write()
    {
        byte[] value = new byte[ValueBytes];
        (value[0], value[1]) = (Form, (byte)State);
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(8), Revision);
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(16), UnixSeconds);
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(24), Files);
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(32), Bytes);
        return value;
    }

    /// <summary>Reads the row's value; false for one that no version of ours wrote, or a later one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, out ReleaseHead head)
    {
        head = default;
        if (value.Length != ValueBytes || value[0] != Form || value[2..8].ContainsAnyExcept((byte)0)) return false;
        head = new ReleaseHead((ReleaseState)value[1], BinaryPrimitives.ReadInt64LittleEndian(value[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(value[16..]), BinaryPrimitives.ReadInt64LittleEndian(value[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(value[32..]));
        return Enum.IsDefined(head.State) && head.Revision > 0 && head.UnixSeconds is >= 0 and <= Limits.UnixSeconds
            && head.Files >= 0 && head.Bytes >= 0;
    }
}
