using MicroCdn.Origin;

namespace MicroCdn.Fuzz;

/// <summary>What an origin says: however it is cut, it means the same, and no end is taken for another.</summary>
internal static class Origins
{
    public static Target[] All { get; } =
    [
        new("response", Responses,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nConnection: close\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.0 304 Not Modified\r\nConnection: keep-alive\r\n\r\n",
            "HTTP/1.1 200\r\nFolded: a\r\n b\r\nSpaced : c\r\nContent-Length: 5, 5\r\nTransfer-Encoding: x\r\n\r\n"),
        new("chunked", input => ChunksIn(input),
            "5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n", "000f \r\n", "fffffffffffffff\r\n"),
    ];

    private static void Responses(byte[] input)
    {
        HeadEnd whole = default, halves = default;
        int length = whole.Find(input, out string? fault);
        int cut = input.Length == 0 ? 0 : (input[0] + (input.Length * 7)) % input.Length;
        int early = halves.Find(input.AsSpan(0, cut), out string? cutFault);
        if (early == 0 && cutFault is null) early = halves.Find(input, out cutFault);
        BrokenException.Unless(early == length && cutFault == fault, $"cut at {cut} the head ends elsewhere");
        if (length == 0) return;
        ResponseHead? head = ResponseHead.Read(input.AsSpan(0, length), input[^1] == '!', out fault, out _);
        BrokenException.Unless(head is null == fault is not null, "a head both taken and refused");
        if (head is null) return;
        BrokenException.Unless(head.Status is >= 100 and <= 999, "a status of more than three digits");
        BrokenException.Unless(head.Length >= 0, "a negative length");
        BrokenException.Unless(head.IsExact || !head.KeepsAlive, "a doubtful end, and the connection goes on");
        for (int line = 0; line < head.Fields.Count; line++)
        {
            bool isClean = !head.Fields.NameAt(line).ContainsAny(" \t:\r"u8)
                && !head.Fields.ValueAt(line).ContainsAny("\r\n\0"u8);
            BrokenException.Unless(isClean, "a field that becomes two");
        }
        if (head.Framing == BodyFraming.Chunked) ChunksIn(input[length..]);
    }

    private static void ChunksIn(byte[] input)
    {
        string whole = Decode([input]);
        int cut = input.Length == 0 ? 0 : (input[0] + (input.Length * 7)) % input.Length;
        string halves = Decode([input[..cut], input[cut..]]);
        BrokenException.Unless(whole == halves, $"cut at {cut} the body is another: {whole} and {halves}");
    }

    // The data's length and hash, how much was used, and how it ended.
    private static string Decode(byte[][] pieces)
    {
        ChunkedBody body = default;
        HashCode data = default;
        int used = 0, taken = 0;
        foreach (byte[] piece in pieces)
        {
            ReadOnlySpan<byte> rest = piece;
            while (!rest.IsEmpty && !body.IsOver && body.Fault is null)
            {
                int framing = body.Read(rest);
                BrokenException.Unless(framing > 0 || body.DataLeft > 0, "a reader that stands still");
                rest = rest[framing..];
                int count = body.IsOver || body.Fault is not null ? 0 : (int)Math.Min(body.DataLeft, rest.Length);
                foreach (byte value in rest[..count]) data.Add(value);
                if (count > 0) body.Take(count);
                rest = rest[count..];
                used += framing + count;
                taken += count;
            }
        }
        return $"{taken} bytes {data.ToHashCode()} of {used}, {body.Fault ?? (body.IsOver ? "over" : "more")}";
    }
}
