using System.Buffers;
using System.Reflection;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content.Figures;

/// <summary>Gathers what this server tells its indexes of itself.</summary>
/// <param name="options">Who it is, and where its state is.</param>
/// <param name="incarnation">How often it was started.</param>
/// <param name="underWay">How many downloads are under way.</param>
internal sealed class OwnFigures(ContentOptions options, long incarnation, Func<int> underWay)
{
    // What stands behind the plus is the commit, which is for people who build it.
    private static readonly string? Version = typeof(OwnFigures).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];

    /// <summary>What is served over HTTP; null when nothing is.</summary>
    public ITraffic? Traffic { private get; set; }

    /// <summary>Bytes of files that were sent by line.</summary>
    public required Func<long> LineBytes { private get; init; }

    /// <summary>What was counted of downloads.</summary>
    public required DownloadTally Downloads { get; init; }

    /// <summary>Appends the lines of this moment.</summary>
    /// <param name="downloads">What is to be told of downloads.</param>
    /// <param name="lines">Where they are appended.</param>
    public void Write(IReadOnlyList<DownloadCount> downloads, IBufferWriter<byte> lines)
    {
        foreach (DownloadCount count in downloads) count.Write(lines);
        TrafficCounts counts = Traffic?.Now() ?? new TrafficCounts();
        foreach (OriginCounts origin in counts.Origins.Where(IsTold).Take(OriginFigures.MostOrigins))
        {
            new OriginFigures(options.Id, origin.Origin)
            {
                Hits = origin.Hits, Misses = origin.Misses, Failures = origin.Failures,
                FilledBytes = origin.FilledBytes, Down = origin.Down,
            }.Write(lines);
        }
        (long Free, long Size)? disk = FreeSpace.WithSize(options.State ?? options.Files);
        new ServerFigures(options.Id)
        {
            Incarnation = incarnation, Requests = counts.Requests, Errors = counts.Errors,
            Bytes = counts.Bytes + LineBytes(), Hits = counts.Hits, Misses = counts.Misses,
            CachedBytes = counts.CachedBytes, FilledBytes = counts.FilledBytes, ParentBytes = counts.ParentBytes,
            Downloads = underWay(),
            Version = Version, DiskFree = disk?.Free, DiskSize = disk?.Size, StoreBytes = counts.StoreBytes,
            CertificateEnds = options.CertificateEnds()?.ToUnixTimeSeconds(), AsksRoom = true,
        }.Write(lines);
    }

    private static bool IsTold(OriginCounts origin) =>
        Encoding.UTF8.GetByteCount(origin.Origin) <= OriginFigures.MostBytes;
}
