using MicroCdn.Gateway.Notify;
using MicroCdn.Index.Events;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Notify;

public sealed class NoticeQueueTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly EventLog _log;

    public NoticeQueueTests()
    {
        _log = new EventLog(_time);
        Queue = new NoticeQueue(_log, _time);
    }

    private NoticeQueue Queue { get; }

    [Fact]
    public void A_server_that_dies_and_comes_back_is_told_and_all_between_is_not()
    {
        Server(Severity.Info, "CS1 is alive");
        Server(Severity.Warning, "CS1 is suspect");
        Server(Severity.Error, "CS1 is dead");
        Server(Severity.Error, "CS1 is dead, another one says");
        Server(Severity.Warning, "CS1 is suspect");
        Server(Severity.Info, "CS1 is returning");
        Server(Severity.Info, "CS1 is alive");
        Assert.Equal(["CS1 is dead", "CS1 is returning"], Texts(Queue.Take(true, 100)));
    }

    [Theory]
    [InlineData(EventKind.Copies, true), InlineData(EventKind.Origin, true), InlineData(EventKind.Disk, true)]
    [InlineData(EventKind.Certificate, true), InlineData(EventKind.Index, true), InlineData(EventKind.Test, true)]
    [InlineData(EventKind.Purge, false), InlineData(EventKind.Release, false), InlineData(EventKind.Policy, false)]
    [InlineData(EventKind.Token, false)]
    public void What_an_operator_did_the_operator_knows(EventKind kind, bool isTold)
    {
        _log.Add(kind, Severity.Info, "", "it happened");
        Assert.Equal(isTold, Queue.Take(true, 100).Count == 1);
    }

    [Fact]
    public void What_was_not_told_is_taken_again_with_what_came_since_and_at_most_a_hundred_together()
    {
        for (int n = 0; n < 150; n++) Add($"{n}");
        IReadOnlyList<FleetEvent> first = Queue.Take(true, 100);
        Assert.Equal(Enumerable.Range(0, 100).Select(n => $"{n}"), Texts(first));
        Assert.Equal(Texts(first), Texts(Queue.Take(true, 100)));
        Queue.Told(first);
        Add("last");
        Assert.Equal(Enumerable.Range(100, 50).Select(n => $"{n}").Append("last"), Texts(Queue.Take(true, 100)));
        Assert.Equal(["100"], Texts(Queue.Take(true, 1)));
    }

    [Fact]
    public void What_is_older_than_an_hour_is_given_up_and_counted()
    {
        for (int n = 0; n < 150; n++) Add($"{n}");
        Queue.Take(true, 100);
        _time.Advance(TimeSpan.FromMinutes(61));
        Add("new");
        Assert.Equal(["new"], Texts(Queue.Take(true, 100)));
        Assert.Equal((150, 1), (Queue.GivenUp, Queue.Waiting));
    }

    [Fact]
    public void What_the_log_has_dropped_is_counted_and_the_rest_is_told()
    {
        Add("first");
        Queue.Told(Queue.Take(true, 100));
        for (int n = 0; n < EventLog.Most + 7; n++) Add($"{n}");
        Assert.Equal("7", Texts(Queue.Take(true, 100))[0]);
        Assert.Equal(7, Queue.GivenUp);
    }

    [Fact]
    public void Of_several_indexes_the_one_that_writes_tells_and_who_follows_it_begins_a_little_before()
    {
        Server(Severity.Error, "CS1 is dead");
        _time.Advance(NoticeQueue.Overlap + TimeSpan.FromSeconds(1));
        Server(Severity.Error, "CS1 is dead, still");
        Add("copies are missing");
        Assert.Empty(Queue.Take(false, 100));
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Empty(Queue.Take(false, 100));
        Server(Severity.Info, "CS1 is alive");
        Assert.Equal(["copies are missing", "CS1 is alive"], Texts(Queue.Take(true, 100)));
    }

    [Fact]
    public void A_test_is_told_by_whoever_was_asked_at_once_and_once()
    {
        for (int n = 0; n < 2_500; n++) Add($"{n}");
        Test("tried");
        Assert.True(Queue.FindTest());
        Assert.False(Queue.FindTest());
        Assert.Equal(["tried"], Texts(Queue.Take(false, 100)));
        Assert.Equal("tried", Texts(Queue.Take(true, 100))[^1]);
        Assert.Equal(["tried"], Texts(Queue.Take(true, 1)));
        Queue.ForgetTest();
        Assert.Equal(["0"], Texts(Queue.Take(true, 1)));
    }

    [Theory]
    [InlineData(1, 1), InlineData(2, 2), InlineData(3, 4), InlineData(9, 256), InlineData(10, 300)]
    [InlineData(int.MaxValue, 300)]
    public void Who_cannot_be_told_is_left_alone_twice_as_long_each_time_up_to_5_minutes(int failures, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Backoff.After(failures));

    private void Server(Severity severity, string text) => _log.Add(EventKind.Server, severity, "CS1", text);

    private void Add(string text) => _log.Add(EventKind.Copies, Severity.Warning, "", text);

    private void Test(string text) => _log.Add(EventKind.Test, Severity.Info, "", text);

    private static string[] Texts(IReadOnlyList<FleetEvent> events) => [.. events.Select(one => one.Text)];
}
