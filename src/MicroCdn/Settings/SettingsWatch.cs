using System.CommandLine;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Keys;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Settings;

/// <summary>Reads the settings again at SIGHUP and when one of their files changes.</summary>
/// <remarks>All parts are prepared before the first one takes effect: settings of which anything is wrong leave those
/// before in place, and the log says why.</remarks>
internal sealed partial class SettingsWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Reading _first;
    private readonly IReadOnlyList<Reload> _reloads;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _turn = new();
    private IReadOnlyList<SettingView> _known;
    private string _seen;
    private ParseResult _last;
    private IReadOnlyList<string> _files;

    /// <summary>Watches until it is disposed.</summary>
    /// <param name="first">What was read at the start.</param>
    /// <param name="reloads">What can be another while the process runs.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it says what it did.</param>
    public SettingsWatch(Reading first, IReadOnlyList<Reload> reloads, TimeProvider time, ILogger logger)
    {
        (_first, _reloads, _logger) = (first, reloads, logger);
        (_last, _files) = (first.Parsed, Files());
        (_known, _seen) = (EffectiveSettings.Of(first.Parsed), Look());
        _timer = time.CreateTimer(_ => LookAgain(), null, Interval, Interval);
    }

    /// <summary>Watches the settings of a command line for the roles that were built of it; null where there is
    /// none.</summary>
    public static SettingsWatch? Of(ParseResult? settings, RoleParts parts) =>
        settings is null || Reading.Of(settings) is not { } read ? null
            : new SettingsWatch(read, parts.Reloads, parts.Time, parts.Loggers.CreateLogger("settings"));

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <summary>Reads them again, whether they changed or not.</summary>
    public void ReadAgain()
    {
        lock (_turn)
        {
            try
            {
                _seen = Look();
                // One that is being written anew is away for a moment, and all that it said with it.
                if (_files.FirstOrDefault(file => !SettingsPlaces.IsThere(file)) is { } gone)
                    throw new SettingsException($"the settings file '{gone}' is gone.");
                Reading next = CommandLine.Read(_first.Root, _first.Words, _first.Places);
                if (next.Wrong is { } wrong) LogKept(wrong);
                else Take(next);
            }
            catch (Exception exception) when (exception is SettingsException or UnusableKeyFileException or IOException
                or UnauthorizedAccessException)
            {
                LogKept(exception.Message);
            }
        }
    }

    private void LookAgain()
    {
        try
        {
            lock (_turn)
            {
                if (Look() == _seen) return;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Told of by the reading.
        }
        ReadAgain();
    }

    private void Take(Reading next)
    {
        Action[] prepared = [.. _reloads.Select(reload => reload.Prepare(next.Parsed))];
        foreach (Action take in prepared) take();
        _last = next.Parsed;
        _files = [.. Files()];
        IReadOnlyList<SettingView> now = EffectiveSettings.Of(next.Parsed);
        HashSet<string> flags = [.. _reloads.SelectMany(reload => reload.Flags)];
        // What has to wait for a restart is said each time, as long as it waits.
        Dictionary<string, string> before = _known.ToDictionary(one => one.Flag, one => one.Value);
        string[] changed = [.. now.Where(one => before[one.Flag] != one.Value).Select(one => one.Flag)];
        string[] waiting = [.. changed.Where(flag => !flags.Contains(flag))];
        _known = [.. now.Select(one => waiting.Contains(one.Flag) ? one with { Value = before[one.Flag] } : one)];
        _first.Shown = _known;
        LogRead(changed.Length == waiting.Length ? "nothing changed that can while it runs"
            : $"changed: {string.Join(", ", changed.Where(flags.Contains))}");
        if (waiting.Length > 0) LogWaits(string.Join(", ", waiting));
    }

    // What tells one state of all files that count from another.
    private string Look() => string.Join('\n', Files()
        .Concat(_reloads.Select(reload => reload.FileOf?.Invoke(_last)).OfType<string>())
        .Select(file => new FileInfo(file)).Select(file =>
            file.Exists ? $"{file.FullName} {file.LastWriteTimeUtc.Ticks} {file.Length}" : file.FullName));

    private IReadOnlyList<string> Files() => _first.Places.Files(
        ConfigFlag.Of(_first.Parsed.CommandResult.Command) is { } config ? _first.Parsed.GetValue(config) : null);

    [LoggerMessage(7040, LogLevel.Information, "the settings were read again; {What}")]
    private partial void LogRead(string what);

    [LoggerMessage(7041, LogLevel.Warning, "these settings changed and count from the next start on: {Flags}")]
    private partial void LogWaits(string flags);

    [LoggerMessage(7042, LogLevel.Warning, "the settings before stay in use: {Reason}")]
    private partial void LogKept(string reason);
}

/// <summary>Settings that can be others while the process runs.</summary>
/// <param name="Flags">Their flags.</param>
/// <param name="Prepare">Makes of new settings what will be used, and returns what puts it into use; throws what a
/// start would.</param>
/// <param name="FileOf">A file besides those of settings at whose change all is read again, by the settings that
/// count.</param>
internal sealed record Reload(
    string[] Flags, Func<ParseResult, Action> Prepare, Func<ParseResult, string?>? FileOf = null);
