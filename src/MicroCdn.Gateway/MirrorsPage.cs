using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>A small page for people: where a file can be had, and who is left out and why.</summary>
internal static class MirrorsPage
{
    private const string Style = "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;"
        + "padding:0 1rem;color-scheme:light dark}code{overflow-wrap:anywhere}table{border-collapse:collapse}"
        + "th,td{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top;overflow-wrap:anywhere}";

    /// <summary>Fields that let the page load nothing and run nothing but its own style (CSP Level 3).</summary>
    public static byte[] Policy { get; } = Encoding.UTF8.GetBytes(
        "Content-Security-Policy: default-src 'none'; style-src 'sha256-"
        + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))
        + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n");

    /// <summary>Writes the page.</summary>
    public static byte[] Write(Finding finding)
    {
        ArrayBufferWriter<byte> page = new();
        page.Write("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"u8);
        page.Write("<meta name=\"viewport\" content=\"width=device-width\">\n<title>"u8);
        HtmlText.Write(finding.Name, page);
        page.WriteText($"</title>\n<style>{Style}</style>\n<h1><bdi>");
        HtmlText.Write(finding.Name, page);
        page.Write("</bdi></h1>\n<p>"u8);
        page.WriteNumber(finding.Entry.Size);
        page.Write(" bytes"u8);
        if (finding.LastModified is { } time) page.WriteText($", last changed {time}");
        if (!finding.Entry.Digest.IsNone)
        {
            page.Write("<br>SHA-256 <code>"u8);
            finding.Entry.Digest.WriteHex(page);
            page.Write("</code>"u8);
        }
        page.Write("\n"u8);
        WriteServers(finding, page);
        WriteNotOffered(finding, page);
        WriteMore(finding, page);
        return page.WrittenSpan.ToArray();
    }

    private static void WriteServers(Finding finding, ArrayBufferWriter<byte> page)
    {
        page.Write("<table>\n<tr><th>Server<th>Where<th>State<th>Copy\n"u8);
        foreach (Candidate candidate in finding.Servers)
        {
            Server server = candidate.Server;
            page.Write("<tr><td><bdi>"u8);
            WriteText(server.Id.Value, page);
            page.Write("</bdi><td><bdi>"u8);
            WriteText(string.Join(", ", new[] { server.Contact?.Zone, server.Contact?.Country }
                .Where(word => word is not null)), page);
            page.WriteText($"</bdi><td>{Finding.StateOf(server)}, load {server.Load}<td>");
            if (candidate.Exclusion != Exclusion.None)
            {
                WriteText($"left out: {Sentences.Of(candidate)}", page);
            }
            else if (finding.UrlOf(server) is { } url)
            {
                page.Write("<a href=\""u8);
                HtmlText.Write(url, page);
                page.Write("\">"u8);
                HtmlText.Write(url, page);
                page.Write("</a>"u8);
            }
            else page.Write("over the line protocol alone"u8);
            page.Write("\n"u8);
        }
        page.Write("</table>\n"u8);
        int more = finding.Entry.Count - finding.Servers.Count;
        if (more > 0) page.WriteText($"<p>and {more} more\n");
    }

    private static void WriteNotOffered(Finding finding, ArrayBufferWriter<byte> page)
    {
        if (finding.NotOffered.Count == 0) return;
        page.Write("<p>Not offered, since most servers hold other bytes:\n<ul>\n"u8);
        foreach (OtherCopy copy in finding.NotOffered)
        {
            page.Write("<li><bdi>"u8);
            WriteText(copy.Server.Id.Value, page);
            page.WriteText($"</bdi>: {copy.Size} bytes\n");
        }
        page.Write("</ul>\n"u8);
    }

    private static void WriteMore(Finding finding, ArrayBufferWriter<byte> page)
    {
        page.Write("<p>"u8);
        foreach ((string words, string more) in new[]
        {
            ("download", ""), ("Metalink", ".meta4"), ("sha256", ".sha256"), ("JSON", "?json"), ("why?", "?why"),
        })
        {
            if (more == ".sha256" && finding.Entry.Digest.IsNone) continue;
            ArrayBufferWriter<byte> path = new();
            finding.WritePath(more, path);
            page.Write("<a href=\""u8);
            HtmlText.Write(path.WrittenSpan, page);
            page.WriteText($"\">{words}</a>\n");
        }
    }

    private static void WriteText(string text, ArrayBufferWriter<byte> page) =>
        HtmlText.Write(Encoding.UTF8.GetBytes(text), page);
}
