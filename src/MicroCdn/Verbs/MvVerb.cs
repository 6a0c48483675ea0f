using System.CommandLine;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn mv</c>: gives what is published another name.</summary>
internal static class MvVerb
{
    public static Command Create()
    {
        Argument<FileName> old = PutFlags.Name("old", "The name until now.");
        Argument<FileName> name = PutFlags.Name("new", "The name from now on.");
        Option<bool> isForced = new("--force") { Description = "Replace what is published under the new name." };
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("mv", "Give what is published another name, at once; no byte moves.")
        {
            old, name, isForced, keyFile, json,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            (FileName from, FileName to) = (parsed.GetValue(old), parsed.GetValue(name));
            if (from == to)
            {
                Messages.Say("the old name and the new one are the same.");
                return ExitCode.Usage;
            }
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            long revision = await PutFlags.AboutAsync(
                from, publisher.MoveAsync(from, to, parsed.GetValue(isForced), token));
            return new VerbAnswer(parsed.GetValue(json)).Print(
                string.Create(CultureInfo.InvariantCulture, $"moved {from} to {to} (revision {revision})"),
                ("moved", from.Value), ("to", to.Value), ("revision", revision));
        }));
        return verb;
    }
}
