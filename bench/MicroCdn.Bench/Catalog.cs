using System.Buffers.Binary;
using System.Buffers.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Bench;

/// <summary>The invented catalog: file number n has a name of 55 bytes and a size, and both follow from n.</summary>
internal static class Catalog
{
    public const int NameLength = 55;

    /// <summary>The longest answer to a GET for one of its files, line end included.</summary>
    public const int LongestAnswer = 64;

    /// <summary>When every one of its files was changed last, in seconds since 1970.</summary>
    public const long Seconds = 1_795_000_000;

    private static ReadOnlySpan<byte> Pattern => "releases/2026/channel-stable/pkg-0000000-xxxxxx.tar.zst"u8;

    /// <summary>The size of a file in bytes.</summary>
    public static long Size(int number) => 1_000 + number * 37L;

    /// <summary>Writes a file's name, which is the same length for every number below ten million.</summary>
    public static void WriteName(int number, Span<byte> into)
    {
        Pattern.CopyTo(into);
        Utf8Formatter.TryFormat(number, into[33..40], out _, new('D', 7));
        uint mixed = (uint)number * 2_654_435_761u >> 8;
        Utf8Formatter.TryFormat(mixed, into[41..47], out _, new('x', 6));
    }

    /// <summary>Writes <c>GET name</c> and its line end, and returns the length.</summary>
    public static int WriteGet(int number, Span<byte> into)
    {
        "GET "u8.CopyTo(into);
        WriteName(number, into[4..]);
        into[4 + NameLength] = (byte)'\n';
        return 5 + NameLength;
    }

    /// <summary>What would be the SHA-256 of its bytes: 32 bytes as good as chance.</summary>
    public static FileDigest Digest(int number)
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        for (int word = 0; word < 4; word++)
        {
            // The finalizer of SplitMix64: each input has another output.
            ulong mixed = ((ulong)number * 4) + (ulong)word + 0x9E3779B97F4A7C15;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[(8 * word)..], mixed ^ (mixed >> 31));
        }
        return new FileDigest(bytes);
    }

    /// <summary>Writes the same as <see cref="WriteAddFile"/> for a file that is published: with digest, time and
    /// revision.</summary>
    public static int WriteAddPublished(ReadOnlySpan<byte> server, int number, Span<byte> into)
    {
        int at = WriteAddFile(server, number, into) - 1;
        " sha256="u8.CopyTo(into[at..]);
        at += 8;
        Span<byte> digest = stackalloc byte[FileDigest.Length];
        Digest(number).CopyTo(digest);
        Convert.TryToHexStringLower(digest, into[at..], out _);
        at += 2 * FileDigest.Length;
        at += Word(into[at..], " time="u8, Seconds);
        at += Word(into[at..], " rev="u8, PublishedBook.RevisionOf(number));
        into[at++] = (byte)'\n';
        return at;

        static int Word(Span<byte> into, ReadOnlySpan<byte> key, long value)
        {
            key.CopyTo(into);
            Utf8Formatter.TryFormat(value, into[key.Length..], out int digits);
            return key.Length + digits;
        }
    }

    /// <summary>Writes <c>ADD_FILE server name size</c> and its line end, and returns the length.</summary>
    public static int WriteAddFile(ReadOnlySpan<byte> server, int number, Span<byte> into)
    {
        "ADD_FILE "u8.CopyTo(into);
        int at = 9;
        server.CopyTo(into[at..]);
        at += server.Length;
        into[at++] = (byte)' ';
        WriteName(number, into[at..]);
        at += NameLength;
        into[at++] = (byte)' ';
        Utf8Formatter.TryFormat(Size(number), into[at..], out int digits);
        at += digits;
        into[at++] = (byte)'\n';
        return at;
    }
}
