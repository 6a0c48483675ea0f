using System.Net;
using MicroCdn.Network;
using MicroCdn.Origin;

namespace MicroCdn.Tests.Origin;

/// <summary>Which connection a request rides on, and what happens when there is none.</summary>
public sealed class OriginConnectionsTests
{
    private const string Hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    private static readonly IPAddress First = IPAddress.Parse("192.0.2.1"), Second = IPAddress.Parse("192.0.2.2");

    [Fact]
    public async Task A_connection_that_ended_between_two_requests_costs_nobody_an_answer()
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(Hello);
        });
        using OriginServer server = origin.Server();
        for (int i = 0; i < 20; i++) Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal(20, origin.Connections);
    }

    [Fact]
    public async Task A_connection_that_ends_upon_a_request_is_replaced_once_and_only_for_what_may_be_asked_twice()
    {
        await using ScriptedOrigin origin = new(
            async talk =>
            {
                await talk.HearAsync();
                await talk.SayAsync(Hello);
                await talk.HearAsync();
            },
            async talk =>
            {
                await talk.HearAsync();
                await talk.SayAsync(Hello);
                await talk.HearAsync();
            },
            async talk => await talk.HearAsync());
        using OriginServer server = origin.Server();
        Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal((1L, 2), (server.Counters.Repeated, origin.Connections));
        // The third try would be a second repetition.
        Assert.Equal(OriginFailure.Closed, (await server.FailAsync()).Failure);
        Assert.Equal((2L, 3), (server.Counters.Repeated, origin.Connections));
    }

    [Fact]
    public async Task What_may_not_be_asked_twice_never_rides_on_a_connection_that_was_used()
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server();
        await server.AskAsync();
        await server.AskAsync(ScriptedOrigin.Get(method: "POST"));
        Assert.Equal(2, origin.Connections);
        await server.AskAsync(ScriptedOrigin.Get(method: "DELETE"));
        await server.AskAsync();
        Assert.Equal(2, origin.Connections);
    }

    [Fact]
    public async Task An_answer_that_had_begun_is_not_asked_for_again()
    {
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(Hello);
            await talk.HearAsync();
            await talk.SayAsync("H");
        });
        using OriginServer server = origin.Server();
        await server.AskAsync();
        Assert.Equal(OriginFailure.Closed, (await server.FailAsync()).Failure);
        Assert.Equal((0L, 1), (server.Counters.Repeated, origin.Connections));
    }

    [Fact]
    public async Task An_idle_connection_is_closed_after_thirty_seconds()
    {
        TaskCompletionSource closed = new();
        await using ScriptedOrigin origin = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(Hello);
            await talk.HearCloseAsync();
            closed.SetResult();
        });
        using OriginServer server = origin.Server();
        await server.AskAsync();
        origin.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(1, server.IdleConnections);
        origin.Time.Advance(TimeSpan.FromSeconds(1));
        await closed.Task.WaitAsync(ScriptedOrigin.Bound);
    }

    [Fact]
    public async Task Who_finds_all_connections_in_use_waits_in_line_and_the_line_has_an_end()
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server(options => options with { MostConnections = 1, MostWaiting = 2 });
        using OriginExchange first = await server.SendAsync(ScriptedOrigin.Get(), default);
        Task<string> second = server.AskAsync();
        using CancellationTokenSource leaving = new();
        Task<OriginExchange> third = server.SendAsync(ScriptedOrigin.Get(), leaving.Token).AsTask();
        Assert.Equal(OriginFailure.Busy, (await server.FailAsync()).Failure);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        Task<string> fourth = server.AskAsync();
        Assert.Equal("hello", await first.RestAsync());
        Assert.Equal("200 hello", await second);
        Assert.Equal("200 hello", await fourth);
        Assert.False(server.IsLeftAlone);
        Assert.Equal(1, origin.Connections);
    }

    [Fact]
    public async Task Nobody_waits_in_line_for_longer_than_ten_seconds()
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server(options => options with { MostConnections = 1 });
        using OriginExchange first = await server.SendAsync(ScriptedOrigin.Get(), default);
        Task<OriginException> second = server.FailAsync();
        origin.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(OriginFailure.Busy, (await second).Failure);
        Assert.Equal("hello", await first.RestAsync());
        Assert.Equal("200 hello", await server.AskAsync());
    }

    [Fact]
    public async Task An_answer_that_nobody_reads_to_its_end_closes_its_connection_unless_the_end_has_come()
    {
        await using ScriptedOrigin origin = new(
            async talk =>
            {
                await talk.HearAsync();
                await talk.SayAsync(Hello);
                await talk.HearAsync();
                await talk.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello");
                await talk.HearCloseAsync();
            },
            talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server();
        using (await server.SendAsync(ScriptedOrigin.Get(), default))
        {
            // It lies in the buffer already, in one segment with its head.
        }
        using (await server.SendAsync(ScriptedOrigin.Get(), default)) Assert.Equal(1, server.Connections);
        Assert.Equal((0, 1), (server.Connections, origin.Connections));
        Assert.Equal("200 hello", await server.AskAsync());
    }

    [Fact]
    public async Task An_origin_that_fails_five_times_is_left_alone_until_a_trial_succeeds()
    {
        await using ScriptedOrigin origin = new(
            _ => Task.CompletedTask, _ => Task.CompletedTask, _ => Task.CompletedTask, _ => Task.CompletedTask,
            _ => Task.CompletedTask, talk => talk.AlwaysAsync(Hello));
        using OriginServer server = origin.Server();
        for (int i = 0; i < 5; i++) Assert.Equal(OriginFailure.Closed, (await server.FailAsync()).Failure);
        Assert.Equal(OriginFailure.Open, (await server.FailAsync()).Failure);
        Assert.Equal((5, true), (origin.Connections, server.IsLeftAlone));
        origin.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("200 hello", await server.AskAsync());
        Assert.False(server.IsLeftAlone);
        Assert.Equal(2, origin.Log.Lines.Length);
    }

    [Fact]
    public async Task Where_nothing_listens_it_is_unreachable()
    {
        ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        await origin.DisposeAsync();
        using OriginServer server = origin.Server(url: "http://127.0.0.1:9");
        OriginException failure = await server.FailAsync();
        Assert.Equal(OriginFailure.Unreachable, failure.Failure);
        Assert.Contains("nothing listens there", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_next_address_is_tried_at_once_when_one_refuses_and_the_one_that_failed_is_asked_last()
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        ScriptedDialer dialer = new(origin.Port, First, Second) { Refuses = { First } };
        using OriginServer server = origin.Server(dialer: dialer, url: "http://origin.example");
        Assert.Equal("200 hello", await server.AskAsync());
        Assert.Equal([First, Second], dialer.Dialed);
        await server.AskAsync(ScriptedOrigin.Get(method: "POST"));
        Assert.Equal([First, Second, Second], dialer.Dialed);
        origin.Time.Advance(TimeSpan.FromSeconds(31));
        await server.AskAsync(ScriptedOrigin.Get(method: "POST"));
        Assert.Equal([First, Second, Second, First, Second], dialer.Dialed);
    }

    [Fact]
    public async Task An_address_that_is_silent_has_a_head_start_of_300_milliseconds()
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        ScriptedDialer dialer = new(origin.Port, First, Second) { Ignores = { First } };
        using OriginServer server = origin.Server(dialer: dialer, url: "http://origin.example");
        Task<string> asking = server.AskAsync();
        await dialer.Ignored.WaitAsync(ScriptedOrigin.Bound);
        origin.Time.Advance(TimeSpan.FromMilliseconds(299));
        Assert.Equal([First], dialer.Dialed);
        origin.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("200 hello", await asking);
        Assert.Equal([First, Second], dialer.Dialed);
    }

    [Fact]
    public async Task An_origin_that_does_not_accept_fails_after_three_seconds()
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        ScriptedDialer dialer = new(origin.Port, First) { Ignores = { First } };
        using OriginServer server = origin.Server(dialer: dialer, url: "http://origin.example");
        Task<OriginException> failing = server.FailAsync();
        await dialer.Ignored.WaitAsync(ScriptedOrigin.Bound);
        origin.Time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(OriginFailure.ConnectTimeout, (await failing).Failure);
    }

    [Fact]
    public async Task A_name_that_comes_to_lead_to_a_metadata_service_is_not_followed()
    {
        IPAddress metadata = IPAddress.Parse("169.254.169.254");
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        ScriptedDialer dialer = new(origin.Port, First);
        using OriginServer server = origin.Server(dialer: dialer, url: "http://origin.example");
        await server.AskAsync();
        dialer.Addresses = [metadata];
        origin.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(OriginFailure.Forbidden, (await server.FailAsync(ScriptedOrigin.Get(method: "POST"))).Failure);
        Assert.Equal([First], dialer.Dialed);
        using OriginServer other = origin.Server(
            options => options with { Allowed = [IPNetwork.Parse("169.254.0.0/16")] }, dialer, "http://origin.example");
        Assert.Equal("200 hello", await other.AskAsync());
    }

    [Fact]
    public async Task A_name_server_that_is_away_takes_no_origin_along_that_was_known()
    {
        await using ScriptedOrigin origin = new(talk => talk.AlwaysAsync(Hello));
        ScriptedDialer dialer = new(origin.Port);
        using OriginServer server = origin.Server(dialer: dialer, url: "http://origin.example");
        Assert.Equal(OriginFailure.UnknownHost, (await server.FailAsync()).Failure);
        dialer.Addresses = [First];
        await server.AskAsync();
        dialer.Addresses = [];
        origin.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal("200 hello", await server.AskAsync(ScriptedOrigin.Get(method: "POST")));
        origin.Time.Advance(TimeSpan.FromMinutes(10));
        OriginException failure = await server.FailAsync(ScriptedOrigin.Get(method: "POST"));
        Assert.Equal(OriginFailure.UnknownHost, failure.Failure);
    }

    /// <summary>A network of documentation addresses, some of which lead to a scripted origin.</summary>
    private sealed class ScriptedDialer(int port, params IPAddress[] addresses) : IStreamDialer
    {
        private readonly TaskCompletionSource _ignored = new();

        public IPAddress[] Addresses { get; set; } = addresses;

        public HashSet<IPAddress> Refuses { get; } = [];

        public HashSet<IPAddress> Ignores { get; } = [];

        public List<IPAddress> Dialed { get; } = [];

        public Task Ignored => _ignored.Task;

        public ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => new(Addresses);

        public async ValueTask<Stream> DialAsync(IPEndPoint target, CancellationToken cancellationToken)
        {
            Dialed.Add(target.Address);
            if (Refuses.Contains(target.Address)) throw new IOException("nothing listens there");
            if (Ignores.Contains(target.Address))
            {
                TaskCompletionSource<Stream> never = new();
                using CancellationTokenRegistration leaving = cancellationToken.Register(() => never.TrySetCanceled());
                _ignored.TrySetResult();
                return await never.Task;
            }
            return await new StreamDialer().DialAsync(new IPEndPoint(IPAddress.Loopback, port), cancellationToken);
        }
    }
}
