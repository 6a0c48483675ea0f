using MicroCdn.Index.Events;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index.Events;

public sealed class EventLogTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddSeconds(1_000));
    private readonly EventLog _log;

    public EventLogTests() => _log = new EventLog(_time);

    [Fact]
    public void Who_saw_an_event_is_told_those_after_it()
    {
        Add(5);
        IReadOnlyList<FleetEvent> all = _log.Since(0, 100, out bool hasGap);
        Assert.Equal(["e0", "e1", "e2", "e3", "e4"], all.Select(one => one.Text));
        Assert.False(hasGap);
        Assert.Equal(["e3", "e4"], _log.Since(all[2].Id, 100, out hasGap).Select(one => one.Text));
        Assert.False(hasGap);
        Assert.Empty(_log.Since(_log.Latest, 100, out hasGap));
        Assert.False(hasGap);
    }

    [Fact]
    public void Of_many_events_the_newest_are_kept_and_who_was_away_learns_of_the_gap()
    {
        Add(1);
        long first = _log.Latest;
        Add(EventLog.Most + 1);
        IReadOnlyList<FleetEvent> kept = _log.Since(first, int.MaxValue, out bool hasGap);
        Assert.True(hasGap);
        Assert.Equal(EventLog.Most, kept.Count);
        Assert.Equal($"e{EventLog.Most}", kept[^1].Text);
        _log.Since(kept[0].Id - 1, 1, out hasGap);
        Assert.False(hasGap);
    }

    [Fact]
    public void A_later_process_goes_on_with_greater_numbers_and_says_that_something_is_missing()
    {
        Add(3);
        _time.Advance(TimeSpan.FromSeconds(1));
        EventLog later = new(_time);
        later.Add(EventKind.Index, Severity.Info, "", "begun");
        Assert.Equal("begun", Assert.Single(later.Since(_log.Latest, 10, out bool hasGap)).Text);
        Assert.True(hasGap);
        Assert.True(later.Latest > _log.Latest);
    }

    [Fact]
    public void A_number_that_is_yet_to_come_gets_all_that_there_is()
    {
        Add(2);
        Assert.Equal(2, _log.Since(_log.Latest + 1, 10, out bool hasGap).Count);
        Assert.True(hasGap);
    }

    [Fact]
    public void What_is_too_long_is_cut()
    {
        _log.Add(EventKind.Test, Severity.Info, "", new string('x', 5_000));
        Assert.Equal(EventLog.MostTextLetters, _log.Since(0, 1, out _)[0].Text.Length);
    }

    private void Add(int count)
    {
        for (int i = 0; i < count; i++) _log.Add(EventKind.Test, Severity.Info, "", $"e{i}");
    }
}
