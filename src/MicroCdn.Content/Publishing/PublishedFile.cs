using System.Runtime.InteropServices;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content.Publishing;

/// <summary>Bytes that were published to this server, known by their digest.</summary>
/// <param name="digest">Their SHA-256.</param>
/// <param name="size">How many there are.</param>
/// <param name="root">Their chunk root.</param>
internal sealed class Blob(FileDigest digest, long size, FileDigest root)
{
    // A field, so that a span of it can be lent out.
    private readonly FileDigest _digest = digest;

    public FileDigest Digest => _digest;

    public ReadOnlySpan<byte> DigestBytes => MemoryMarshal.AsBytes(new ReadOnlySpan<FileDigest>(in _digest));

    public long Size => size;

    public FileDigest Root => root;

    /// <summary>How many names show it.</summary>
    public int Names { get; set; }

    /// <summary>When somebody last asked that it be kept though no name shows it, in seconds since 1970; 0 when nobody
    /// does.</summary>
    public long KeptAt { get; set; }

    /// <summary>Until when it stays for downloads that began, in seconds since 1970.</summary>
    public long GraceUntil { get; set; }
}

/// <summary>A name that shows a blob; never changed, so whoever has it sees one revision of the file.</summary>
/// <param name="names">The table that holds the name.</param>
/// <param name="row">The name's row there.</param>
/// <param name="blob">What it shows.</param>
/// <param name="revision">Which revision of the name it is.</param>
/// <param name="seconds">When it was published, in seconds since 1970.</param>
internal sealed class PublishedFile(NameTable names, int row, Blob blob, long revision, long seconds)
{
    // Later ones do not fit the nanoseconds that times of files are counted in.
    private const long MostSeconds = long.MaxValue / 1_000_000_000;

    public ReadOnlySpan<byte> Name => names[row];

    public Blob Blob => blob;

    public long Revision => revision;

    public long Seconds => seconds;

    /// <summary>What is told of the file: the same on every server, whenever its bytes came there.</summary>
    public FileFacts Facts => new(blob.Size, Math.Min(seconds, MostSeconds) * 1_000_000_000, 0);

    /// <summary>The value beside its name; a slot of <see cref="Published"/>, one more than its number.</summary>
    public ref long Value => ref names.ValueOf(row);

    /// <summary>The same file with its name in another table.</summary>
    public PublishedFile In(NameTable other, int otherRow) => new(other, otherRow, blob, revision, seconds);
}
