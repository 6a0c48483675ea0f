using MicroCdn.Api;
using MicroCdn.Client;

namespace MicroCdn.Tests.Executable.Api;

public sealed class LogsFollowerTests
{
    private readonly Hasty _time = new();
    private readonly List<string> _said = [];

    [Fact]
    public async Task Whoever_follows_hears_each_event_once_when_the_index_comes_back()
    {
        Queue<Func<HttpResponseMessage>> answers = new(
        [
            () => Stream(7, 8), () => throw new HttpRequestException("Connection refused"), () => Stream(9),
        ]);
        AnsweringIndex index = new(_ => answers.Dequeue()());
        using ApiClient client = new(new Uri("http://127.0.0.1:8081"), null, null, index);
        using LogsFollower follower = new(client, 6, _said.Add, _time);
        Assert.Equal(7, (await follower.NextAsync(CancellationToken.None)).Id);
        Assert.Equal(8, (await follower.NextAsync(CancellationToken.None)).Id);
        Assert.Equal(9, (await follower.NextAsync(CancellationToken.None)).Id);
        Assert.Equal(["GET /api/v1/events?since=6", "GET /api/v1/events?since=8", "GET /api/v1/events?since=8"],
            index.Asked);
        Assert.Equal(2, _said.Count);
        Assert.Contains("it ended the stream of events", _said[0], StringComparison.Ordinal);
        Assert.Equal("the index tells again what happens.", _said[1]);
    }

    [Fact]
    public async Task What_is_missing_is_said_and_who_may_not_listen_is_told_so()
    {
        Queue<Func<HttpResponseMessage>> answers = new(
        [
            () => AnsweringIndex.Answer(200, "event: gap\ndata: {}\n\n" + Event(9), "text/event-stream"),
        ]);
        AnsweringIndex index = new(_ => answers.Count > 0 ? answers.Dequeue()() : AnsweringIndex.Answer(401, ""));
        using ApiClient client = new(new Uri("http://127.0.0.1:8081"), null, null, index);
        using LogsFollower follower = new(client, 6, _said.Add, _time);
        Assert.Equal(9, (await follower.NextAsync(CancellationToken.None)).Id);
        Assert.Equal("some events are not remembered any more, and are missing here.", _said.Single());
        Assert.Equal(CdnFailure.Refused, (await Assert.ThrowsAsync<CdnException>(
            () => follower.NextAsync(CancellationToken.None))).Failure);
    }

    private static HttpResponseMessage Stream(params long[] ids) => AnsweringIndex.Answer(200,
        $"retry: 1000\n\nevent: now\ndata: {{}}\n\n{string.Concat(ids.Select(Event))}", "text/event-stream");

    private static string Event(long id) => $"event: change\nid: {id}\ndata: {{\"id\":{id},"
        + "\"time\":\"2026-11-29T12:00:00Z\",\"kind\":\"server\",\"severity\":\"info\",\"subject\":\"\","
        + "\"text\":\"x\"}\n\n";

    // The pause of a second before it asks again is over at once, and silence never lasts too long.
    private sealed class Hasty : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state,
                dueTime == TimeSpan.FromSeconds(1) ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, period);
    }
}
