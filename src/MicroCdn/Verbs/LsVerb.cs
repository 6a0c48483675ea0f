using System.CommandLine;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn ls</c>: lists the files that can be downloaded.</summary>
internal static class LsVerb
{
    public static Command Create()
    {
        IndexFlags index = new();
        Option<bool> json = Flags.Json();
        Command verb = new("ls", "List the files that can be downloaded.") { json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            using CdnClient client = new(index.Read(parsed));
            List<FileRow> rows = await client.ListFilesAsync(Messages.Say, token);
            rows.Sort((one, other) => string.CompareOrdinal(one.Name.Value, other.Name.Value));
            return Messages.Print(() =>
            {
                if (parsed.GetValue(json)) WriteJson(rows);
                else WriteTable(rows);
            });
        }));
        return verb;
    }

    private static void WriteTable(List<FileRow> rows)
    {
        int width = rows.Count == 0 ? 0 : rows.Max(row => Table.Size(row.Size).Length);
        using PlainLines output = new();
        foreach (FileRow row in rows)
        {
            output.WriteLine($"{Table.Size(row.Size).PadLeft(width)}  {row.Name.Value}");
        }
    }

    private static void WriteJson(List<FileRow> rows)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, Table.Json);
        writer.WriteStartArray();
        foreach (FileRow row in rows)
        {
            writer.WriteStartObject();
            writer.WriteString("name", row.Name.Value);
            writer.WriteNumber("size", row.Size);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.Flush();
        output.WriteByte((byte)'\n');
    }
}
