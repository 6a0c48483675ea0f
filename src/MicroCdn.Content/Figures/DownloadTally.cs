namespace MicroCdn.Content.Figures;

/// <summary>Counts what was sent of each file on each day, in bounded space; any thread.</summary>
/// <remarks>What counts is bytes against the size of the file: ten ranges that make up one download are one, and a
/// download that broke off in the middle is half of one. Of more names than are kept, the least counted are let go of,
/// many at once.</remarks>
/// <param name="most">Most names of one day.</param>
internal sealed class DownloadTally(int most = DownloadTally.MostNames)
{
    /// <summary>Most names of one day: about a megabyte.</summary>
    public const int MostNames = 10_000;

    /// <summary>Most days: a month.</summary>
    public const int MostDays = 31;

    private volatile bool _isReading;

    /// <summary>True while what was counted before a restart is still read.</summary>
    public bool IsReading
    {
        get => _isReading;
        set => _isReading = value;
    }

    private readonly Lock _lock = new();
    private readonly Dictionary<DateOnly, Dictionary<string, Entry>> _days = [];
    private long _changes;

    /// <summary>Counts bytes that were sent of a file.</summary>
    /// <param name="day">The day, UTC.</param>
    /// <param name="name">The file.</param>
    /// <param name="downloads">How much of a download that is.</param>
    /// <param name="bytes">How many bytes.</param>
    public void Add(DateOnly day, string name, double downloads, long bytes)
    {
        lock (_lock)
        {
            if (!_days.TryGetValue(day, out Dictionary<string, Entry>? names))
            {
                _days.Add(day, names = []);
                foreach (DateOnly old in _days.Keys.Where(one => one <= day.AddDays(-MostDays)).ToArray())
                {
                    _days.Remove(old);
                }
            }
            Entry entry = names.GetValueOrDefault(name);
            names[name] = new Entry(entry.Downloads + downloads, entry.Bytes + bytes, ++_changes);
            // So seldom that the sorting is not felt.
            if (names.Count <= most + (most / 4)) return;
            foreach (string least in names.OrderBy(one => one.Value.Downloads).Take(names.Count - most)
                .Select(one => one.Key).ToArray())
            {
                names.Remove(least);
            }
        }
    }

    /// <summary>The days of which something is known, the newest first.</summary>
    public DateOnly[] Days
    {
        get
        {
            lock (_lock) return [.. _days.Keys.OrderDescending()];
        }
    }

    /// <summary>What was counted on a day, the most first; at most as many as are kept.</summary>
    public (string Name, double Downloads, long Bytes)[] Of(DateOnly day)
    {
        lock (_lock)
        {
            return !_days.TryGetValue(day, out Dictionary<string, Entry>? names) ? []
                : [.. names.OrderByDescending(one => one.Value.Downloads)
                    .ThenBy(one => one.Key, StringComparer.Ordinal).Take(most)
                    .Select(one => (one.Key, one.Value.Downloads, one.Value.Bytes))];
        }
    }

    /// <summary>What was counted of a file on a day; null when nothing is kept of it.</summary>
    public (double Downloads, long Bytes)? Of(DateOnly day, string name)
    {
        lock (_lock)
        {
            return _days.TryGetValue(day, out Dictionary<string, Entry>? names)
                && names.TryGetValue(name, out Entry entry) ? (entry.Downloads, entry.Bytes) : null;
        }
    }

    /// <summary>The number of changes so far.</summary>
    public long Changes
    {
        get
        {
            lock (_lock) return _changes;
        }
    }

    /// <summary>What changed after a number of changes, the newest days first.</summary>
    /// <param name="after">That number.</param>
    /// <param name="latest">The number of changes so far.</param>
    public List<(DateOnly Day, string Name)> Since(long after, out long latest)
    {
        List<(DateOnly, string)> changed = [];
        lock (_lock)
        {
            latest = _changes;
            foreach (DateOnly day in _days.Keys.OrderDescending())
            {
                foreach ((string name, Entry entry) in _days[day])
                {
                    if (entry.Change > after) changed.Add((day, name));
                }
            }
        }
        return changed;
    }

    private readonly record struct Entry(double Downloads, long Bytes, long Change);
}
