using System.CommandLine;

namespace MicroCdn.Verbs;

/// <summary>The flag that says whose pages may read what is answered over HTTP.</summary>
internal static class CorsFlag
{
    // A response's head must stay below 4 KiB, and this goes into it.
    private const int MostLetters = 256;

    /// <summary>A new one, for one verb.</summary>
    public static Option<string[]> Create() => new("--cors")
    {
        Description = "An origin whose pages may read the files, or * for all; repeatable.",
        HelpName = "ORIGIN",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token => Flags.Read<string>(
            result, token, "--cors", "* or an origin such as https://www.example.org", TryOrigin) ?? "")],
    };

    private static bool TryOrigin(string text, out string? origin)
    {
        origin = text;
        return text == "*" || (text.Length <= MostLetters && text.All(c => c is > ' ' and <= '~')
            && Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Host.Length > 0 && uri.UserInfo.Length == 0
            && uri.GetLeftPart(UriPartial.Authority) == text);
    }
}
