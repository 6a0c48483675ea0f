using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Settings;

/// <summary>What counts for a role, and where it came from, for who asks a running one.</summary>
internal static class EffectiveSettings
{
    /// <summary>The settings of the verb that was read.</summary>
    public static IReadOnlyList<SettingView> Of(ParseResult parsed)
    {
        Command verb = parsed.CommandResult.Command;
        string? file = ConfigFlag.Of(verb) is { } config ? parsed.GetValue(config) : null;
        // What the file gave was put behind the verb as if it had been typed.
        HashSet<string> typed = [.. Environment.GetCommandLineArgs().Skip(1)
            .Select(word => word.Split('=')[0])];
        return [.. Setting.Of(verb).Select(setting =>
        {
            OptionResult? result = parsed.GetResult(setting.Option);
            bool isUsual = result is null or { Implicit: true };
            string source = isUsual ? "default" : typed.Contains(setting.Flag) ? "command line" : file ?? "file";
            return new SettingView(verb.Name, setting.Key, setting.Flag, isUsual ? setting.Default : ValueOf(result!),
                source, setting.Option.Description ?? "");
        })];
    }

    private static string ValueOf(OptionResult result)
    {
        string words = string.Join(' ', result.Tokens.Select(token => token.Value));
        return words.Length > 0 ? words : "on";
    }
}
