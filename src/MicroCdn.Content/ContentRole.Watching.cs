using System.Diagnostics.Metrics;
using MicroCdn.Network;

namespace MicroCdn.Content;

// What can be seen of the content server while it runs.
public sealed partial class ContentRole : IWatched, IDownloadCounts
{
    /// <inheritdoc/>
    public string? ServerName => _options.Id.ToString();

    /// <inheritdoc/>
    public void Measure(Meter meter, bool inFull)
    {
        meter.CreateObservableGauge("microcdn.content.files",
            () => (long)_keeper.Library.Count + _blobs.Published.Count, "{file}", "Files that this server serves.");
        meter.CreateObservableGauge("microcdn.content.transfers", () => _openFiles.Active, "{transfer}",
            "Files that are being sent.");
        meter.CreateObservableGauge("microcdn.published.capacity", () => _blobs.Room.Capacity, "By",
            "Bytes that this server may keep of what is published.");
        meter.CreateObservableGauge("microcdn.published.free", () => _blobs.Room.Free, "By",
            "Bytes that this server may still take of what is published.");
        if (!inFull) return;
        meter.CreateObservableGauge("microcdn.content.fetches", () => _orders.Fetching, "{file}",
            "Files that are fetched from other servers, or wait for it.");
    }

    /// <inheritdoc/>
    public IReadOnlyList<DownloadRow> Downloads(DateOnly day) => [.. _counted.Tally.Of(day)
        .Select(one => new DownloadRow(one.Name, (long)one.Downloads, one.Bytes))];

    /// <inheritdoc/>
    public IEnumerable<ReadyCheck> Checks()
    {
        yield return new ReadyCheck("files", _isScanned ? null : "the folder is still being read");
        yield return new ReadyCheck("state", _health.Trouble);
        int waiting = Volatile.Read(ref _catchingUp);
        yield return new ReadyCheck("purges", waiting > 0 ? $"{waiting} indexes have not told their purges" : null);
    }
}
