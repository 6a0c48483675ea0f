using System.CommandLine;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Network;
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
            List<PurgeOutcome> results = [];
            foreach (IndexEndPoint one in indexes) results.AddRange(await TellAsync(one, self, purges, token));
            int printed = Messages.Print(() =>
            {
                if (parsed.GetValue(json)) WriteJson(results);
                else WriteTable(results);
            });
            return printed != ExitCode.Done ? printed : CodeOf(results);
        }));
        return verb;
    }

    // What comes behind one that failed is not told: an operator looks first.
    private static async Task<List<PurgeOutcome>> TellAsync(
        IndexEndPoint index, Identity? self, List<Purge> purges, CancellationToken token)
    {
        string place = $"{index.Host}:{index.Port}";
        Purger purger = new(index.Host, index.Port, self, new TcpDialer(TimeProvider.System), TimeProvider.System);
        List<PurgeOutcome> results = [];
        foreach (Purge purge in purges)
        {
            try
            {
                PurgeResult result = await purger.PurgeAsync(purge, null, token);
                results.Add(new PurgeOutcome(place, purge, result, result.IsLate ? ExitCode.Partial : ExitCode.Done));
            }
            catch (CdnException exception)
            {
                results.Add(new PurgeOutcome(place, purge, new PurgeResult(0, []), ExitCode.Of(exception.Failure))
                {
                    Trouble = exception.Message,
                });
                if (exception.Failure != CdnFailure.Refused) break;
            }
        }
        return results;
    }

    // One that is away serves nobody, and applies it before it does.
    private static int CodeOf(List<PurgeOutcome> results)
    {
        int[] codes = [.. results.Select(result => result.Code).Distinct()];
        return codes.Length == 1 ? codes[0] : ExitCode.Partial;
    }

    private static void WriteTable(List<PurgeOutcome> results)
    {
        using PlainLines output = new();
        foreach (PurgeOutcome result in results)
        {
            if (result.Trouble is { } trouble) Messages.Say(trouble);
            else if (result.Result.Servers.Count == 0) output.WriteLine($"{result.Purge}: no server asks for purges");
            foreach (PurgedServer server in result.Result.Servers)
            {
                output.WriteLine($"{server.Id}  {result.Purge}: {server switch
                {
                    { Answer: PurgeAnswer.Purged } => $"purged in {server.Milliseconds} ms",
                    { Answer: PurgeAnswer.Away } => "away, purges it before it serves",
                    _ => "did not answer, purges it when it is back",
                }}");
            }
        }
    }

    private static void WriteJson(List<PurgeOutcome> results)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, Table.Json);
        writer.WriteStartArray();
        foreach (PurgeOutcome result in results)
        {
            if (result.Trouble is { } trouble) Messages.Say(trouble);
            writer.WriteStartObject();
            writer.WriteString("kind", result.Purge.KindWord);
            writer.WriteString("value", result.Purge.Value);
            writer.WriteBoolean("soft", result.Purge.IsSoft);
            writer.WriteString("index", result.Index);
            writer.WriteNumber("number", result.Result.Number);
            writer.WriteString("trouble", result.Trouble);
            writer.WriteStartArray("servers");
            foreach (PurgedServer server in result.Result.Servers)
            {
                writer.WriteStartObject();
                writer.WriteString("id", server.Id);
                writer.WriteString("state", server.Answer.ToString().ToLowerInvariant());
                if (server.Answer == PurgeAnswer.Purged) writer.WriteNumber("milliseconds", server.Milliseconds);
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

/// <summary>What became of one purge at one index.</summary>
/// <param name="Index">The index.</param>
/// <param name="Purge">What was to be purged.</param>
/// <param name="Result">What the servers did.</param>
/// <param name="Code">The exit code that it stands for.</param>
internal sealed record PurgeOutcome(string Index, Purge Purge, PurgeResult Result, int Code)
{
    /// <summary>One sentence when it was refused; else null.</summary>
    public string? Trouble { get; init; }
}
