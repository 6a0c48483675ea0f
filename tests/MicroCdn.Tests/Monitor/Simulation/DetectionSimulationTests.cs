using System.Globalization;

namespace MicroCdn.Tests.Monitor.Simulation;

// Issue 4, Proof: a deterministic simulator over the real deciding code. One seed again:
// MICROCDN_SEED=17 artifacts/bin/MicroCdn.Tests/release/MicroCdn.Tests -class '*DetectionSimulationTests'
public sealed class DetectionSimulationTests
{
    private const int Parts = 10;
    private const int SeedsPerPart = 100;

    public static TheoryData<int> AllParts => [.. Enumerable.Range(0, Parts)];

    [Theory, MemberData(nameof(AllParts))]
    public void Nobody_who_is_well_is_removed_and_everything_heals_in_a_hundred_seeds(int part)
    {
        string? one = Environment.GetEnvironmentVariable("MICROCDN_SEED");
        int first = one is null ? part * SeedsPerPart : int.Parse(one, CultureInfo.InvariantCulture);
        int last = one is null ? first + SeedsPerPart : first + 1;
        for (int seed = first; seed < last; seed++)
        {
            if (Scenario.Play(seed, out _) is { } wrong) Assert.Fail(wrong);
        }
    }

    [Fact]
    public void The_same_seed_is_the_same_trace()
    {
        Scenario.Play(7, out ulong first);
        Scenario.Play(7, out ulong second);
        Scenario.Play(8, out ulong other);
        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
    }
}
