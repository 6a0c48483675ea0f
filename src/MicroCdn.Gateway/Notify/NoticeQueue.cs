using MicroCdn.Index.Events;

namespace MicroCdn.Gateway.Notify;

/// <summary>What one target still has to be told: a place in the log of events, where they wait.</summary>
/// <remarks>
/// Of several indexes the one that writes tells. The others stay a little behind in their logs: when the writer dies
/// together with a server, whoever follows it begins with what the writer may not have told any more. That may be told
/// twice, and is not lost. An event that is a test goes past all that.
/// </remarks>
internal sealed class NoticeQueue(EventLog log, TimeProvider time)
{
    /// <summary>An older event is given up: it is no news any more.</summary>
    public static readonly TimeSpan LongestAge = TimeSpan.FromHours(1);

    /// <summary>How far back in time an index begins that becomes the writer: longer than that takes.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);

    private const int Step = 1_000;

    private readonly NoticeFilter _filter = new();
    private readonly List<FleetEvent> _waiting = [];
    private FleetEvent? _test;
    private long _place, _tested;

    /// <summary>Events that were given up, and those that the log had dropped before they were read.</summary>
    public long GivenUp { get; private set; }

    /// <summary>Events that are to be told, as far as the log was read.</summary>
    public int Waiting => _waiting.Count + (_test is null ? 0 : 1);

    /// <summary>Reads on in the log, and says what is to be told now; empty for nothing.</summary>
    /// <param name="leads">Whether this index tells.</param>
    /// <param name="most">Most events of the answer.</param>
    public IReadOnlyList<FleetEvent> Take(bool leads, int most)
    {
        FindTest();
        do GiveUp();
        while (Read(leads));
        int room = Math.Min(most, Notifier.MostTogether) - (_test is null ? 0 : 1);
        IEnumerable<FleetEvent> batch = _waiting.Take(room);
        return [.. _test is null ? batch : batch.Append(_test)];
    }

    /// <summary>These were told.</summary>
    public void Told(IReadOnlyList<FleetEvent> batch)
    {
        _waiting.RemoveAll(batch.Contains);
        if (_test is not null && batch.Contains(_test)) _test = null;
    }

    /// <summary>A test is tried once: who made it has been told what came of it.</summary>
    public void ForgetTest() => _test = null;

    /// <summary>Looks for a new test, which does not wait for its turn; of several the last one counts.</summary>
    /// <returns>True when there is one.</returns>
    public bool FindTest()
    {
        bool isNew = false;
        while (log.Since(_tested, Step, out _) is { Count: > 0 } events)
        {
            _tested = events[^1].Id;
            if (events.LastOrDefault(one => one.Kind == EventKind.Test) is not { } test) continue;
            (_test, isNew) = (test, true);
        }
        return isNew;
    }

    private void GiveUp()
    {
        DateTimeOffset now = time.GetUtcNow();
        GivenUp += _waiting.RemoveAll(one => now - one.Time > LongestAge);
        if (_test is not null && now - _test.Time > LongestAge) _test = null;
    }

    // True when there may be more to read.
    private bool Read(bool leads)
    {
        int room = Notifier.MostTogether - _waiting.Count;
        if (room == 0 || log.Since(_place, Step, out bool hasGap) is not { Count: > 0 } events) return false;
        if (hasGap && events[0].Id > _place) GivenUp += events[0].Id - _place - 1;
        DateTimeOffset passed = time.GetUtcNow() - Overlap;
        foreach (FleetEvent one in events)
        {
            if (room == 0 || (!leads && one.Time > passed)) return false;
            _place = one.Id;
            if (!_filter.Takes(one) || !leads) continue;
            _waiting.Add(one);
            room--;
        }
        return true;
    }
}
