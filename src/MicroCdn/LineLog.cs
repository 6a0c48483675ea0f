using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace MicroCdn;

/// <summary>Writes each log entry as one readable line: time, role, and what happened.</summary>
internal sealed class LineLog(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    private const string FormatterName = "microcdn";

    /// <summary>A logger factory for the server roles; lines go to standard output, and are dropped when nobody
    /// reads.</summary>
    public static ILoggerFactory CreateFactory() => LoggerFactory.Create(builder => builder
        .AddConsole(options =>
        {
            options.FormatterName = FormatterName;
            // A blocked terminal must not block a server.
            options.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        })
        .AddConsoleFormatter<LineLog, ConsoleFormatterOptions>());

    public LineLog() : this(TimeProvider.System)
    {
    }

    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string level = logEntry.LogLevel switch
        {
            LogLevel.Warning => "warning: ",
            LogLevel.Error or LogLevel.Critical => "error: ",
            _ => "",
        };
        string at = time.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        // A message may quote a peer, and a terminal obeys whoever writes to it.
        string message = Table.Plain(logEntry.Formatter(logEntry.State, logEntry.Exception));
        textWriter.WriteLine($"{at} {logEntry.Category}: {level}{message}");
        if (logEntry.Exception is not null) textWriter.WriteLine(logEntry.Exception);
    }
}
