using MicroCdn.Protocol;

namespace MicroCdn.Content.Figures;

/// <summary>What one index is told of downloads: what changed, as many lines in each telling as it takes, the newest
/// day first.</summary>
/// <remarks>Pure. An index that lost what it knew lost its connections too: on a new one everything is told again. What
/// is told is what counts when it is told, so that nothing goes back.</remarks>
internal sealed class ToldDownloads(DownloadTally tally, ServerId self, TimeProvider time)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMinutes(1);

    // All that was counted before the connection began goes last, a day at a time.
    private readonly Queue<DateOnly> _days = [];
    private readonly Queue<(DateOnly Day, string Name)> _before = [], _changed = [];
    private object? _connection;
    private long _told;
    private long _lookedAt;

    /// <summary>Most lines of the next telling, as the index said last.</summary>
    public int Room { private get; set; }

    /// <summary>The lines of the next telling.</summary>
    /// <param name="connection">Where it goes.</param>
    public IReadOnlyList<DownloadCount> Next(object connection)
    {
        // What is still read would count as changed, and wait for the next look.
        if (tally.IsReading) return [];
        if (!ReferenceEquals(connection, _connection)) Begin(connection);
        if (_changed.Count == 0 && time.GetElapsedTime(_lookedAt) >= LookInterval)
        {
            foreach (var changed in tally.Since(_told, out _told)) _changed.Enqueue(changed);
            _lookedAt = time.GetTimestamp();
        }
        List<DownloadCount> lines = [];
        while (lines.Count < Room && TryDequeue(out (DateOnly Day, string Name) next))
        {
            if (tally.Of(next.Day, next.Name) is not { } now) continue;
            lines.Add(new DownloadCount(self, next.Day, next.Name, (long)now.Downloads, now.Bytes));
        }
        return lines;
    }

    private void Begin(object connection)
    {
        (_connection, Room) = (connection, DownloadCount.UsualLines);
        (_told, _lookedAt) = (tally.Changes, time.GetTimestamp());
        _days.Clear();
        _before.Clear();
        _changed.Clear();
        foreach (DateOnly day in tally.Days) _days.Enqueue(day);
    }

    private bool TryDequeue(out (DateOnly Day, string Name) next)
    {
        while (!_changed.TryDequeue(out next) && !_before.TryDequeue(out next))
        {
            if (!_days.TryDequeue(out DateOnly day)) return false;
            foreach ((string name, _, _) in tally.Of(day)) _before.Enqueue((day, name));
        }
        return true;
    }
}
