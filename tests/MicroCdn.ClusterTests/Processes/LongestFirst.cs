using MicroCdn.ClusterTests.Tools;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(MicroCdn.ClusterTests.Processes.LongestFirst))]

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Begins with the classes that take longest, so that none of them is left to run alone at the end.</summary>
/// <remarks>Four classes run side by side. What is not named here takes less than half a minute.</remarks>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        nameof(HonestLatencyTests), nameof(ContentTests), nameof(ScenarioTests), nameof(KilledPutTests),
        nameof(PublishTests), nameof(ForeignIndexTests), nameof(ForeignClientTests), nameof(SeveralMonitorsTests),
        nameof(StartTests), nameof(DownloadTests), nameof(ForeignServerTests),
        nameof(KilledClientTests), nameof(PublishingPagesTests), nameof(Aria2Tests), nameof(LargeFileTests),
        nameof(RecordCrashTests), nameof(ClientPackageTests), nameof(SlowSecureReaderTests),
        nameof(SlowPlainReaderTests), nameof(CacheFleetTests), nameof(PulledFleetTests), nameof(LossTests),
        nameof(IdleReaderTests), nameof(PullThroughAttackTests), nameof(FullPublishDiskTests), nameof(CrashTests),
        nameof(CachingPackageTests), nameof(SeveralIndexesTests), nameof(PullThroughTests), nameof(AdminPortTests),
        nameof(PausingReaderTests), nameof(CacheConformanceTests),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(
        IReadOnlyCollection<TTestCollection> testCollections) where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(PlaceOf)];

    private static int PlaceOf<TTestCollection>(TTestCollection collection) where TTestCollection : ITestCollection
    {
        int place = Array.FindIndex(Longest, name =>
            collection.TestCollectionDisplayName.Contains($".{name} ", StringComparison.Ordinal));
        return place < 0 ? Longest.Length : place;
    }
}
