using System.Diagnostics.Metrics;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

// What can be seen of the index while it runs.
public sealed partial class IndexRole : IWatched
{
    // By the server's id; those beyond are counted by state alone.
    private const int MostNamedServers = 200;

    /// <inheritdoc/>
    public string? ServerName => null;

    /// <summary>True while this index may write what is published; of several one may.</summary>
    public bool Leads => _scribe.Leads;

    /// <summary>Where the one that writes listens, when it is another and known.</summary>
    public string? Writer => _scribe.Leads ? null : _scribe.Writer;

    /// <inheritdoc/>
    public void Measure(Meter meter, bool inFull)
    {
        meter.CreateObservableGauge("microcdn.index.files", () => (long)Directory.Count, "{file}",
            "Files that some server has.");
        meter.CreateObservableGauge("microcdn.servers", CountServers, "{server}", "Content servers by their state.");
        meter.CreateObservableGauge("microcdn.server.available", () => Registered().Take(MostNamedServers).Select(
            server => new Measurement<int>(server.State < ServerState.Draining ? 1 : 0,
                new KeyValuePair<string, object?>("server", server.Id.ToString()))), "{server}",
            "1 for each content server that clients are sent to, 0 for one that is draining or dead.");
        meter.CreateObservableGauge("microcdn.published.files", () => Told(now => now.Tally.Names), "{file}",
            "Files that are published.");
        meter.CreateObservableGauge("microcdn.copies.wanted", () => Told(now => now.Tally.Wanted), "{copy}",
            "Copies that there should be of what is published.");
        meter.CreateObservableGauge("microcdn.copies.missing", () => Told(now => now.Missing), "{copy}",
            "Copies that are missing.");
        meter.CreateObservableGauge("microcdn.copies.making", () => Told(now => now.Making), "{copy}",
            "Copies that are being made.");
        meter.CreateObservableGauge("microcdn.copies.left", () => Told(now => now.BytesLeft), "By",
            "Bytes that are still to be copied.");
        meter.CreateObservableCounter("microcdn.routing.decisions", CountDecisions, "{decision}",
            "Clients that a server was chosen for, by what decided.");
        meter.CreateObservableGauge("microcdn.index.behind", () => Directory.Behind?.TotalSeconds ?? 0, "s",
            "For how long this index cannot tell whether it knows what is published; 0 when it can.");
    }

    /// <inheritdoc/>
    public IEnumerable<WatchedHistogram> Histograms() =>
    [
        WatchedHistogram.Of("microcdn.purge.duration", "How long a content server took to apply a purge.",
            new WatchedDurations(_purges.Times)),
    ];

    /// <inheritdoc/>
    public IEnumerable<ReadyCheck> Checks()
    {
        yield return new ReadyCheck("index", Directory.Behind is { } behind
            ? $"behind the others for {behind.TotalSeconds:0} s" : null);
    }

    private IEnumerable<Server> Registered() =>
        Directory.Servers.Where(server => server.Contact is not null && !server.IsRemembered && !server.IsRetired);

    private IEnumerable<Measurement<int>> CountServers()
    {
        int[] counts = new int[Enum.GetValues<ServerState>().Length];
        foreach (Server server in Registered()) counts[(int)server.State]++;
        return counts.Select((count, state) => new Measurement<int>(count,
            new KeyValuePair<string, object?>("state", ((ServerState)state).Text())));
    }

    private IEnumerable<Measurement<long>> CountDecisions()
    {
        long[] counts = Directory.Decisions;
        return Enum.GetValues<Decision>().Select(decision => new Measurement<long>(counts[(int)decision],
            new KeyValuePair<string, object?>("reason", decision.ToString().ToLowerInvariant())));
    }

    // Nothing as long as nothing was counted.
    private IEnumerable<Measurement<long>> Told(Func<HealState, long> figure) =>
        _healer.Progress.Now is { } now ? [new Measurement<long>(figure(now))] : [];
}
