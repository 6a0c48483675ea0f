using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Gateway.Notify;
using MicroCdn.Index.Events;
using MicroCdn.Tests.Admin;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Notify;

public sealed class NotifierTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 2, 3, 4, 5, 678, TimeSpan.Zero));
    private readonly LogBook _log = new();
    private readonly EventLog _events;
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _running = [];

    public NotifierTests() => _events = new EventLog(_time);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [Fact]
    public async Task One_event_is_an_object_and_several_are_a_list_for_each_target_at_its_own_pace()
    {
        Target quick = new("quick"), slow = new("slow");
        Notifier notifier = Start(quick, slow);
        _events.Add(EventKind.Copies, Severity.Warning, "CS\"1", "8 copies are missing");
        JsonElement one = await quick.HearAsync(null);
        Assert.Equal(JsonValueKind.Object, one.ValueKind);
        Assert.Equal(["id", "time", "kind", "severity", "subject", "text", "index"],
            one.EnumerateObject().Select(member => member.Name));
        Assert.Equal("2030-01-02T03:04:05.678Z copies warning CS\"1 8 copies are missing i:5050", string.Join(' ',
            one.EnumerateObject().Skip(1).Select(member => member.Value.GetString())));
        Assert.Equal(_events.Latest, one.GetProperty("id").GetInt64());
        _events.Add(EventKind.Disk, Severity.Error, "CS2", "no room");
        Assert.Equal("no room", (await quick.HearAsync(null)).GetProperty("text").GetString());
        _events.Add(EventKind.Disk, Severity.Info, "CS2", "room again");
        await quick.HearAsync(null);
        await slow.HearAsync(null);
        JsonElement both = await slow.HearAsync(null);
        Assert.Equal(["no room", "room again"],
            both.EnumerateArray().Select(item => item.GetProperty("text").GetString()!));
        await UntilAsync(() => notifier.Status.All(status => status.Told == 3));
    }

    [Fact]
    public async Task Who_cannot_be_told_is_tried_again_and_the_log_says_so_once()
    {
        Target target = new("hook");
        Notifier notifier = Start(target);
        _events.Add(EventKind.Disk, Severity.Error, "CS2", "no room");
        await target.HearAsync("it answered 503");
        for (int tries = 1; tries < 4; tries++) await HearLaterAsync(notifier, target, tries, "it answered 503");
        await UntilAsync(() => notifier.Status[0].LastFailure == _time.GetUtcNow());
        Assert.Equal(("it answered 503", 1, 0L),
            (notifier.Status[0].Trouble, notifier.Status[0].Waiting, notifier.Status[0].Told));
        await HearLaterAsync(notifier, target, 4, null);
        await UntilAsync(() => notifier.Status[0].Told == 1);
        Assert.Equal((null, 0), (notifier.Status[0].Trouble, notifier.Status[0].Waiting));
        Assert.Equal(["hook cannot be told what happens, trying on: it answered 503",
            "hook is told what happens again; given up since the start: 0 events"], _log.Lines);
    }

    [Fact]
    public async Task A_test_does_not_wait_for_the_end_of_a_pause_and_its_outcome_can_be_seen()
    {
        Target target = new("hook");
        Notifier notifier = Start(target);
        _events.Add(EventKind.Disk, Severity.Error, "CS2", "no room");
        await target.HearAsync("it answered 503");
        _events.Add(EventKind.Test, Severity.Info, "", "a test");
        Assert.Equal(2, (await target.HearAsync("it answered 500")).GetArrayLength());
        await UntilAsync(() => notifier.Status[0].Tests == 1);
        NotifyTargetView status = notifier.Status[0];
        Assert.Equal(("hook", "it answered 500", 1), (status.Target, status.Trouble, status.Waiting));
    }

    [Fact]
    public async Task A_target_that_breaks_ends_nobody()
    {
        Target target = new("hook");
        Notifier notifier = Start(target);
        _events.Add(EventKind.Disk, Severity.Error, "CS2", "no room");
        await target.BreakAsync(new InvalidOperationException("broken"));
        await UntilAsync(() => notifier.Status[0].Trouble == "broken");
        await HearLaterAsync(notifier, target, 1, null);
        Assert.False(_running[0].IsCompleted);
    }

    [Fact]
    public async Task What_was_told_given_up_and_waits_is_shown_for_each_target_and_two_of_one_name_are_one()
    {
        Target[] targets = [new("hook"), new("hook"), new("other")];
        Notifier notifier = Start(targets);
        _events.Add(EventKind.Disk, Severity.Error, "CS2", "no room");
        await targets[0].HearAsync(null);
        await targets[1].HearAsync("it answered 503");
        await targets[2].HearAsync(null);
        await UntilAsync(() => notifier.Status.Sum(status => status.Told) == 2
            && notifier.Status[1].LastFailure is not null);
        string[] waits = await MeasuredRole.SeriesOfAsync(notifier);
        Assert.Contains("microcdn_notify_told_total{target=\"hook\"} 1", waits);
        Assert.Contains("microcdn_notify_waiting{target=\"hook\"} 1", waits);
        Assert.Contains("microcdn_notify_waiting{target=\"other\"} 0", waits);
        _time.Advance(NoticeQueue.LongestAge + TimeSpan.FromSeconds(1));
        await UntilAsync(() => notifier.Status[1].GivenUp == 1);
        string[] lost = await MeasuredRole.SeriesOfAsync(notifier);
        Assert.Contains("microcdn_notify_given_up_total{target=\"hook\"} 1", lost);
        Assert.Contains("microcdn_notify_given_up_total{target=\"other\"} 0", lost);
        Assert.Contains("microcdn_notify_waiting{target=\"hook\"} 0", lost);
    }

    private Notifier Start(params Target[] targets)
    {
        Notifier notifier = new(_events, targets, "i:5050", () => true, _time, _log);
        _running.Add(notifier.RunAsync(_end.Token));
        return notifier;
    }

    private async Task<JsonElement> HearLaterAsync(Notifier notifier, Target target, int failures, string? answer)
    {
        await UntilAsync(() => notifier.Status[0].LastFailure == _time.GetUtcNow());
        // The pause may not have begun when the time passes: then it passes again.
        for (int tries = 0; tries < 100 && !target.IsAsked; tries++)
        {
            _time.Advance(Backoff.After(failures));
            SpinWait.SpinUntil(() => target.IsAsked, TimeSpan.FromMilliseconds(300));
        }
        Assert.True(target.IsAsked, "it was not told again");
        return await target.HearAsync(answer);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(30));
        while (!holds())
        {
            late.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class Target(string name) : INotifyTarget
    {
        private readonly Channel<(byte[] Json, TaskCompletionSource<string?> Answer)> _heard =
            Channel.CreateUnbounded<(byte[], TaskCompletionSource<string?>)>();

        public string Name => name;

        public int MostTogether => 100;

        public async Task<string?> TellAsync(
            IReadOnlyList<FleetEvent> events, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
        {
            TaskCompletionSource<string?> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _heard.Writer.TryWrite((json.ToArray(), answer));
            return await answer.Task.WaitAsync(cancellationToken);
        }

        public bool IsAsked => _heard.Reader.Count > 0;

        public async Task<JsonElement> HearAsync(string? answer)
        {
            (byte[] json, TaskCompletionSource<string?> waits) = await _heard.Reader.ReadAsync();
            waits.SetResult(answer);
            return JsonDocument.Parse(Encoding.UTF8.GetString(json)).RootElement;
        }

        public async Task BreakAsync(Exception exception) =>
            (await _heard.Reader.ReadAsync()).Answer.SetException(exception);
    }
}
