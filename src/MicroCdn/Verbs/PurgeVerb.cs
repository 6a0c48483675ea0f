using System.CommandLine;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn purge</c>: has copies of origins used no more, on every content server.</summary>
internal static class PurgeVerb
{
    public static Command Create()
    {
        PurgeFlags flags = new();
        IndexFlags index = new();
        Option<bool> json = Flags.Json();
        Option<string?> keyFile = KeyFlags.File();
        Command verb = new("purge", "Have copies of origins used no more, on every content server.")
        {
            json, keyFile,
        };
        flags.AddTo(verb);
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            List<Purge> purges = flags.Read(parsed.CommandResult);
            Identity? self = KeyFile.Operator(KeyFlags.Choose(parsed.GetValue(keyFile), null));
            ClientOptions options = index.Read(parsed);
            IReadOnlyList<IndexEndPoint> indexes = options.Indexes.Count > 0 ? options.Indexes
                : [new IndexEndPoint(options.IndexHost, options.IndexPort)];
            List<PurgeResult> results = [];
            foreach (IndexEndPoint one in indexes)
            {
                results.AddRange(await PurgeClient.TellAsync(one, self, purges, token));
            }
            int printed = Messages.Print(() =>
            {
                if (parsed.GetValue(json)) WriteJson(results);
                else WriteTable(results);
            });
            return printed != ExitCode.Done ? printed : CodeOf(results);
        }));
        return verb;
    }

    // One that is away serves nobody, and applies it before it does.
    private static int CodeOf(List<PurgeResult> results)
    {
        int[] codes = [.. results.Select(result => result.Code).Distinct()];
        return codes.Length == 1 ? codes[0] : ExitCode.Partial;
    }

    private static void WriteTable(List<PurgeResult> results)
    {
        using PlainLines output = new();
        foreach (PurgeResult result in results)
        {
            if (result.Trouble is { } trouble) Messages.Say(trouble);
            else if (result.Servers.Count == 0) output.WriteLine($"{result.Purge}: no server asks for purges");
            foreach (PurgeReceipt server in result.Servers)
            {
                output.WriteLine($"{server.Id}  {result.Purge}: {server switch
                {
                    { State: PurgeAnswer.Purged } => $"purged in {server.Milliseconds} ms",
                    { State: PurgeAnswer.Away } => "away, purges it before it serves",
                    _ => "did not answer, purges it when it is back",
                }}");
            }
        }
    }

    private static void WriteJson(List<PurgeResult> results)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, Table.Json);
        writer.WriteStartArray();
        foreach (PurgeResult result in results)
        {
            if (result.Trouble is { } trouble) Messages.Say(trouble);
            writer.WriteStartObject();
            writer.WriteString("kind", result.Purge.KindWord);
            writer.WriteString("value", result.Purge.Value);
            writer.WriteBoolean("soft", result.Purge.IsSoft);
            writer.WriteString("index", result.Index);
            writer.WriteNumber("number", result.Number);
            writer.WriteString("trouble", result.Trouble);
            writer.WriteStartArray("servers");
            foreach (PurgeReceipt server in result.Servers)
            {
                writer.WriteStartObject();
                writer.WriteString("id", server.Id);
                writer.WriteString("state", server.State.ToString().ToLowerInvariant());
                if (server.State == PurgeAnswer.Purged) writer.WriteNumber("milliseconds", server.Milliseconds);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.Flush();
        output.WriteByte((byte)'\n');
    }
}
