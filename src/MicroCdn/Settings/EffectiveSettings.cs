using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Notify;

namespace MicroCdn.Settings;

/// <summary>What counts for a role, and where it came from, for who asks a running one.</summary>
internal static class EffectiveSettings
{
    // A hook's URL is its key, and so may be a collector's, or an argument of a command.
    private static readonly Dictionary<string, Func<string, string>> Covered = new()
    {
        [NotifyFlags.Url] = WebTarget.NameOf, [NotifyFlags.Command] = CommandTarget.NameOf,
        ["--otlp"] = WebTarget.NameOf,
    };

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
        Func<string, string> shown = Covered.GetValueOrDefault(result.Option.Name, text => text);
        string words = string.Join(' ', result.Tokens.Select(token => shown(token.Value)));
        return words.Length > 0 ? words : "on";
    }
}
