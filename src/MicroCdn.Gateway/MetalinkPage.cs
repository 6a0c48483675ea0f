using System.Buffers;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>Writes what a download program needs to fetch a file from several servers and to verify it (RFC
/// 5854).</summary>
internal static class MetalinkPage
{
    /// <summary>Writes the page: the servers that may get clients in order, each with its URL.</summary>
    /// <param name="finding">The file.</param>
    /// <param name="pieces">The digests of its chunks, one behind another; none when they are not known.</param>
    /// <param name="ownUrl">Where this gateway relays the file, when no server speaks HTTP; or null.</param>
    public static byte[] Write(Finding finding, ReadOnlySpan<byte> pieces, byte[]? ownUrl)
    {
        ArrayBufferWriter<byte> page = new();
        page.Write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"u8);
        page.Write("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n<generator>MicroCDN</generator>\n"u8);
        page.Write("<file name=\""u8);
        WriteText(finding.LastPart, page);
        page.Write("\">\n<size>"u8);
        page.WriteNumber(finding.Entry.Size);
        page.Write("</size>\n"u8);
        if (!finding.Entry.Digest.IsNone)
        {
            page.Write("<hash type=\"sha-256\">"u8);
            finding.Entry.Digest.WriteHex(page);
            page.Write("</hash>\n"u8);
        }
        WritePieces(pieces, page);
        int priority = 0;
        foreach (Candidate candidate in finding.Servers)
        {
            if (candidate.Exclusion != Exclusion.None) break;
            if (finding.UrlOf(candidate.Server) is not { } url) continue;
            WriteUrl(url, ++priority, candidate.Server.Contact?.Country, page);
        }
        if (priority == 0 && ownUrl is not null) WriteUrl(ownUrl, 1, null, page);
        page.Write("</file>\n</metalink>\n"u8);
        return page.WrittenSpan.ToArray();
    }

    /// <summary>The name under which the page is saved, as the value of Content-Disposition (RFC 6266, section 4.3; RFC
    /// 8187, section 3.2). aria2 would else save it as the file itself, and the file beside it.</summary>
    public static byte[] Disposition(Finding finding)
    {
        ArrayBufferWriter<byte> value = new();
        value.Write("attachment; filename*=UTF-8''"u8);
        foreach (byte letter in finding.LastPart)
        {
            bool plain = char.IsAsciiLetterOrDigit((char)letter) || letter is (byte)'-' or (byte)'.' or (byte)'_';
            if (plain) value.Write([letter]);
            else value.WriteText($"%{letter:X2}");
        }
        value.Write(".meta4"u8);
        return value.WrittenSpan.ToArray();
    }

    // RFC 5854, section 4.2.11.
    private static void WritePieces(ReadOnlySpan<byte> digests, ArrayBufferWriter<byte> page)
    {
        if (digests.IsEmpty) return;
        page.WriteText($"<pieces length=\"{Chunks.Bytes}\" type=\"sha-256\">\n");
        for (; !digests.IsEmpty; digests = digests[FileDigest.Length..])
        {
            page.Write("<hash>"u8);
            new FileDigest(digests).WriteHex(page);
            page.Write("</hash>\n"u8);
        }
        page.Write("</pieces>\n"u8);
    }

    private static void WriteUrl(byte[] url, int priority, string? country, ArrayBufferWriter<byte> page)
    {
        page.Write("<url priority=\""u8);
        page.WriteNumber(priority);
        if (country is not null)
        {
            page.Write("\" location=\""u8);
            Redirect.WriteCountry(country, page);
        }
        page.Write("\">"u8);
        WriteText(url, page);
        page.Write("</url>\n"u8);
    }

    // U+FFFE and U+FFFF are UTF-8, and no characters of XML 1.0 (section 2.2); a name may hold them.
    private static void WriteText(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> page)
    {
        while (true)
        {
            int none = text.IndexOf("\uFFFE"u8), alsoNone = text.IndexOf("\uFFFF"u8);
            int at = none < 0 ? alsoNone : alsoNone < 0 ? none : Math.Min(none, alsoNone);
            HtmlText.Write(at < 0 ? text : text[..at], page);
            if (at < 0) return;
            page.Write("\uFFFD"u8);
            text = text[(at + 3)..];
        }
    }
}
