using System.Buffers;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Edge;

/// <summary>What the head of every response says of one representation, ready as it is sent.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Type">Its media type.</param>
/// <param name="LastModified">When it last changed, in seconds since 1970.</param>
/// <param name="EntityTag">Its strong entity tag with the quotes; empty while the digest is not known.</param>
/// <param name="Content">Content-Type and Content-Encoding.</param>
/// <param name="Validators">Validators and what a 304 repeats (RFC 9110, section 15.4.5).</param>
/// <param name="Digests">Repr-Digest (RFC 9530) and the older Digest (RFC 3230), which aria2 reads.</param>
/// <param name="Maker">Who made them, by the settings of then.</param>
internal sealed record FileFields(byte[] Name, MediaType Type, long LastModified, byte[] EntityTag, byte[] Content,
    byte[] Validators, byte[] Digests, FileFieldLines Maker)
{
    private readonly FileFields?[] _coded = new FileFields?[3];

    /// <summary>The fields of a coded form of the same file, made by <paramref name="make"/> when its tag is
    /// new.</summary>
    public FileFields Coded(Coding coding, ReadOnlySpan<byte> entityTag, Func<FileFields> make)
    {
        ref FileFields? known = ref _coded[coding switch { Coding.Zstd => 0, Coding.Brotli => 1, _ => 2 }];
        FileFields? fields = Volatile.Read(ref known);
        if (fields is null || !entityTag.SequenceEqual(fields.EntityTag)) Volatile.Write(ref known, fields = make());
        return fields;
    }
}

/// <summary>Makes the lines once for each open file, and finds them again beside its handle.</summary>
internal sealed class FileFieldLines(EdgeOptions options)
{
    private readonly (byte[] Prefix, byte[] Line)[] _cacheControl =
    [
        .. options.CacheControl.OrderByDescending(rule => rule.Prefix.Length).Select(rule =>
            (Encoding.UTF8.GetBytes(rule.Prefix.TrimStart('/')),
                Encoding.UTF8.GetBytes($"Cache-Control: {rule.Value}\r\n"))),
    ];

    /// <summary>The lines of a file as it is.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">Its name.</param>
    /// <param name="digest">Its SHA-256; empty while it is not known.</param>
    public FileFields Of(OpenFile file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> digest)
    {
        if (file.Note is FileFields known && known.Maker == this && known.EntityTag.Length > 0 == digest.Length > 0)
            return known;
        byte[] tag = digest.IsEmpty ? [] : new byte[Digests.EntityTagBytes];
        if (tag.Length > 0) Digests.WriteEntityTag(digest, Coding.Identity, tag);
        FileFields fields = Make(
            name.ToArray(), MediaTypes.Of(name), Coding.Identity, Seconds(file.Facts.Modified), tag, digest);
        file.Note = fields;
        return fields;
    }

    /// <summary>The lines of a compressed form of a file.</summary>
    /// <param name="file">The lines of the file itself.</param>
    /// <param name="coding">The coding.</param>
    /// <param name="entityTag">The form's own tag.</param>
    /// <param name="digest">The form's own SHA-256; empty when it is not known.</param>
    public FileFields OfCoded(
        FileFields file, Coding coding, ReadOnlySpan<byte> entityTag, ReadOnlySpan<byte> digest)
    {
        byte[] tag = entityTag.ToArray(), sha256 = digest.ToArray();
        return file.Coded(coding, tag, () => Make(file.Name, file.Type, coding, file.LastModified, tag, sha256));
    }

    private FileFields Make(byte[] name, MediaType type, Coding coding, long lastModified, byte[] tag,
        ReadOnlySpan<byte> digest)
    {
        ArrayBufferWriter<byte> content = new();
        content.Write("Content-Type: "u8);
        content.Write(type.Value);
        content.Write("\r\nX-Content-Type-Options: nosniff\r\n"u8);
        if (coding != Coding.Identity)
        {
            content.Write("Content-Encoding: "u8);
            content.Write(ContentCodings.NameOf(coding));
            content.Write("\r\n"u8);
        }
        ArrayBufferWriter<byte> validators = new();
        validators.Write("Accept-Ranges: bytes\r\nLast-Modified: "u8);
        HttpDate.Format(lastModified, validators.GetSpan(HttpDate.Length));
        validators.Advance(HttpDate.Length);
        validators.Write("\r\n"u8);
        if (tag.Length > 0)
        {
            validators.Write("ETag: "u8);
            validators.Write(tag);
            validators.Write("\r\n"u8);
        }
        // Whoever may get it compressed may get it as it is as well, and caches on the way must know.
        if (type.IsText || coding != Coding.Identity) validators.Write("Vary: Accept-Encoding\r\n"u8);
        validators.Write(CacheControl(name));
        return new FileFields(name, type, lastModified, tag, content.WrittenSpan.ToArray(),
            validators.WrittenSpan.ToArray(), digest.IsEmpty ? [] : DigestLines(digest), this);
    }

    private static byte[] DigestLines(ReadOnlySpan<byte> digest)
    {
        byte[] modern = new byte[Digests.ReprDigestBytes], legacy = new byte[Digests.LegacyDigestBytes];
        Digests.WriteReprDigest(digest, modern);
        Digests.WriteLegacyDigest(digest, legacy);
        return [.. "Repr-Digest: "u8, .. modern, .. "\r\nDigest: "u8, .. legacy, .. "\r\n"u8];
    }

    private ReadOnlySpan<byte> CacheControl(ReadOnlySpan<byte> name)
    {
        foreach ((byte[] prefix, byte[] line) in _cacheControl)
        {
            if (name.StartsWith(prefix)) return line;
        }
        return default;
    }

    private static long Seconds(long nanoseconds) => (long)Math.Floor(nanoseconds / 1e9);
}
