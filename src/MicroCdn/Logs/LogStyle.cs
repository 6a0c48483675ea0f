using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MicroCdn.Logs;

/// <summary>What a line of the log looks like.</summary>
internal enum LogStyle
{
    /// <summary>Time, role, and what happened, for people.</summary>
    Text,

    /// <summary>An object of JSON.</summary>
    Json,
}

/// <summary>Makes the log of the server roles.</summary>
internal static class RoleLog
{
    /// <summary>The name of whichever formatter there is.</summary>
    public const string FormatterName = "microcdn";

    /// <summary>The most characters of one text in a line; journald itself cuts lines at 48 KiB.</summary>
    public const int MostCharacters = 8 * 1024;

    /// <summary>Its factory; lines go to standard output, and are dropped when nobody reads.</summary>
    public static ILoggerFactory CreateFactory(LogStyle style) => LoggerFactory.Create(builder =>
    {
        bool isJournal = Journal.IsHere();
        builder.AddConsole(options =>
        {
            options.FormatterName = FormatterName;
            // A blocked terminal must not block a server.
            options.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
        builder.Services.AddSingleton<ConsoleFormatter>(style == LogStyle.Json
            ? new JsonLog(TimeProvider.System, isJournal) : new LineLog(TimeProvider.System, isJournal));
    });

    /// <summary>The beginning of a text that may be long.</summary>
    public static string Cut(string text) => text.Length <= MostCharacters ? text : $"{text[..MostCharacters]}...";
}
