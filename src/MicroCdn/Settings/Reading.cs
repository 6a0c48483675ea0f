using System.CommandLine;
using System.Runtime.CompilerServices;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Settings;

/// <summary>A command line that was read, with what environment and files gave to it.</summary>
/// <param name="Root">The verbs.</param>
/// <param name="Words">What was typed.</param>
/// <param name="Places">Where else was looked.</param>
/// <param name="Parsed">All of it, as the verb reads it.</param>
/// <param name="Given">What was not typed.</param>
/// <param name="Wrong">One sentence when something is wrong, else null.</param>
internal sealed record Reading(RootCommand Root, string[] Words, SettingsPlaces Places, ParseResult Parsed,
    IReadOnlyList<GivenSetting> Given, string? Wrong)
{
    // A verb is handed the parser's result alone.
    private static readonly ConditionalWeakTable<ParseResult, Reading> All = [];

    /// <summary>What counts now, where it was read again; null for what was read first.</summary>
    public IReadOnlyList<SettingView>? Shown
    {
        get => Volatile.Read(ref _shown);
        set => Volatile.Write(ref _shown, value);
    }

    private IReadOnlyList<SettingView>? _shown;

    /// <summary>Remembers it for as long as the parser's result lives.</summary>
    public static Reading Keep(Reading reading)
    {
        All.AddOrUpdate(reading.Parsed, reading);
        return reading;
    }

    /// <summary>The reading that a verb's result comes from; null for one that was parsed without any.</summary>
    public static Reading? Of(ParseResult parsed) => All.TryGetValue(parsed, out Reading? reading) ? reading : null;
}
