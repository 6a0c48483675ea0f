using System.Buffers;
using System.Globalization;

namespace MicroCdn.Http;

/// <summary>Reads request heads (RFC 9112), and refuses whatever two programs could read differently.</summary>
/// <remarks>
/// Behind another proxy, a head that is understood in two ways lets one client's request ride in another's. So nothing
/// is repaired here: one CR LF for each line, one space between words, one Host, no body, no folding.
/// </remarks>
public static class RequestParser
{
    // RFC 9110, section 5.6.2.
    private static readonly SearchValues<byte> Token = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> HostBytes = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~%!$&'()*+;=:[]"u8);

    // Control characters but HTAB; CR and LF end lines and are found by the walk over them.
    private static readonly SearchValues<byte> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Where(b => b != '\t').Select(b => (byte)b), 0x7F]);

    // What may not stand in a target: spaces, controls, and the fragment that no client sends.
    private static readonly SearchValues<byte> NotInTarget = SearchValues.Create(
        [.. Enumerable.Range(0, 0x21).Select(b => (byte)b), 0x7F, (byte)'#']);

    /// <summary>Reads the head that the bytes begin with.</summary>
    /// <param name="input">What has arrived.</param>
    /// <param name="request">The request, when the result is more than 0.</param>
    /// <param name="refusal">Why it is refused, or null.</param>
    /// <returns>The length of the head; 0 when it is not complete yet, or refused.</returns>
    public static int Parse(ReadOnlySpan<byte> input, out Request request, out Refusal? refusal)
    {
        int length = ParseWithBody(input, out request, out refusal);
        if (length > 0) refusal = RefusalOfBody(request);
        return refusal is null ? length : 0;
    }

    // Why a body is not taken where nobody wants one; null when there is none.
    internal static Refusal? RefusalOfBody(in Request request) => request.BodyLength switch
    {
        0 => null,
        < 0 => Refusal.TransferEncoding,
        _ => Refusal.Body,
    };

    // As Parse, for a request that may have a body.
    internal static int ParseWithBody(ReadOnlySpan<byte> input, out Request request, out Refusal? refusal)
    {
        request = default;
        int end = input[..Math.Min(input.Length, HttpLimits.HeadBytes)].IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            refusal = WhileIncomplete(input);
            return 0;
        }
        ReadOnlySpan<byte> head = input[..(end + 2)];
        request.Begin(head);
        int lineEnd = head.IndexOfAny((byte)'\r', (byte)'\n');
        refusal = head[lineEnd] != '\r' || head[lineEnd + 1] != '\n' ? Refusal.LineEnd
            : ReadLine(head[..lineEnd], ref request)
            ?? ReadFields(head, lineEnd + 2, ref request)
            ?? Check(ref request);
        return refusal is null ? end + 4 : 0;
    }

    // What can be known of a head before its end: nobody should wait ten seconds for the answer to a bare LF.
    private static Refusal? WhileIncomplete(ReadOnlySpan<byte> input)
    {
        if (input.Length >= HttpLimits.HeadBytes) return Refusal.HeadTooLong;
        for (int at = input.IndexOf((byte)'\n'); at >= 0;)
        {
            if (at == 0 || input[at - 1] != '\r') return Refusal.LineEnd;
            int next = input[(at + 1)..].IndexOf((byte)'\n');
            at = next < 0 ? -1 : at + 1 + next;
        }
        return null;
    }

    private static Refusal? ReadLine(ReadOnlySpan<byte> line, ref Request request)
    {
        int first = line.IndexOf((byte)' ');
        int last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last <= first + 1) return Refusal.RequestLine;
        ReadOnlySpan<byte> method = line[..first], target = line[(first + 1)..last], version = line[(last + 1)..];
        if (method.ContainsAnyExcept(Token) || !version.StartsWith("HTTP/"u8)) return Refusal.RequestLine;
        if (version.SequenceEqual("HTTP/1.0"u8)) request.IsOld = true;
        else if (!version.SequenceEqual("HTTP/1.1"u8)) return Refusal.Version;
        request.MethodName = method;
        request.Method = method switch
        {
            _ when method.SequenceEqual("GET"u8) => Method.Get,
            _ when method.SequenceEqual("HEAD"u8) => Method.Head,
            _ when method.SequenceEqual("OPTIONS"u8) => Method.Options,
            _ when method.SequenceEqual("POST"u8) => Method.Post,
            _ => Method.Other,
        };
        if (target.Length > HttpLimits.TargetBytes) return Refusal.TargetTooLong;
        return target.ContainsAny(NotInTarget) ? Refusal.Target : ReadTarget(target, ref request);
    }

    // Origin form, absolute form, or the asterisk of OPTIONS (RFC 9112, section 3.2).
    private static Refusal? ReadTarget(ReadOnlySpan<byte> target, ref Request request)
    {
        if (target[0] != '/')
        {
            if (target.SequenceEqual("*"u8) && request.Method == Method.Options)
            {
                request.Path = request.Target = target;
                return null;
            }
            int scheme = Ascii(target, "http://"u8) ? 7 : Ascii(target, "https://"u8) ? 8 : 0;
            if (scheme == 0) return Refusal.Target;
            int slash = target[scheme..].IndexOfAny((byte)'/', (byte)'?');
            ReadOnlySpan<byte> authority = slash < 0 ? target[scheme..] : target.Slice(scheme, slash);
            target = slash < 0 ? "/"u8 : target[(scheme + slash)..];
            if (authority.IsEmpty || target[0] != '/') return Refusal.Target;
            request.Authority = authority;
        }
        request.Target = target;
        int question = target.IndexOf((byte)'?');
        request.Path = question < 0 ? target : target[..question];
        request.Query = question < 0 ? default : target[(question + 1)..];
        return null;
    }

    private static Refusal? ReadFields(ReadOnlySpan<byte> head, int at, ref Request request)
    {
        for (int count = 0; at < head.Length; count++)
        {
            if (count == HttpLimits.Fields) return Refusal.HeadTooLong;
            ReadOnlySpan<byte> rest = head[at..];
            int end = rest.IndexOfAny((byte)'\r', (byte)'\n');
            if (end < 0 || rest[end] != '\r' || end + 1 == rest.Length || rest[end + 1] != '\n') return Refusal.LineEnd;
            ReadOnlySpan<byte> line = rest[..end];
            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAnyExcept(Token)) return Refusal.FieldLine;
            if (line.ContainsAny(Controls)) return Refusal.FieldLine;
            Field field = FieldNames.Find(line[..colon]);
            if (field != Field.None)
            {
                if (field is Field.Host or Field.ContentLength && request.Has(field))
                {
                    return field == Field.Host ? Refusal.Host : Refusal.ContentLength;
                }
                ReadOnlySpan<byte> value = line[(colon + 1)..].TrimEnd(" \t"u8);
                int spaces = value.Length - value.TrimStart(" \t"u8).Length;
                request.Add(field, at + colon + 1 + spaces, value.Length - spaces);
            }
            at += end + 2;
        }
        return null;
    }

    private static Refusal? Check(ref Request request)
    {
        ReadOnlySpan<byte> authority = request.Authority, host = request[Field.Host];
        if (request.Has(Field.Host) ? host.ContainsAnyExcept(HostBytes) : !request.IsOld) return Refusal.Host;
        bool sameHost = host.Length == authority.Length && Ascii(host, authority);
        if (!authority.IsEmpty && !sameHost) return Refusal.OtherHost;
        request.Authority = host.IsEmpty ? authority : host;
        if (CheckBody(ref request) is { } refusal) return refusal;
        ReadOnlySpan<byte> connection = request[Field.Connection];
        request.KeepsAlive = request.IsOld ? HasWord(connection, "keep-alive"u8) : !HasWord(connection, "close"u8);
        return null;
    }

    // RFC 9112, section 6: one framing, told in one way. Where two are told, two programs see different ends.
    private static Refusal? CheckBody(ref Request request)
    {
        ReadOnlySpan<byte> length = request[Field.ContentLength], coding = request[Field.TransferEncoding];
        if (request.Has(Field.TransferEncoding))
        {
            bool isChunked = coding.Length == 7 && Ascii(coding, "chunked"u8);
            if (!isChunked || request.IsOld || request.Has(Field.ContentLength)) return Refusal.TransferEncoding;
            request.BodyLength = -1;
            return null;
        }
        if (!request.Has(Field.ContentLength)) return null;
        if (length.IsEmpty || length.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return Refusal.ContentLength;
        if (length.SequenceEqual("0"u8)) return null;
        if (length[0] == '0') return Refusal.ContentLength;
        const int mostDigits = 18;
        if (length.Length > mostDigits) return Refusal.Body;
        request.BodyLength = long.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture);
        return null;
    }

    private static bool HasWord(ReadOnlySpan<byte> list, ReadOnlySpan<byte> word)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            ReadOnlySpan<byte> item = (comma < 0 ? list : list[..comma]).Trim(" \t"u8);
            if (item.Length == word.Length && Ascii(item, word)) return true;
            list = comma < 0 ? default : list[(comma + 1)..];
        }
        return false;
    }

    private static bool Ascii(ReadOnlySpan<byte> text, ReadOnlySpan<byte> start) => text.Length >= start.Length
        && System.Text.Ascii.EqualsIgnoreCase(text[..start.Length], start);
}
