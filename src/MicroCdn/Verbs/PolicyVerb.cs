using System.CommandLine;
using System.Globalization;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn policy</c>: how many copies there are to be of what lies below a prefix, and where.</summary>
internal static class PolicyVerb
{
    public static Command Create()
    {
        Command verb = new("policy", "Say how many copies there are to be of what lies below a prefix, and where.");
        verb.Subcommands.Add(CreateSet());
        verb.Subcommands.Add(CreateRemove());
        verb.Subcommands.Add(CreateList());
        return verb;
    }

    private static Command CreateSet()
    {
        Argument<string> prefix = Prefix();
        Option<int> replicas = Flags.Number("--replicas", 2, 1, Limits.Replicas, "How many copies there are to be.");
        Option<bool> spread = new("--zone-spread") { Description = "Have them in as many zones as there are." };
        Option<string?> servers = Flags.Text("--servers", "ID[,ID]...", "The servers that may have one; else all.",
            "ids of servers with commas between", text => text.Split(',').All(one => ServerId.TryCreate(one, out _)));
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("set", "Set the policy of a prefix; of several that fit a name the longest counts.")
        {
            prefix, replicas, spread, servers, keyFile, json,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            string named = string.Concat((parsed.GetValue(servers)?.Split(',') ?? []).Select(one => $" server={one}"));
            string words = string.Create(CultureInfo.InvariantCulture, $"replicas={parsed.GetValue(replicas)}")
                + (parsed.GetValue(spread) ? " spread=1" : "") + named;
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            await publisher.OrderAsync($"POLICY {PercentText.WordOf(parsed.GetValue(prefix)!)} {words}", token);
            return Show(new VerbAnswer(parsed.GetValue(json)), [(parsed.GetValue(prefix)!, words)]);
        }));
        return verb;
    }

    private static Command CreateRemove()
    {
        Argument<string> prefix = Prefix();
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("rm", "Take the policy of a prefix out.") { prefix, keyFile, json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            await publisher.OrderAsync($"POLICY {PercentText.WordOf(parsed.GetValue(prefix)!)}", token);
            return new VerbAnswer(parsed.GetValue(json)).Print(
                $"took out the policy of {parsed.GetValue(prefix)!}", ("removed", parsed.GetValue(prefix)));
        }));
        return verb;
    }

    private static Command CreateList()
    {
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("list", "List the policies, the longest prefix first.") { keyFile, json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            IReadOnlyList<string> lines = await publisher.OrderAsync("POLICIES", token);
            return Show(new VerbAnswer(parsed.GetValue(json)), lines.Select(line => line.Split(' ', 3))
                .Where(words => words is ["POLICY", _, _]).Select(words => (Decoded(words[1]), words[2])));
        }));
        return verb;
    }

    private static int Show(VerbAnswer answer, IEnumerable<(string Prefix, string Words)> policies) =>
        answer.PrintList(policies, one => $"{one.Prefix}  {one.Words}", one =>
        [
            ("prefix", one.Prefix), ("replicas", long.Parse(Values(one.Words, "replicas").FirstOrDefault("0"),
                CultureInfo.InvariantCulture)),
            ("spread", Values(one.Words, "spread").Contains("1")), ("servers", Values(one.Words, "server")),
        ]);

    private static IEnumerable<string> Values(string words, string key) => words.Split(' ')
        .Where(word => word.StartsWith($"{key}=", StringComparison.Ordinal)).Select(word => word[(key.Length + 1)..]);

    private static Argument<string> Prefix()
    {
        Argument<string> prefix = new("prefix")
        {
            Description = "What the names begin with, such as releases/; / for every name.",
            HelpName = "PREFIX",
        };
        prefix.Validators.Add(result =>
        {
            if (result.Tokens is not [var word]) return;
            string text = word.Value.EndsWith('/') ? word.Value[..^1] : word.Value;
            if (word.Value == "/" || FileName.TryCreate(text, out _)) return;
            result.AddError($"prefix wants the beginning of names, such as releases/, or /, not '"
                + $"{Table.Word(word.Value)}'.");
        });
        return prefix;
    }

    private static string Decoded(string word)
    {
        byte[] encoded = Encoding.UTF8.GetBytes(word), decoded = new byte[encoded.Length];
        return Encoding.UTF8.GetString(decoded, 0, PercentText.Decode(encoded, decoded));
    }
}
