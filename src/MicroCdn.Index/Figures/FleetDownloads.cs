using MicroCdn.Protocol;

namespace MicroCdn.Index.Figures;

/// <summary>What content servers tell of downloads by file and day, added up; any thread.</summary>
/// <remarks>Each server tells what it counted on a day so far, so that what is told twice changes nothing. It is not
/// written down here: a server tells all of it again to an index that was started anew.</remarks>
/// <param name="most">Most names of all servers on one day.</param>
public sealed class FleetDownloads(int most = FleetDownloads.MostNames)
{
    /// <summary>Most names of all servers on one day; with every day full it is some 100 MB.</summary>
    public const int MostNames = 20_000;

    /// <summary>Most days.</summary>
    public const int MostDays = 31;

    private readonly Lock _lock = new();
    private readonly Dictionary<DateOnly, DayCounts> _days = [];

    /// <summary>The days of which something is known, the newest first.</summary>
    public IReadOnlyList<DateOnly> Days
    {
        get
        {
            lock (_lock) return [.. _days.Keys.OrderDescending()];
        }
    }

    /// <summary>What was downloaded on a day, the most first.</summary>
    public IReadOnlyList<DownloadSum> Of(DateOnly day)
    {
        DownloadCount[] counts;
        lock (_lock) counts = _days.TryGetValue(day, out DayCounts? told) ? [.. told.Names.Values] : [];
        return [.. counts.GroupBy(count => count.Name, StringComparer.Ordinal)
            .Select(same => new DownloadSum(day, same.Key, same.Sum(one => one.Count), same.Sum(one => one.Bytes)))
            .OrderByDescending(sum => sum.Count).ThenBy(sum => sum.Name, StringComparer.Ordinal)];
    }

    /// <summary>Takes what a server tells; false for a day that is not kept, or will only come.</summary>
    /// <param name="count">What it counted.</param>
    /// <param name="today">Today, UTC.</param>
    internal bool Take(DownloadCount count, DateOnly today)
    {
        // A server's clock may be ahead a little.
        if (count.Day > today.AddDays(1) || count.Day <= today.AddDays(-MostDays)) return false;
        lock (_lock)
        {
            if (!_days.TryGetValue(count.Day, out DayCounts? told))
            {
                _days.Add(count.Day, told = new DayCounts());
                foreach (DateOnly old in _days.Keys.Where(day => day <= today.AddDays(-MostDays)).ToArray())
                {
                    _days.Remove(old);
                }
            }
            Add(told, count);
        }
        return true;
    }

    private void Add(DayCounts told, DownloadCount count)
    {
        var names = told.Names;
        var key = (count.Name, count.Server);
        // What counts less than what was let go of would be let go of next.
        if (names.Count >= most && count.Count <= told.LetGoOf && !names.ContainsKey(key)) return;
        names[key] = count;
        // The least counted make room, many at once, so that the sorting is not felt.
        if (names.Count <= most + (most / 4)) return;
        foreach (DownloadCount least in names.Values.OrderBy(one => one.Count).ThenBy(one => one.Bytes)
            .Take(names.Count - most).ToArray())
        {
            names.Remove((least.Name, least.Server));
            told.LetGoOf = least.Count;
        }
    }

    private sealed class DayCounts
    {
        public Dictionary<(string Name, ServerId Server), DownloadCount> Names { get; } = [];

        // The count of the most counted that made room last.
        public long LetGoOf { get; set; }
    }
}

/// <summary>What all servers together sent of a file on a day.</summary>
/// <param name="Day">The day, UTC.</param>
/// <param name="Name">The file.</param>
/// <param name="Count">How often its bytes were sent whole.</param>
/// <param name="Bytes">Bytes that were sent of it.</param>
public sealed record DownloadSum(DateOnly Day, string Name, long Count, long Bytes);
