using System.Text;

namespace MicroCdn.Http.Http2;

/// <summary>Writes the head of an HTTP/1.1 response as a header block (HPACK, RFC 7541).</summary>
/// <remarks>It asks the client to remember nothing, so it has no state and a head costs one walk. Names are numbers
/// where the static table has them; values stand as they are.</remarks>
internal static class HeaderEncoder
{
    /// <summary>What a connection's first block begins with: the table's size is 0 from here on, so that no size that a
    /// client asks for makes a difference (section 4.2).</summary>
    public const byte NoTable = 0x20;

    private const int StatusAt = 9;                    // HTTP/1.1 200 OK
    private const int StatusName = 8;

    /// <summary>Writes the block.</summary>
    /// <param name="head">The head, without the empty line.</param>
    /// <param name="target">Room for as much as the head has, and a quarter more.</param>
    /// <param name="contentLength">The Content-Length, or -1.</param>
    /// <returns>The length of the block.</returns>
    public static int Encode(ReadOnlySpan<byte> head, Span<byte> target, out long contentLength)
    {
        contentLength = -1;
        int at = Status(CodeOf(head), target);
        head = head[(head.IndexOf((byte)'\n') + 1)..];
        while (!head.IsEmpty)
        {
            int end = head.IndexOf((byte)'\r');
            ReadOnlySpan<byte> line = head[..end];
            head = head[(end + 2)..];
            int colon = line.IndexOf((byte)':');
            ReadOnlySpan<byte> name = line[..colon], value = line[(colon + 2)..];
            // Fields about the connection have no place in HTTP/2 (RFC 9113, section 8.2.2).
            if (name.SequenceEqual("Connection"u8)) continue;
            if (name.SequenceEqual("Content-Length"u8)) contentLength = Number(value);
            at += Field(name, value, target[at..]);
        }
        return at;
    }

    /// <summary>The digits of a head's status.</summary>
    public static ReadOnlySpan<byte> CodeOf(ReadOnlySpan<byte> head) => head.Slice(StatusAt, 3);

    private static int Status(ReadOnlySpan<byte> code, Span<byte> target)
    {
        for (int number = StatusName; StaticTable.NameOf(number).SequenceEqual(":status"u8); number++)
        {
            if (!code.SequenceEqual(StaticTable.ValueOf(number))) continue;
            target[0] = (byte)(0x80 | number);
            return 1;
        }
        target[0] = StatusName;
        return 1 + Text(code, target[1..]);
    }

    // Without indexing (section 6.2.2).
    private static int Field(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, Span<byte> target)
    {
        int number = StaticTable.Find(name);
        int at = WriteNumber(0, 4, number, target);
        if (number == 0)
        {
            int start = at + WriteNumber(0, 7, name.Length, target[at..]);
            Ascii.ToLower(name, target[start..], out int length);
            at = start + length;
        }
        return at + Text(value, target[at..]);
    }

    private static int Text(ReadOnlySpan<byte> text, Span<byte> target)
    {
        int at = WriteNumber(0, 7, text.Length, target);
        text.CopyTo(target[at..]);
        return at + text.Length;
    }

    private static int WriteNumber(byte first, int prefix, int number, Span<byte> target)
    {
        int most = (1 << prefix) - 1;
        if (number < most)
        {
            target[0] = (byte)(first | number);
            return 1;
        }
        target[0] = (byte)(first | most);
        number -= most;
        int at = 1;
        for (; number >= 0x80; number >>= 7) target[at++] = (byte)(number | 0x80);
        target[at++] = (byte)number;
        return at;
    }

    private static long Number(ReadOnlySpan<byte> digits)
    {
        long number = 0;
        foreach (byte digit in digits) number = (number * 10) + digit - '0';
        return number;
    }
}
