using System.Buffers;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>Sends a client to a server, and names the other servers in case that one fails (RFC 6249).</summary>
internal static class Redirect
{
    /// <summary>The longest query that is passed on, in bytes, encoded: beyond it no proxy would take the
    /// head.</summary>
    public const int MostQueryBytes = 2048;

    // The longest path that is passed on: that of the longest file name, with every byte encoded.
    private const int MostPathBytes = (PathNames.MostGrowth * Limits.NameBytes) + 1;

    // Where links stop: with all other fields, the head stays below the 4 KiB that nginx gives a response by default.
    private const int MostBytes = 4096 - 512;

    // RFC 3986, section 3.4. What may not stand in a query, but came in one, is percent-encoded.
    private static readonly SearchValues<byte> QueryBytes = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%"u8);

    /// <summary>Answers 302, or 414 when the query is too long.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="response">Where the answer goes.</param>
    /// <param name="name">The file.</param>
    /// <param name="entry">What is known of it.</param>
    /// <param name="servers">Its servers in order.</param>
    /// <param name="chosen">The number of the one that gets the client.</param>
    /// <param name="place">Where the client stands.</param>
    public static void Write(in Request request, Response response, ReadOnlySpan<byte> name, in FileEntry entry,
        ReadOnlySpan<Candidate> servers, int chosen, Place place)
    {
        ArrayBufferWriter<byte> text = Draft.Clean().Text;
        text.Write("Location: "u8);
        place.WriteUrl(servers[chosen].Server.Contact!, name, text);
        if (!TryWriteQuery(request.Query, text))
        {
            Sentences.Explain(response, HttpStatus.UriTooLong, "The query is too long to be passed on.");
            return;
        }
        text.Write("\r\n"u8);
        int length = WriteLinks(name, servers, chosen, place, text);
        response.Begin(HttpStatus.Found);
        response.Fields(text.WrittenSpan[..length]);
        WriteDigests(response, Wanted(request, entry.Digest));
        response.Fields("Cache-Control: no-store\r\nVary: Accept\r\n"u8);
        response.End([]);
    }

    /// <summary>Leads to the same path and query on a server: GET and HEAD by 302, all others by 307, since a browser
    /// makes a GET of a POST at 302 (RFC 9110, section 15.4.3). Answers 414 when path or query are too long. The other
    /// servers are not named: whoever fetched from several at once would have each of them ask the origin.</summary>
    public static void WritePulled(in Request request, Response response, Contact contact, Place place)
    {
        ArrayBufferWriter<byte> text = Draft.Clean().Text;
        text.Write("Location: "u8);
        place.WriteServer(contact, text);
        int most = text.WrittenCount + MostPathBytes;
        // A question mark ends a path, so there is none in it.
        WriteEncoded(request.Path, text, most);
        if (text.WrittenCount > most || !TryWriteQuery(request.Query, text))
        {
            Sentences.Explain(response, HttpStatus.UriTooLong, "The path or the query is too long to be passed on.");
            return;
        }
        text.Write("\r\nCache-Control: no-store\r\n"u8);
        if (request.Method is Method.Get or Method.Head) Write(response, HttpStatus.Found, text.WrittenSpan);
        else
        {
            byte[] fields = text.WrittenSpan.ToArray();
            UnreadBody.AnswerBehind(
                request, response, later => Write(later, HttpStatus.TemporaryRedirect, fields));
        }

        static void Write(Response response, HttpStatus status, ReadOnlySpan<byte> fields)
        {
            response.Begin(status);
            response.Fields(fields);
            response.End([]);
        }
    }

    /// <summary>The digest, or none for a client that does not want it (RFC 9530, section 4).</summary>
    public static FileDigest Wanted(in Request request, FileDigest digest) =>
        Digests.WantsDigest(request[Field.WantReprDigest]) ? digest : FileDigest.None;

    /// <summary>Writes a digest in the field of today (RFC 9530, section 3) and in the one that aria2 checks (RFC
    /// 3230).</summary>
    public static void WriteDigests(Response response, FileDigest digest)
    {
        if (digest.IsNone) return;
        Span<byte> sha256 = stackalloc byte[FileDigest.Length];
        digest.CopyTo(sha256);
        Span<byte> value = stackalloc byte[Digests.ReprDigestBytes];
        Digests.WriteReprDigest(sha256, value);
        response.Field("Repr-Digest"u8, value);
        Digests.WriteLegacyDigest(sha256, value);
        response.Field("Digest"u8, value[..Digests.LegacyDigestBytes]);
    }

    // Returns how much of the text fits the head.
    private static int WriteLinks(ReadOnlySpan<byte> name, ReadOnlySpan<Candidate> servers, int chosen, Place place,
        ArrayBufferWriter<byte> text)
    {
        int length = text.WrittenCount;
        text.Write("Link: <"u8);
        PathNames.Write(name, text);
        text.Write(".meta4>; rel=describedby; type=\"application/metalink4+xml\"\r\n"u8);
        if (text.WrittenCount <= MostBytes) length = text.WrittenCount;
        int priority = 1;
        for (int at = 0; at < servers.Length && servers[at].Exclusion == Exclusion.None; at++)
        {
            Contact contact = servers[at].Server.Contact!;
            if (at == chosen || !Place.IsWeb(contact)) continue;
            text.Write("Link: <"u8);
            place.WriteUrl(contact, name, text);
            text.Write(">; rel=duplicate; pri="u8);
            text.WriteNumber(++priority);
            if (contact.Country is { } country)
            {
                text.Write("; geo="u8);
                WriteCountry(country, text);
            }
            text.Write("\r\n"u8);
            if (text.WrittenCount > MostBytes) break;
            length = text.WrittenCount;
        }
        return length;
    }

    /// <summary>Writes a country as Metalinks have it: two small letters (RFC 5854, section 4.2.16.2; RFC 6249,
    /// section 3.2).</summary>
    public static void WriteCountry(string country, IBufferWriter<byte> output) =>
        output.Write([(byte)(country[0] | 0x20), (byte)(country[1] | 0x20)]);

    private static bool TryWriteQuery(ReadOnlySpan<byte> query, ArrayBufferWriter<byte> text)
    {
        if (query.IsEmpty) return true;
        int most = text.WrittenCount + 1 + MostQueryBytes;
        text.Write("?"u8);
        WriteEncoded(query, text, most);
        return text.WrittenCount <= most;
    }

    // Stops soon after the most bytes that the text may have.
    private static void WriteEncoded(ReadOnlySpan<byte> part, ArrayBufferWriter<byte> text, int most)
    {
        while (!part.IsEmpty && text.WrittenCount <= most)
        {
            int plain = part.IndexOfAnyExcept(QueryBytes);
            if (plain < 0) plain = part.Length;
            text.Write(part[..plain]);
            part = part[plain..];
            if (part.IsEmpty) break;
            ReadOnlySpan<byte> hex = "0123456789ABCDEF"u8;
            text.Write([(byte)'%', hex[part[0] >> 4], hex[part[0] & 15]]);
            part = part[1..];
        }
    }
}
