using MicroCdn.Protocol;

namespace MicroCdn.Content.Figures;

/// <summary>What one index is told of downloads: what changed, a few lines in each telling, the newest day
/// first.</summary>
/// <remarks>Pure. An index that lost what it knew lost its connections too: on a new one everything is told
/// again.</remarks>
internal sealed class ToldDownloads(DownloadTally tally, ServerId self, TimeProvider time)
{
    /// <summary>Most lines of one telling: with one each second 960 a minute.</summary>
    public const int MostLines = 16;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMinutes(1);

    // All that was counted before the connection began goes last: it may be hours of telling.
    private readonly Queue<DownloadCount> _before = [], _changed = [];
    private object? _connection;
    private long _told;
    private long? _lookedAt;

    /// <summary>The lines of the next telling.</summary>
    /// <param name="connection">Where it goes.</param>
    public IReadOnlyList<DownloadCount> Next(object connection)
    {
        if (!ReferenceEquals(connection, _connection))
        {
            (_connection, _told, _lookedAt) = (connection, 0, null);
            _before.Clear();
            _changed.Clear();
        }
        if (_changed.Count == 0 && (_lookedAt is not { } at || time.GetElapsedTime(at) >= LookInterval))
        {
            Queue<DownloadCount> waiting = _lookedAt is null ? _before : _changed;
            foreach (DownloadCount changed in tally.Since(self, _told, out _told)) waiting.Enqueue(changed);
            _lookedAt = time.GetTimestamp();
        }
        List<DownloadCount> lines = [];
        while (lines.Count < MostLines
            && (_changed.TryDequeue(out DownloadCount? next) || _before.TryDequeue(out next))) lines.Add(next);
        return lines;
    }
}
