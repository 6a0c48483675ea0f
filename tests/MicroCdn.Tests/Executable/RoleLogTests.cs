using System.Text.Json;
using MicroCdn.Logs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Executable;

// One event is one line, whatever was said in it, as text, as JSON and for the journal.
public sealed partial class RoleLogTests
{
    private static readonly FakeTimeProvider Time = new(new DateTimeOffset(2030, 1, 2, 20, 4, 5, 678, TimeSpan.Zero));

    [Fact]
    public void An_object_has_time_level_category_event_message_and_the_values_by_name()
    {
        string line = Written(new JsonLog(Time, isJournal: false), log => LogSeen(log, "CS1", 7, true));
        Assert.Equal("""
            {"time":"2030-01-02T20:04:05.678Z","level":"warning","category":"index","event":9901,
            "message":"CS1 has 7 files, new: True","values":{"server":"CS1","files":7,"isNew":true}}
            """.Replace("\n", "", StringComparison.Ordinal) + "\n", line);
    }

    [Theory]
    [InlineData("a\r\nb\u001b[2J\0\u0085\u009b\u2028\u2029\"\\{\"x\":1}")]
    [InlineData("größe \U0001F600")]
    [InlineData("half \uD83D")]
    public void What_a_stranger_said_stays_one_line_and_one_value(string said)
    {
        string line = Written(new JsonLog(Time, isJournal: false), log => LogSeen(log, said, 0, false));
        Assert.Equal('\n', line[^1]);
        Assert.DoesNotContain(line[..^1], one => char.IsControl(one) || one is '\u2028' or '\u2029');
        using JsonDocument json = JsonDocument.Parse(line);
        Assert.Equal(said.Replace('\uD83D', '\uFFFD').Length, json.RootElement.GetProperty("values")
            .GetProperty("server").GetString()!.Replace("\U0001F600", "\uFFFD\uFFFD").Length);
        string text = Written(new LineLog(Time), log => LogSeen(log, said, 0, false));
        Assert.DoesNotContain(text[..^1], char.IsControl);
    }

    [Fact]
    public void An_exception_stands_on_the_line_of_its_event_and_a_long_one_is_cut()
    {
        Exception broken = Thrown(new string('x', 20_000));
        string text = Written(new LineLog(Time), log => LogBroke(log, broken));
        Assert.StartsWith("20:04:05 index: error: it broke | System.InvalidOperationException: xxx", text,
            StringComparison.Ordinal);
        Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
        Assert.InRange(text.Length, RoleLog.MostCharacters, RoleLog.MostCharacters + 200);
        Assert.Contains(" | at ", Written(new LineLog(Time), log => LogBroke(log, Thrown("y"))),
            StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(
            Written(new JsonLog(Time, isJournal: false), log => LogBroke(log, Thrown("y"))));
        Assert.Contains("\n   at ", json.RootElement.GetProperty("exception").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LogLevel.Critical, "<2>")]
    [InlineData(LogLevel.Error, "<3>")]
    [InlineData(LogLevel.Warning, "<4>")]
    [InlineData(LogLevel.Information, "<6>")]
    [InlineData(LogLevel.Debug, "<7>")]
    public void The_journal_is_told_the_level_before_the_line(LogLevel level, string prefix)
    {
        Assert.StartsWith($"{prefix}{{\"time\"", Written(new JsonLog(Time, true), log => LogRuns(log, level)),
            StringComparison.Ordinal);
        Assert.StartsWith($"{prefix}20:04:05 index: ",
            Written(new LineLog(Time, true), log => LogRuns(log, level)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8:4711", "socket:[4711]", true)]
    [InlineData("8:4711", "socket:[4712]", false)]
    [InlineData("8:4711", "pipe:[4711]", false)]
    [InlineData("8:4711", "/dev/pts/1", false)]
    [InlineData("8:4711", null, false)]
    [InlineData("4711", "socket:[4711]", false)]
    [InlineData("", "socket:[]", false)]
    [InlineData(null, "socket:[4711]", false)]
    public void The_journal_reads_it_when_its_socket_is_the_output(string? stream, string? output, bool isJournal) =>
        Assert.Equal(isJournal, Journal.Is(stream, output));

    [LoggerMessage(9901, LogLevel.Warning, "{Server} has {Files} files, new: {IsNew}")]
    private static partial void LogSeen(ILogger logger, string server, int files, bool isNew);

    [LoggerMessage(9902, LogLevel.Error, "it broke")]
    private static partial void LogBroke(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 9903, Message = "it runs")]
    private static partial void LogRuns(ILogger logger, LogLevel level);

    private static string Written(ConsoleFormatter formatter, Action<ILogger> say)
    {
        Output output = new(formatter);
        say(output);
        return output.Text.ToString();
    }

    private static InvalidOperationException Thrown(string message)
    {
        try
        {
            throw new InvalidOperationException(message);
        }
        catch (InvalidOperationException exception)
        {
            return exception;
        }
    }

    private sealed class Output(ConsoleFormatter formatter) : ILogger
    {
        public StringWriter Text { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> write) => formatter.Write(
                new LogEntry<TState>(logLevel, "index", eventId, state, exception, write), null, Text);
    }
}
