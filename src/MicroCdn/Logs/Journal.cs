using Microsoft.Extensions.Logging;

namespace MicroCdn.Logs;

/// <summary>How systemd's journal learns what a line of the log is.</summary>
internal static class Journal
{
    /// <summary>True when the standard output is the journal's.</summary>
    /// <param name="stream">JOURNAL_STREAM: device and inode of the journal's socket (systemd.exec(5)). A program that
    /// was started by another one may have it, and another output.</param>
    /// <param name="output">What the standard output is, as /proc/self/fd tells.</param>
    public static bool Is(string? stream, string? output) => stream is not null
        && stream.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
        && output == $"socket:[{stream.AsSpan(colon + 1)}]";

    /// <summary>True when that of this process is.</summary>
    public static bool IsHere() => Is(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), Output());

    /// <summary>What stands before a line, which the journal takes away (sd-daemon(3)).</summary>
    public static string Prefix(LogLevel level) => level switch
    {
        LogLevel.Critical => "<2>",
        LogLevel.Error => "<3>",
        LogLevel.Warning => "<4>",
        LogLevel.Information => "<6>",
        _ => "<7>",
    };

    private static string? Output()
    {
        try
        {
            return new FileInfo("/proc/self/fd/1").LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
