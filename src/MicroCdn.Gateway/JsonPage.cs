using System.Text.Json;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>Everything that is known of a file and its servers, for programs.</summary>
internal static class JsonPage
{
    /// <summary>Writes the page.</summary>
    public static byte[] Write(Finding finding)
    {
        using MemoryStream page = new();
        using (Utf8JsonWriter json = new(page, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("name"u8, finding.Name);
            json.WriteBoolean("pulled"u8, finding.IsPulled);
            Write(json, finding.Entry.Size, finding.Entry.Digest);
            FileDigest root = finding.Entry.ChunkRoot;
            json.WriteString("chunks"u8, root.IsNone ? null : root.ToString());
            json.WriteString("lastModified"u8, finding.LastModified);
            if (finding.Chosen is { } chosen && finding.UrlOf(chosen) is { } url) json.WriteString("url"u8, url);
            else json.WriteNull("url"u8);
            json.WriteBoolean("relayed"u8, finding.Chosen is { } passed && finding.UrlOf(passed) is null);
            json.WriteNumber("holders"u8, finding.Entry.Count);
            json.WriteStartArray("servers"u8);
            foreach (Candidate candidate in finding.Servers) Write(json, finding, candidate);
            json.WriteEndArray();
            json.WriteStartArray("notOffered"u8);
            foreach (OtherCopy copy in finding.NotOffered) Write(json, copy);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        page.WriteByte((byte)'\n');
        return page.ToArray();
    }

    private static void Write(Utf8JsonWriter json, Finding finding, in Candidate candidate)
    {
        Server server = candidate.Server;
        json.WriteStartObject();
        json.WriteString("id"u8, server.Id.Value);
        json.WriteStartArray("urls"u8);
        foreach (byte[] url in finding.UrlsOf(server)) json.WriteStringValue(url);
        json.WriteEndArray();
        json.WriteString("state"u8, Finding.StateOf(server));
        json.WriteString("why"u8, server.Why.Length > 0 ? server.Why : null);
        json.WriteNumber("load"u8, server.Load);
        json.WriteNumber("score"u8, candidate.Score);
        json.WriteString("zone"u8, server.Contact?.Zone);
        json.WriteString("country"u8, server.Contact?.Country);
        json.WriteNumber("weight"u8, server.Contact?.Weight ?? Limits.UsualWeight);
        bool excluded = candidate.Exclusion != Exclusion.None;
        json.WriteString("excluded"u8, excluded ? Sentences.Of(candidate) : null);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, OtherCopy copy)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, copy.Server.Id.Value);
        Write(json, copy.Size, copy.Digest);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, long size, FileDigest digest)
    {
        if (size < 0) json.WriteNull("size"u8);
        else json.WriteNumber("size"u8, size);
        json.WriteString("sha256"u8, digest.IsNone ? null : digest.ToString());
    }
}
