using System.CommandLine;
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
            PolicyWords policy = new(parsed.GetValue(prefix)!, parsed.GetValue(replicas), parsed.GetValue(spread),
                [.. (parsed.GetValue(servers)?.Split(',') ?? []).Select(Id)]);
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            await publisher.SetPolicyAsync(policy, token);
            return Show(new VerbAnswer(parsed.GetValue(json)), [policy]);
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
            await publisher.SetPolicyAsync(new PolicyWords(parsed.GetValue(prefix)!, 0, false, []), token);
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
            return Show(new VerbAnswer(parsed.GetValue(json)), await publisher.PoliciesAsync(token));
        }));
        return verb;
    }

    private static int Show(VerbAnswer answer, IEnumerable<PolicyWords> policies) =>
        answer.PrintList(policies, one => $"{one.Prefix}  {one.Rule}", one =>
        [
            ("prefix", one.Prefix), ("replicas", (long)one.Replicas), ("spread", one.IsSpread),
            ("servers", one.Servers.Select(server => server.Value)),
        ]);

    private static ServerId Id(string text) => ServerId.TryCreate(text, out ServerId id) ? id : default;

    private static Argument<string> Prefix()
    {
        Argument<string> prefix = new("prefix")
        {
            Description = "What the names begin with, such as releases/; / for every name.",
            HelpName = "PREFIX",
        };
        prefix.Validators.Add(result =>
        {
            if (result.Tokens is not [var word] || PolicyWords.IsPrefix(word.Value)) return;
            result.AddError($"prefix wants the beginning of names, such as releases/, or /, not '"
                + $"{Table.Word(word.Value)}'.");
        });
        return prefix;
    }
}
