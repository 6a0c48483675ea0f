using System.Buffers.Binary;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>All that is kept of a response but its body: what decides later whether it may be used again.</summary>
/// <remarks>Times are seconds since 1970 by the wall clock, since they are compared with those of the origin and
/// outlive the process. Immutable: an update (RFC 9111, section 3.2) makes a new one.</remarks>
public sealed record StoredHead
{
    private const byte Version = 1;

    /// <summary>The status code; 200 also where the copy is put together from partial responses.</summary>
    public required int Status { get; init; }

    /// <summary>The words behind the status code, as they came.</summary>
    public ReadOnlyMemory<byte> Reason { get; init; }

    /// <summary>The end-to-end fields as they came, without those that describe one connection and without
    /// Age.</summary>
    public required HeaderFields Fields { get; init; }

    /// <summary>The fields of the request that Vary names, normalised: this copy answers requests that have the same
    /// (RFC 9111, section 4.1). A name with an empty value stands for a field that was absent.</summary>
    public HeaderFields Selecting { get; init; } = HeaderFields.Empty;

    /// <summary>When the origin was asked, by our clock.</summary>
    public required long RequestedAt { get; init; }

    /// <summary>When its head came, by our clock.</summary>
    public required long ReceivedAt { get; init; }

    /// <summary>The Age that it came with, in seconds; 0 when there was none.</summary>
    public long AgeAtReceipt { get; init; }

    /// <summary>True when the request carried Authorization: only then do the rules of RFC 9111, section 3.5
    /// count.</summary>
    public bool WasAuthorized { get; init; }

    /// <summary>The longest head that is stored, in bytes: within 64 KiB, which is what is sent on to a client at most,
    /// with room for the fields that are added to it.</summary>
    public const int MostBytes = 60 * 1024;

    /// <summary>Bytes of what is sent on of it: the words behind the status and the fields.</summary>
    public int Bytes => Reason.Length + Fields.Bytes.Length;

    /// <summary>Writes everything down; <see cref="Read"/> is its reverse.</summary>
    public byte[] Write()
    {
        byte[] head = new byte[1 + 4 + 8 + 8 + 8 + 1];
        head[0] = Version;
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(1), Status);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(5), RequestedAt);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(13), ReceivedAt);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(21), AgeAtReceipt);
        head[29] = WasAuthorized ? (byte)1 : (byte)0;
        return [.. head, .. Length(Reason.Length), .. Reason.Span, .. Length(Fields.Bytes.Length), .. Fields.Bytes,
            .. Length(Selecting.Bytes.Length), .. Selecting.Bytes];
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is not that.</exception>
    public static StoredHead Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 30 || bytes[0] != Version) throw new InvalidDataException("This is no head of a copy.");
        ReadOnlySpan<byte> rest = bytes[30..];
        return new StoredHead
        {
            Status = BinaryPrimitives.ReadInt32LittleEndian(bytes[1..]),
            RequestedAt = BinaryPrimitives.ReadInt64LittleEndian(bytes[5..]),
            ReceivedAt = BinaryPrimitives.ReadInt64LittleEndian(bytes[13..]),
            AgeAtReceipt = BinaryPrimitives.ReadInt64LittleEndian(bytes[21..]),
            WasAuthorized = bytes[29] == 1,
            Reason = Next(ref rest).ToArray(),
            Fields = HeaderFields.FromLines(Next(ref rest)),
            Selecting = HeaderFields.FromLines(Next(ref rest)),
        };
    }

    private static byte[] Length(int length)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        return bytes;
    }

    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> rest)
    {
        int length = rest.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest);
        if (length < 0 || length > rest.Length - 4) throw new InvalidDataException("The head of a copy is cut short.");
        ReadOnlySpan<byte> next = rest.Slice(4, length);
        rest = rest[(4 + length)..];
        return next;
    }
}
