using System.CommandLine;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn rm</c>: has a name published no more.</summary>
internal static class RmVerb
{
    public static Command Create()
    {
        Argument<FileName> name = new("name")
        {
            Description = "The name that is to be published no more.",
            HelpName = "NAME",
            CustomParser = result => Flags.Read<FileName>(
                result, "name", "a relative path without '..', at most 1,024 bytes", FileName.TryCreate),
        };
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("rm", "Have a name published no more, on every server.") { name, keyFile, json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            FileName removed = parsed.GetValue(name);
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            long revision = await PutFlags.AboutAsync(
                removed, publisher.RemoveAsync(removed, match: 0, token));
            return new VerbAnswer(parsed.GetValue(json)).Print(
                string.Create(CultureInfo.InvariantCulture, $"removed {removed} (revision {revision})"),
                ("removed", removed.Value), ("revision", revision));
        }));
        return verb;
    }
}
