using System.Diagnostics.Metrics;
using System.Text;
using MicroCdn.Admin;
using MicroCdn.Network;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Admin;

/// <summary>A role that is nothing but what it measures, and what /metrics shows of it.</summary>
internal sealed class MeasuredRole(
    Action<Meter, bool> measure, Func<IEnumerable<WatchedHistogram>>? histograms = null) : IWatched
{
    public string? ServerName => null;

    public void Measure(Meter meter, bool inFull) => measure(meter, inFull);

    public IEnumerable<WatchedHistogram> Histograms() => histograms?.Invoke() ?? [];

    public IEnumerable<ReadyCheck> Checks() => [];

    /// <summary>The series of /metrics, as they stand there.</summary>
    public static async Task<string[]> SeriesOfAsync(IWatched role)
    {
        using Measurements measurements = new([role], new FakeTimeProvider());
        return [.. Encoding.UTF8.GetString(await measurements.PageAsync())
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')];
    }
}
