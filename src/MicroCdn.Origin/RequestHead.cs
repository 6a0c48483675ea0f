using System.Buffers;
using System.Globalization;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Origin;

/// <summary>Writes the head of a request (RFC 9112, section 3): one that can be read in one way only.</summary>
internal sealed class RequestHead(OriginAddress address)
{
    private static readonly SearchValues<byte> Token = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> LineBreaks = SearchValues.Create("\r\n\0"u8);

    private readonly byte[] _basePath = address.BasePathBytes();
    private readonly byte[] _afterTarget = Encoding.ASCII.GetBytes($" HTTP/1.1\r\nHost: {address.Authority}\r\n");

    /// <summary>Writes it.</summary>
    /// <exception cref="ArgumentException">The method, the target or a field would become something else.</exception>
    public void Write(OriginRequest request, IBufferWriter<byte> target)
    {
        ReadOnlySpan<byte> method = request.Method.Span, path = request.Target.Span;
        if (method.IsEmpty || method.ContainsAnyExcept(Token)) throw new ArgumentException("This is no method.");
        bool isPath = path.StartsWith("/"u8) || path.SequenceEqual("*"u8);
        if (!isPath || path.ContainsAnyInRange((byte)0, (byte)' ') || path.ContainsAny((byte)0x7F, (byte)'#'))
        {
            throw new ArgumentException("This is no target in origin form.");
        }
        target.Write(method);
        target.Write(" "u8);
        if (path[0] == '/') target.Write(_basePath);
        target.Write(path);
        target.Write(_afterTarget);
        HeaderFields fields = request.Fields;
        for (int line = 0; line < fields.Count; line++)
        {
            ReadOnlySpan<byte> name = fields.NameAt(line), value = fields.ValueAt(line);
            if (IsOurs(fields, line)) continue;
            if (name.IsEmpty || name.ContainsAnyExcept(Token) || value.ContainsAny(LineBreaks))
            {
                throw new ArgumentException("A field of the request would become two.");
            }
            target.Write(name);
            target.Write(": "u8);
            target.Write(value);
            target.Write("\r\n"u8);
        }
        WriteFraming(request, target);
        target.Write("\r\n"u8);
    }

    private static void WriteFraming(OriginRequest request, IBufferWriter<byte> target)
    {
        if (request.Body is { Length: null })
        {
            target.Write("Transfer-Encoding: chunked\r\n"u8);
            return;
        }
        // A length of 0 is said where a body is expected (RFC 9110, section 8.6).
        bool expected = request.Method.Span is var m && (m.SequenceEqual("POST"u8) || m.SequenceEqual("PUT"u8));
        if (request.Body is null && !expected) return;
        target.Write("Content-Length: "u8);
        Span<byte> room = target.GetSpan(20);
        (request.Body?.Length ?? 0).TryFormat(room, out int written, default, CultureInfo.InvariantCulture);
        target.Advance(written);
        target.Write("\r\n"u8);
    }

    private static bool IsOurs(HeaderFields fields, int line) => fields.NameAt(line).Length switch
    {
        2 => fields.IsNamed(line, "TE"u8),
        4 => fields.IsNamed(line, "Host"u8),
        6 => fields.IsNamed(line, "Expect"u8),
        7 => fields.IsNamed(line, "Upgrade"u8) || fields.IsNamed(line, "Trailer"u8),
        10 => fields.IsNamed(line, "Connection"u8) || fields.IsNamed(line, "Keep-Alive"u8),
        14 => fields.IsNamed(line, "Content-Length"u8),
        16 => fields.IsNamed(line, "Proxy-Connection"u8),
        17 => fields.IsNamed(line, "Transfer-Encoding"u8),
        _ => false,
    };
}
