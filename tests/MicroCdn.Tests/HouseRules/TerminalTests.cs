namespace MicroCdn.Tests.HouseRules;

public sealed class TerminalTests
{
    // Where text is made harmless before it goes out.
    private static readonly string[] Doors = ["src/MicroCdn/Messages.cs", "src/MicroCdn/PlainLines.cs"];

    [Fact]
    public void Only_two_doors_lead_to_a_terminal() => Assert.DoesNotContain(
        Repository.Sources("src").Except(Doors), path => Array.Exists(Repository.Lines(path), line =>
            line.Contains("Console.WriteLine", StringComparison.Ordinal)
            || line.Contains("Console.Write(", StringComparison.Ordinal)
            || line.Contains("Console.Out", StringComparison.Ordinal)
            || line.Contains("new StreamWriter(Console", StringComparison.Ordinal)));

    [Fact]
    public void A_line_that_somebody_else_wrote_moves_no_cursor()
    {
        StringWriter output = new() { NewLine = "\n" };
        using (PlainLines lines = new(output)) lines.WriteLine("CS1\u001b[2J\rforged\nline\u009b");
        Assert.Equal("CS1?[2J?forged?line?\n", output.ToString());
    }

    [Theory]
    [InlineData(0, "1970-01-01T00:00:00Z"), InlineData(253_402_300_799, "9999-12-31T23:59:59Z")]
    [InlineData(-1, null), InlineData(253_402_300_800, null)]
    [InlineData(long.MaxValue, null), InlineData(long.MinValue, null)]
    public void A_time_that_is_none_is_told_as_none(long seconds, string? told) =>
        Assert.Equal(told, Table.Time(seconds));
}
