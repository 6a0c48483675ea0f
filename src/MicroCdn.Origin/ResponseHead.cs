using System.Buffers;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Origin;

/// <summary>The head of a response as a strict reader understands it (RFC 9112, section 4).</summary>
/// <remarks>What could be understood in two ways is refused; what the RFC says how to repair is repaired.</remarks>
internal sealed class ResponseHead
{
    // RFC 9110, section 5.6.2.
    private static readonly SearchValues<byte> Token = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> Forbidden = SearchValues.Create("\r\n\0"u8);

    private ResponseHead(int status, byte[] reason, HeaderFields fields, FramingReader framing)
    {
        (Status, Reason, Fields) = (status, reason, fields);
        (Framing, Length, IsExact, KeepsAlive) =
            (framing.Kind, framing.Length, framing.IsExact, framing.KeepsAlive);
    }

    public int Status { get; }

    public byte[] Reason { get; }

    /// <summary>All fields as they came, but at most one Content-Length, and none beside Transfer-Encoding.</summary>
    public HeaderFields Fields { get; }

    public BodyFraming Framing { get; }

    /// <summary>The bytes of the body where <see cref="Framing"/> is <see cref="BodyFraming.Length"/>.</summary>
    public long Length { get; }

    /// <summary>True when there is exactly one sound framing: an end will be known to be the end.</summary>
    public bool IsExact { get; }

    /// <summary>True when the origin takes another request on this connection.</summary>
    public bool KeepsAlive { get; }

    public bool IsInterim => Status < 200;

    /// <summary>Reads a whole head, its empty line included, as <see cref="HeadEnd"/> found it.</summary>
    /// <param name="head">Its bytes.</param>
    /// <param name="toHead">True for the answer to HEAD.</param>
    /// <param name="fault">What is wrong, when the result is null.</param>
    /// <param name="isTooLarge">True when that is the number of its fields.</param>
    public static ResponseHead? Read(ReadOnlySpan<byte> head, bool toHead, out string? fault, out bool isTooLarge)
    {
        isTooLarge = false;
        ReadOnlySpan<byte> rest = head;
        ReadOnlySpan<byte> line = Next(ref rest);
        fault = ReadStatusLine(line, out int status);
        if (fault is not null) return null;
        FramingReader framing = new(status, toHead, isOld: line[7] == '0');
        HeaderFields.Builder fields = new();
        for (int count = 0; rest.Length > 2; count++)
        {
            isTooLarge = count == OriginLimits.Fields;
            fault = isTooLarge ? "it has more than 1,000 fields" : ReadField(ref rest, ref framing, fields);
            if (fault is not null) return null;
        }
        framing.Finish();
        if (framing.OwnLength) Add(fields, framing.Length);
        byte[] reason = line.Length > 13 ? line[13..].ToArray() : [];
        return new ResponseHead(status, reason, fields.Build(), framing);
    }

    // HTTP/1.1 SP 3DIGIT SP reason; without the second space too, which many leave out with the reason.
    private static string? ReadStatusLine(ReadOnlySpan<byte> line, out int status)
    {
        status = 0;
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || !char.IsAsciiDigit((char)line[7]) || line[8] != ' '
            || line[9..12].ContainsAnyExceptInRange((byte)'0', (byte)'9') || (line.Length > 12 && line[12] != ' '))
        {
            return "its first line is not: HTTP/1.1, a status of three digits, a reason";
        }
        if (line.ContainsAny(Forbidden)) return "its first line holds CR or NUL";
        status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + line[11] - '0';
        if (status < 100) return "its status is below 100";
        // Nobody asked for another protocol (RFC 9110, section 15.2.2).
        return status == 101 ? "it switches to a protocol that nobody asked for" : null;
    }

    private static string? ReadField(
        ref ReadOnlySpan<byte> rest, ref FramingReader framing, HeaderFields.Builder fields)
    {
        ReadOnlySpan<byte> line = Next(ref rest);
        int colon = line.IndexOf((byte)':');
        if (colon <= 0) return "a line has no field name";
        // Spaces behind a name are to be taken off by a proxy (RFC 9112, section 5.1).
        ReadOnlySpan<byte> name = line[..colon].TrimEnd(" \t"u8);
        if (name.IsEmpty || name.ContainsAnyExcept(Token)) return "a field's name is none";
        ReadOnlySpan<byte> value = line[(colon + 1)..].Trim(" \t"u8);
        bool isRepaired = name.Length != colon;
        // A folded line is to be put together with one space (RFC 9112, section 5.2).
        while (rest[0] is (byte)' ' or (byte)'\t')
        {
            value = (byte[])[.. value, (byte)' ', .. Next(ref rest).Trim(" \t"u8)];
            isRepaired = true;
        }
        if (value.ContainsAny(Forbidden)) return "a field's value holds CR or NUL";
        string? fault = framing.Take(name, value, isRepaired, out bool keeps);
        if (keeps) fields.Add(name, value);
        return fault;
    }

    private static void Add(HeaderFields.Builder fields, long length) =>
        fields.Add("Content-Length"u8, Encoding.ASCII.GetBytes(
            length.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> rest)
    {
        int end = rest.IndexOf("\r\n"u8);
        ReadOnlySpan<byte> line = rest[..end];
        rest = rest[(end + 2)..];
        return line;
    }
}
