using System.Buffers;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Http;

namespace MicroCdn.Edge;

/// <summary>What the head of a response says of one representation, ready as it is sent.</summary>
/// <param name="File">The file, held for the response.</param>
/// <param name="Fields">The lines.</param>
internal readonly record struct FileHead(OpenFile File, FileFields Fields)
{
    /// <summary>The length of the representation in bytes.</summary>
    public long Length => File.Facts.Size;

    /// <summary>When it last changed, in seconds since 1970.</summary>
    public long LastModified => Fields.LastModified;

    /// <summary>Its strong entity tag with the quotes; empty while the digest is not known.</summary>
    public ReadOnlySpan<byte> EntityTag => Fields.EntityTag;

    /// <summary>Content-Type and what belongs to it.</summary>
    public ReadOnlySpan<byte> ContentType => Fields.ContentType;

    /// <summary>Validators and what a 304 repeats (RFC 9110, section 15.4.5).</summary>
    public ReadOnlySpan<byte> Validators => Fields.Validators;

    /// <summary>Repr-Digest (RFC 9530) and the older Digest (RFC 3230), which aria2 reads.</summary>
    public ReadOnlySpan<byte> Digests => Fields.Digests;
}

/// <summary>Lines that are the same in every response about one state of a file.</summary>
internal sealed record FileFields(
    long LastModified, byte[] EntityTag, byte[] ContentType, byte[] Validators, byte[] Digests);

/// <summary>Makes the lines once for each open file, and finds them again beside its handle.</summary>
internal sealed class FileHeads(EdgeOptions options)
{
    private readonly (byte[] Prefix, byte[] Line)[] _cacheControl =
    [
        .. options.CacheControl.OrderByDescending(rule => rule.Prefix.Length).Select(rule =>
            (Encoding.UTF8.GetBytes(rule.Prefix.TrimStart('/')),
                Encoding.UTF8.GetBytes($"Cache-Control: {rule.Value}\r\n"))),
    ];

    public FileHead Of(OpenFile file, Library library, int number)
    {
        // A digest belongs to the state that the scan saw.
        ReadOnlySpan<byte> digest = default;
        if (file.Facts == library.FactsOf(number)) library.TryDigest(number, out digest);
        if (file.Note is FileFields known && known.EntityTag.Length > 0 == digest.Length > 0) return new(file, known);
        FileFields fields = Make(file, library.NameOf(number), digest);
        file.Note = fields;
        return new FileHead(file, fields);
    }

    private FileFields Make(OpenFile file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> digest)
    {
        long lastModified = (long)Math.Floor(file.Facts.Modified / 1e9);
        ArrayBufferWriter<byte> type = new();
        type.Write("Content-Type: "u8);
        type.Write(MediaTypes.Of(name).Value);
        type.Write("\r\nX-Content-Type-Options: nosniff\r\n"u8);

        ArrayBufferWriter<byte> validators = new();
        validators.Write("Accept-Ranges: bytes\r\nLast-Modified: "u8);
        HttpDate.Format(lastModified, validators.GetSpan(HttpDate.Length));
        validators.Advance(HttpDate.Length);
        validators.Write("\r\n"u8);
        byte[] tag = [];
        if (!digest.IsEmpty)
        {
            tag = new byte[Digests.EntityTagBytes];
            Digests.WriteEntityTag(digest, Coding.Identity, tag);
            validators.Write("ETag: "u8);
            validators.Write(tag);
            validators.Write("\r\n"u8);
        }
        validators.Write(CacheControl(name));
        return new FileFields(lastModified, tag, type.WrittenSpan.ToArray(), validators.WrittenSpan.ToArray(),
            digest.IsEmpty ? [] : DigestLines(digest));
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
}
