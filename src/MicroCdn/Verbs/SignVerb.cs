using System.CommandLine;
using System.Net;
using System.Text;
using System.Text.Unicode;
using MicroCdn.Access;
using MicroCdn.Keys;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn sign</c>: makes a link that is good for a while.</summary>
internal static class SignVerb
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    public static Command Create()
    {
        Argument<string> target = new("link")
        {
            Description = "A URL, or a path that begins with '/', as it stands in links.", HelpName = "LINK",
        };
        Option<string?> keys = AccessFlags.KeyFlag();
        Option<TimeSpan> life = new("--for")
        {
            Description = "How long it is good.",
            HelpName = "TIME",
            DefaultValueFactory = _ => TimeSpan.FromHours(1),
            CustomParser = result => Flags.Read<TimeSpan>(result, "--for", "a time such as 90s, 1h or 7d",
                (string text, out TimeSpan time) => TimeText.TryParse(text, out time)
                    && time >= TimeSpan.FromSeconds(1) && time <= Longest),
        };
        Option<bool> isFolder = new("--folder")
        {
            Description = "Good for all that lies below the path, which ends in '/'.",
        };
        Option<IPNetwork[]> network = Flags.Networks("--network", "Good for clients of this network alone.");
        network.Arity = ArgumentArity.ExactlyOne;
        Option<bool> json = Flags.JsonLines();
        Command verb = new("sign", "Make a link that is good for a while, for paths with a rule 'signed'.")
        {
            target, keys, life, isFolder, network, json,
        };
        verb.SetAction(parsed => Sign(parsed.GetValue(target)!, parsed.GetValue(keys), parsed.GetValue(life),
            parsed.GetValue(isFolder), parsed.GetValue(network)!, parsed.GetValue(json)));
        return verb;
    }

    private static int Sign(
        string link, string? keyFile, TimeSpan life, bool isFolder, IPNetwork[] networks, bool isJson)
    {
        (string server, string path, string query) = Split(link);
        byte[] raw = Encoding.UTF8.GetBytes(path), decoded = new byte[raw.Length];
        if (!path.StartsWith('/') || link.Contains('#', StringComparison.Ordinal)
            || !RequestPath.TryRead(raw, decoded, out int length, out _) || !Utf8.IsValid(decoded.AsSpan(0, length))
            || (isFolder && (!path.EndsWith('/') || query.Length > 0)))
        {
            Messages.Say(isFolder ? $"'{Table.Word(link)}' is no path of a folder: it ends in '/', without a query"
                : $"'{Table.Word(link)}' is no link: a URL, or a path that begins with '/', without '..'");
            return ExitCode.Usage;
        }
        DateTimeOffset end = TimeProvider.System.GetUtcNow() + life;
        try
        {
            string signed = SignedLink.Sign(AccessFlags.ReadKeys(keyFile), Encoding.UTF8.GetString(decoded, 0, length),
                isFolder, end.ToUnixTimeSeconds(), networks is [var only] ? only : null, query);
            string whole = $"{server}{path}?{signed}";
            return new VerbAnswer(isJson).Print(
                whole, ("link", whole), ("expires", end.ToUnixTimeSeconds()), ("query", signed));
        }
        catch (Exception exception) when (exception is UnusableKeyFileException or ArgumentException)
        {
            Messages.Say(exception.Message);
            return ExitCode.Usage;
        }
    }

    private static (string Server, string Path, string Query) Split(string link)
    {
        int authority = link.StartsWith('/') ? -1 : link.IndexOf("://", StringComparison.Ordinal);
        int start = authority < 0 ? 0 : link.IndexOf('/', authority + 3);
        string server = start < 0 ? link : link[..start], rest = start < 0 ? "/" : link[start..];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        return question < 0 ? (server, rest, "") : (server, rest[..question], rest[(question + 1)..]);
    }
}
