using System.Buffers.Text;

namespace MicroCdn.Bench;

/// <summary>The invented catalog: file number n has a name of 55 bytes and a size, and both follow from n.</summary>
internal static class Catalog
{
    public const int NameLength = 55;

    /// <summary>The longest answer to a GET for one of its files, line end included.</summary>
    public const int LongestAnswer = 64;

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
