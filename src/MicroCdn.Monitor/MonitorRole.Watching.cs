using System.Diagnostics.Metrics;
using MicroCdn.Network;

namespace MicroCdn.Monitor;

// What can be seen of the monitor while it runs.
public sealed partial class MonitorRole : IWatched
{
    // By the server's id; of more servers than this the age of their heartbeats is not told.
    private const int MostNamedServers = 200;

    /// <inheritdoc/>
    public string? ServerName => null;

    /// <inheritdoc/>
    public void Measure(Meter meter, bool inFull)
    {
        meter.CreateObservableGauge("microcdn.monitor.servers", CountServers, "{server}",
            "Content servers that this monitor watches, by what it believes of them.");
        meter.CreateObservableGauge("microcdn.heartbeat.age", () => _watch.Silences().Take(MostNamedServers).Select(
            silence => new Measurement<double>(silence.Age.TotalSeconds,
                new KeyValuePair<string, object?>("server", silence.Server.ToString()))), "s",
            "How long ago each content server was heard last.");
    }

    /// <inheritdoc/>
    public IEnumerable<WatchedHistogram> Histograms() =>
    [
        WatchedHistogram.Of("microcdn.detection.duration",
            "How long a server had not been heard when it was called dead.",
            new WatchedDurations(_watch.Detections)),
    ];

    /// <inheritdoc/>
    public IEnumerable<ReadyCheck> Checks() => [new ReadyCheck("monitor", null)];

    private Measurement<int>[] CountServers()
    {
        Row[] rows = _watch.Rows();
        int alive = rows.Count(row => row.IsAlive);
        return [Count(alive, "alive"), Count(rows.Length - alive, "dead")];

        static Measurement<int> Count(int count, string state) =>
            new(count, new KeyValuePair<string, object?>("state", state));
    }
}
