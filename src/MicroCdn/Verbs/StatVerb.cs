using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn stat</c>: tells what is published under a name, and where it is.</summary>
internal static class StatVerb
{
    public static Command Create()
    {
        Argument<FileName> name = PutFlags.Name("name", "The name.");
        IndexFlags index = new();
        Option<bool> json = Flags.Json();
        Option<string?> keyFile = KeyFlags.File();
        Command verb = new("stat", "Tell what is published under a name, and which servers have it.")
        {
            name, json, keyFile,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            PublishedFile file = await PutFlags.AboutAsync(
                parsed.GetValue(name), publisher.StatAsync(parsed.GetValue(name), token));
            return Messages.Print(() =>
            {
                if (parsed.GetValue(json)) WriteJson(file);
                else WriteTable(file);
            });
        }));
        return verb;
    }

    private static void WriteTable(PublishedFile file)
    {
        using PlainLines output = new();
        output.WriteLine($"name      {file.Name.Value}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"size      {file.Size}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"revision  {file.Revision}"));
        output.WriteLine($"sha256    {file.Digest}");
        output.WriteLine($"modified  {Table.Time(file.UnixSeconds) ?? "unknown"}");
        string spread = file.IsSpread ? ", in as many zones as there are" : "";
        output.WriteLine($"copies    {file.Servers.Count} of {file.Copies}{spread}");
        foreach ((string id, string host, int port, string state) in file.Servers)
        {
            output.WriteLine($"server    {id} {host}:{port} {state}");
        }
    }

    private static void WriteJson(PublishedFile file)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, Table.Json);
        writer.WriteStartObject();
        writer.WriteString("name", file.Name.Value);
        writer.WriteNumber("size", file.Size);
        writer.WriteNumber("revision", file.Revision);
        writer.WriteString("sha256", file.Digest.ToString());
        writer.WriteString("modified", Table.Time(file.UnixSeconds));
        writer.WriteNumber("copies", file.Copies);
        writer.WriteBoolean("spread", file.IsSpread);
        writer.WriteStartArray("servers");
        foreach ((string id, string host, int port, string state) in file.Servers)
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteString("host", host);
            writer.WriteNumber("port", port);
            writer.WriteString("state", state);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        output.WriteByte((byte)'\n');
    }
}
