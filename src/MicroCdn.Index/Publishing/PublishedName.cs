using System.Buffers.Binary;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>What the book says of one name: these bytes are the file, or it was removed.</summary>
/// <param name="Revision">The number of the change that said so, 1 or more.</param>
/// <param name="State">The bytes, with their digest; none for a name that was removed.</param>
/// <param name="Replicas">How many copies were asked for; 0 when the policy of its prefix says.</param>
/// <param name="IsSpread">Whether the copies were asked to be in as many zones as there are.</param>
/// <remarks>
/// As a row: one byte for the form, one with marks, one for the replicas, five of zeros; then little endian the
/// revision, and of a file its size, its time in seconds since 1970, its digest and, where it has one of its own, its
/// chunk root. 56 bytes beside the name, 88 with a root, are read quicker than text, of which there may be ten million.
/// </remarks>
internal readonly record struct PublishedName(long Revision, FileState State, byte Replicas, bool IsSpread = false)
{
    private const byte Form = 1;
    private const byte IsFile = 1;
    private const byte HasRoot = 2;
    private const byte Spread = 4;
    private const int HeadBytes = 8 + sizeof(long);
    private const int FileBytes = HeadBytes + (2 * sizeof(long)) + FileDigest.Length;

    /// <summary>The length of the shortest row's value: that of a name that was removed.</summary>
    public const int LeastBytes = HeadBytes;

    /// <summary>A name that was removed.</summary>
    public static PublishedName Removed(long revision) => new(revision, default, 0);

    /// <summary>True for a name that was removed: a tombstone.</summary>
    public bool IsRemoved => State.Digest.IsNone;

    /// <summary>The row's value.</summary>
    public byte[] Write()
    {
        bool hasRoot = !IsRemoved && !State.ToldRoot.IsNone && !Chunks.FollowFromDigest(State.Size);
        byte[] value = new byte[IsRemoved ? HeadBytes : hasRoot ? FileBytes + FileDigest.Length : FileBytes];
        value[0] = Form;
        value[1] = (byte)((IsRemoved ? 0 : IsFile) | (hasRoot ? HasRoot : 0)
            | (!IsRemoved && IsSpread ? Spread : 0));
        value[2] = Replicas;
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(8), Revision);
        if (IsRemoved) return value;
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(HeadBytes), State.Size);
        BinaryPrimitives.WriteInt64LittleEndian(value.AsSpan(HeadBytes + 8), State.UnixSeconds);
        State.Digest.CopyTo(value.AsSpan(HeadBytes + 16));
        if (hasRoot) State.ToldRoot.CopyTo(value.AsSpan(FileBytes));
        return value;
    }

    /// <summary>Reads the row's value; false for one that no version of ours wrote, or a later one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, out PublishedName name)
    {
        name = default;
        if (value.Length < HeadBytes || value[0] != Form || value[3..8].ContainsAnyExcept((byte)0)) return false;
        byte marks = value[1];
        long revision = BinaryPrimitives.ReadInt64LittleEndian(value[8..]);
        if (revision < 1) return false;
        if (marks == 0)
        {
            name = Removed(revision);
            return value.Length == HeadBytes && value[2] == 0;
        }
        bool hasRoot = (marks & HasRoot) != 0;
        if ((marks & IsFile) == 0 || (marks & ~(IsFile | HasRoot | Spread)) != 0) return false;
        if (value.Length != (hasRoot ? FileBytes + FileDigest.Length : FileBytes)) return false;
        long size = BinaryPrimitives.ReadInt64LittleEndian(value[HeadBytes..]);
        long seconds = BinaryPrimitives.ReadInt64LittleEndian(value[(HeadBytes + 8)..]);
        FileDigest digest = new(value[(HeadBytes + 16)..]);
        FileDigest root = hasRoot ? new FileDigest(value[FileBytes..]) : FileDigest.None;
        name = new PublishedName(revision, new FileState(size, digest, seconds, root), value[2], (marks & Spread) != 0);
        bool isRootRight = hasRoot != root.IsNone && !(hasRoot && Chunks.FollowFromDigest(size));
        return size >= 0 && seconds is >= -1 and <= Limits.UnixSeconds && !digest.IsNone && isRootRight;
    }
}
