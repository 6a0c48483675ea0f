using System.Globalization;
using MicroCdn.Logs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace MicroCdn;

/// <summary>Writes each log entry as one readable line: time, role, and what happened.</summary>
/// <param name="time">The clock.</param>
/// <param name="isJournal">True when the level stands before the line too, for journald.</param>
internal sealed class LineLog(TimeProvider time, bool isJournal = false) : ConsoleFormatter(RoleLog.FormatterName)
{
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
        string message = RoleLog.Cut(logEntry.Formatter(logEntry.State, logEntry.Exception));
        if (logEntry.Exception is { } exception) message += $" | {RoleLog.Cut(OnOneLine(exception))}";
        if (isJournal) textWriter.Write(Journal.Prefix(logEntry.LogLevel));
        // A message may quote a peer, and a terminal obeys whoever writes to it.
        textWriter.Write($"{at} {logEntry.Category}: {level}{Table.Plain(message)}\n");
    }

    // A second line would look like another event.
    private static string OnOneLine(Exception exception) => string.Join(" | ", exception.ToString().Split(
        '\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
