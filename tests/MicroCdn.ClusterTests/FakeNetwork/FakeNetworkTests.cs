using System.Globalization;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>What the tests of clusters on the fake network share: one at a time, and a few seeds each.</summary>
/// <remarks>
/// One at a time, because the fake world waits until the whole process is idle. <c>MICROCDN_SEEDS=100</c> in the
/// environment runs each test with a hundred seeds instead of two.
/// </remarks>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FakeNetworkTests
{
    public const string Name = "clusters on the fake network";

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, Count)];

    private static int Count =>
        int.TryParse(Environment.GetEnvironmentVariable("MICROCDN_SEEDS"), CultureInfo.InvariantCulture, out int count)
            ? count : 2;
}
