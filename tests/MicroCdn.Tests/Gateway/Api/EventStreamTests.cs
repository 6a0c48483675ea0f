using System.Text;
using MicroCdn.Gateway.Api;
using MicroCdn.Index.Events;
using MicroCdn.Network;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Api;

public sealed class EventStreamTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly CancellationTokenSource _end = new();
    private readonly EventLog _log;
    private readonly EventStreams _streams;
    private Task _running = Task.CompletedTask;
    private bool _mayListen = true;
    private int _measured;

    public EventStreamTests()
    {
        _log = new EventLog(_time);
        _streams = new EventStreams(_log, () => Encoding.ASCII.GetBytes($"{{\"n\":{++_measured}}}"), _time);
    }

    public ValueTask InitializeAsync()
    {
        _running = _streams.RunAsync(_end.Token);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    [Fact]
    public void Who_listens_hears_each_event_once_and_the_figures_once_a_second()
    {
        _log.Add(EventKind.Server, Severity.Info, "CS1", "old");
        Listener listener = new(_streams.Open(_log.Latest, () => _mayListen)!);
        Assert.Equal("retry: 1000\n\n", listener.Read());
        _log.Add(EventKind.Server, Severity.Error, "CS1", "dead");
        Assert.Equal(1, listener.Woken);
        string told = listener.Read();
        Assert.StartsWith($"event: change\nid: {_log.Latest}\ndata: {{\"id\":{_log.Latest},", told);
        Assert.EndsWith("\"kind\":\"server\",\"severity\":\"error\",\"subject\":\"CS1\",\"text\":\"dead\"}\n\n", told);
        Assert.Equal("", listener.Read());
        Tick();
        Assert.Equal("event: now\ndata: {\"n\":1}\n\n", listener.Read());
        Assert.Equal("", listener.Read());
    }

    [Fact]
    public void Who_was_away_is_told_what_is_left_and_that_some_is_missing()
    {
        _log.Add(EventKind.Test, Severity.Info, "", "first");
        long seen = _log.Latest;
        for (int i = 0; i <= EventLog.Most; i++) _log.Add(EventKind.Test, Severity.Info, "", $"e{i}");
        Listener listener = new(_streams.Open(seen, () => true)!);
        StringBuilder all = new();
        for (string piece; (piece = listener.Read()).Length > 0;) all.Append(piece);
        string text = all.ToString();
        Assert.Equal(1, Count(text, "event: gap\n"));
        Assert.Equal(EventLog.Most, Count(text, "event: change\n"));
        Assert.DoesNotContain("\"e0\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_events_come_in_pieces_and_nothing_of_them_is_lost()
    {
        string letters = new('x', EventLog.MostTextLetters);
        for (int i = 0; i < 40; i++) _log.Add(EventKind.Test, Severity.Info, letters, $"{i} {letters}");
        Listener listener = new(_streams.Open(_log.Latest - 40, () => true)!);
        StringBuilder all = new();
        for (string piece; (piece = listener.Read()).Length > 0;)
        {
            all.Append(piece);
        }
        Assert.Equal(40, Count(all.ToString(), "\n\nevent: change\n"));
    }

    [Fact]
    public void Who_may_not_listen_any_more_is_cut_off_within_a_second()
    {
        Listener listener = new(_streams.Open(0, () => _mayListen)!);
        listener.Read();
        _mayListen = false;
        Tick();
        Assert.True(SpinWait.SpinUntil(() => listener.Woken > 0, TimeSpan.FromSeconds(30)));
        listener.Read();
        Assert.True(listener.IsOver);
    }

    [Fact]
    public void So_many_may_listen_and_one_more_when_one_leaves()
    {
        EventStream[] open = [.. Enumerable.Range(0, EventStreams.Most).Select(_ => _streams.Open(0, () => true)!)];
        Assert.Null(_streams.Open(0, () => true));
        open[7].Dispose();
        Assert.NotNull(_streams.Open(0, () => true));
    }

    [Fact]
    public void Figures_of_before_somebody_came_are_not_told_as_those_of_now()
    {
        Listener first = new(_streams.Open(0, () => true)!);
        first.Read();
        Tick();
        Listener second = new(_streams.Open(0, () => true)!);
        Assert.Equal("retry: 1000\n\n", second.Read());
    }

    private void Tick()
    {
        int before = _measured;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(SpinWait.SpinUntil(() => _measured > before, TimeSpan.FromSeconds(30)));
        // The streams are woken behind it.
        Assert.True(SpinWait.SpinUntil(() => _streams.Now.Number == _measured, TimeSpan.FromSeconds(30)));
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    // Takes what a stream tells as a connection does.
    private sealed class Listener
    {
        private readonly byte[] _buffer = new byte[4 * Answer.PieceBytes];
        private readonly SharedAnswer _shared;

        public Listener(EventStream stream)
        {
            _shared = new SharedAnswer(new Answer(new BufferPool(), () => { }), () => Woken++);
            _shared.Answer.SendList(stream);
        }

        public int Woken { get; private set; }

        public bool IsOver => _shared.IsText;

        public string Read() => Encoding.UTF8.GetString(_buffer, 0, _shared.Read(_buffer));
    }
}
