using MicroCdn.Origin;
using MicroCdn.Tests.HouseRules;

namespace MicroCdn.Tests.Origin;

/// <summary>docs/origins.md tells the failures as they are.</summary>
public sealed class OriginsPageTests
{
    [Fact]
    public void The_table_of_failures_is_the_one_in_the_code()
    {
        string[] expected = ["| failure | status | counts as an outage | meaning |", "|---|---|---|---|",
            .. OriginFailure.All.Select(failure =>
                $"| {failure.Word} | {failure.Status} | {(failure.IsOutage ? "yes" : "no")} | {failure.Meaning} |")];
        string[] shown = [.. Repository.Lines("docs/origins.md").SkipWhile(line => line != expected[0])
            .TakeWhile(line => line.StartsWith('|'))];
        Assert.True(expected.SequenceEqual(shown),
            $"docs/origins.md must hold this table:\n\n{string.Join('\n', expected)}\n");
    }
}
