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
        IReadOnlyList<GivenSetting> given = Reading.Of(parsed)?.Given ?? [];
        return [.. Setting.Of(verb).Select(setting =>
        {
            OptionResult? result = parsed.GetResult(setting.Option);
            GivenSetting? source = given.FirstOrDefault(one => one.Option == setting.Option);
            bool isUsual = source is null && result is null or { Implicit: true };
            string from = source?.Source ?? (isUsual ? "default" : "command line");
            return new SettingView(verb.Name, setting.Key, setting.Flag,
                isUsual ? setting.Default : ValueOf(result, setting), from, setting.Option.Description ?? "");
        })];
    }

    private static string ValueOf(OptionResult? result, Setting setting)
    {
        Func<string, string> shown = Covered.GetValueOrDefault(setting.Flag, text => text);
        string words = string.Join(' ', result?.Tokens.Select(token => shown(token.Value)) ?? []);
        return !setting.IsSwitch ? words.Length > 0 ? words : "none" : result is null or { Implicit: true } ? "off"
            : result.GetValueOrDefault<bool>() ? "on" : "off";
    }
}
