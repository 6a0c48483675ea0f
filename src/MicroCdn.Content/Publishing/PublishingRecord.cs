using System.Buffers.Binary;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Content.Publishing;

/// <summary>One change of what is published here, as it stands in the log.</summary>
/// <remarks>A byte that says which kind it is (and by its highest bit that the next one belongs to the same group, of
/// which all count or none), then numbers of eight bytes, digests of 32, and at the end the name.</remarks>
/// <param name="Kind">What it says.</param>
/// <param name="Digest">The blob; none in <see cref="RecordKind.Drop"/>.</param>
/// <param name="Size">Of a kept blob: its length in bytes.</param>
/// <param name="Root">Of a kept blob: its chunk root.</param>
/// <param name="Revision">Of a name: the revision that it shows, or that it is dropped for.</param>
/// <param name="Seconds">When the blob was kept, or the revision published, in seconds since 1970.</param>
/// <param name="Name">The name; empty for a blob.</param>
internal sealed record PublishingRecord(
    RecordKind Kind, FileDigest Digest, long Size, FileDigest Root, long Revision, long Seconds, byte[] Name)
{
    private const byte More = 0x80;
    private const int Longest = 1 + (2 * FileDigest.Length) + (3 * sizeof(long)) + Limits.NameBytes;

    public static PublishingRecord Keep(Blob blob, long seconds) =>
        new(RecordKind.Keep, blob.Digest, blob.Size, blob.Root, 0, seconds, []);

    public static PublishingRecord Forget(FileDigest digest) => new(RecordKind.Forget, digest, 0, default, 0, 0, []);

    public static PublishingRecord Show(byte[] name, FileDigest digest, long revision, long seconds) =>
        new(RecordKind.Show, digest, 0, default, revision, seconds, name);

    public static PublishingRecord Drop(byte[] name, long revision) =>
        new(RecordKind.Drop, default, 0, default, revision, 0, name);

    /// <summary>The bytes of a record.</summary>
    /// <param name="more">True when the next one belongs to the same group.</param>
    public byte[] ToBytes(bool more)
    {
        Span<byte> bytes = stackalloc byte[Longest];
        int at = 0;
        bytes[at++] = (byte)((byte)Kind | (more ? More : 0));
        if (Kind != RecordKind.Drop) Put(Digest, bytes, ref at);
        if (Kind == RecordKind.Keep) Put(Size, bytes, ref at);
        if (Kind == RecordKind.Keep && !Chunks.FollowFromDigest(Size)) Put(Root, bytes, ref at);
        if (Kind is RecordKind.Show or RecordKind.Drop) Put(Revision, bytes, ref at);
        if (Kind is RecordKind.Keep or RecordKind.Show) Put(Seconds, bytes, ref at);
        Name.CopyTo(bytes[at..]);
        return bytes[..(at + Name.Length)].ToArray();
    }

    /// <summary>Reads a record; false for one that no program of ours wrote.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out PublishingRecord record, out bool more)
    {
        record = Forget(default);
        more = !bytes.IsEmpty && (bytes[0] & More) != 0;
        RecordKind kind = bytes.IsEmpty ? 0 : (RecordKind)(bytes[0] & ~More);
        if (kind is < RecordKind.Keep or > RecordKind.Drop) return false;
        ReadOnlySpan<byte> rest = bytes[1..];
        FileDigest digest = default, root = default;
        long size = 0, revision = 0, seconds = 0;
        bool valid = (kind == RecordKind.Drop || Take(ref rest, out digest))
            && (kind != RecordKind.Keep || Take(ref rest, out size));
        if (valid && kind == RecordKind.Keep)
        {
            if (Chunks.FollowFromDigest(size)) root = Chunks.RootOfOne(size, digest);
            else valid = Take(ref rest, out root);
        }
        valid = valid && (kind is RecordKind.Keep or RecordKind.Forget || Take(ref rest, out revision))
            && (kind is RecordKind.Forget or RecordKind.Drop || Take(ref rest, out seconds));
        if (!valid || (kind is RecordKind.Show or RecordKind.Drop) != FileName.IsValid(rest)) return false;
        record = new PublishingRecord(kind, digest, size, root, revision, seconds, rest.ToArray());
        return true;
    }

    /// <summary>What it says, for people.</summary>
    public override string ToString() => $"{Kind} {Encoding.UTF8.GetString(Name)} {Revision} {Digest} {Size}";

    private static void Put(long value, Span<byte> bytes, ref int at)
    {
        BinaryPrimitives.WriteInt64LittleEndian(bytes[at..], value);
        at += sizeof(long);
    }

    private static void Put(FileDigest digest, Span<byte> bytes, ref int at)
    {
        digest.CopyTo(bytes[at..]);
        at += FileDigest.Length;
    }

    private static bool Take(ref ReadOnlySpan<byte> rest, out long value)
    {
        value = 0;
        if (rest.Length < sizeof(long)) return false;
        value = BinaryPrimitives.ReadInt64LittleEndian(rest);
        rest = rest[sizeof(long)..];
        return value >= 0;
    }

    private static bool Take(ref ReadOnlySpan<byte> rest, out FileDigest digest)
    {
        digest = default;
        if (rest.Length < FileDigest.Length) return false;
        digest = new FileDigest(rest);
        rest = rest[FileDigest.Length..];
        return true;
    }
}

/// <summary>The kinds of changes; their numbers stand in logs.</summary>
internal enum RecordKind
{
    /// <summary>A blob is here, and is to be kept.</summary>
    Keep = 1,

    /// <summary>A blob is not here any more.</summary>
    Forget = 2,

    /// <summary>A name shows a blob.</summary>
    Show = 3,

    /// <summary>A name shows nothing any more.</summary>
    Drop = 4,
}
