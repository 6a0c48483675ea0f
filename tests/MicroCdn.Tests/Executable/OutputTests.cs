using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Executable;

public sealed class OutputTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(5L << 30, "5.0 GiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    public void A_size_is_written_in_binary_units(long bytes, string text) => Assert.Equal(text, Table.Size(bytes));

    [Fact]
    public void A_name_never_moves_the_cursor_of_a_terminal() =>
        Assert.Equal("a?[31m?b?größe", Table.Plain("a\u001b[31m\nb\u009bgröße"));

    [Theory]
    [InlineData(LogLevel.Information, "20:04:05 monitor: CS1 is alive\n")]
    [InlineData(LogLevel.Warning, "20:04:05 monitor: warning: CS1 is alive\n")]
    [InlineData(LogLevel.Error, "20:04:05 monitor: error: CS1 is alive\n")]
    public void A_log_entry_is_one_line_of_time_role_and_event(LogLevel level, string line) =>
        Assert.Equal(line, Write(level, "CS1 is alive"));

    [Fact]
    public void What_a_stranger_said_stays_within_its_line() =>
        Assert.Equal("20:04:05 monitor: told: OK?[2J?forged\n",
            Write(LogLevel.Information, "told: OK\u001b[2J\nforged"));

    private static string Write(LogLevel level, string message)
    {
        FakeTimeProvider time = new(new DateTimeOffset(2030, 1, 2, 20, 4, 5, TimeSpan.Zero));
        StringWriter output = new() { NewLine = "\n" };
        new LineLog(time).Write(
            new LogEntry<string>(level, "monitor", 0, message, null, (text, _) => text), null, output);
        return output.ToString();
    }
}
