using MicroCdn.Client;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Api.Endpoints;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway.Api;

public sealed class ListeningTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _end = new();
    private readonly ApiWorld _world;
    private Func<ApiCall, Task<ApiAnswer>> _listen = _ => throw new InvalidOperationException();
    private Task _running = Task.CompletedTask;

    public ListeningTests() => _world = new ApiWorld(new ApiRoute("GET", "/events", "", call => _listen(call)));

    public ValueTask InitializeAsync()
    {
        TcpDialer dialer = new(_world.Time);
        Steering steering = new()
        {
            Publisher = new Publisher(new ClientOptions(), null, dialer, _world.Time),
            Purger = new Purger("localhost", 1, null, dialer, _world.Time),
            Monitors = [], Version = "1", Chance = bytes => bytes.Clear(),
        };
        EventStreams streams = new(_world.Events, () => "{}"u8.ToArray(), _world.Time);
        _running = streams.RunAsync(_end.Token);
        EventRoutes routes = new(_world.Events, streams, _world.Tokens, _world.Audit, steering, _world.Time);
        _listen = routes.All.First(route => route is { Method: "GET", Path: "/events" }).Answer;
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
        _world.Dispose();
    }

    [Fact]
    public void Who_listens_by_a_token_that_is_taken_back_is_cut_off()
    {
        AccessToken token = _world.Add(2, TokenScopes.Read);
        Wire wire = Listen($"Authorization: Bearer {token.Reveal()}\r\n");
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(Within(() => wire.Turn().Sent.Contains("event: now", StringComparison.Ordinal)));
        _world.Remove(token);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(Within(() => IsOver(wire)));
    }

    [Fact]
    public void Who_listens_by_a_session_is_cut_off_at_its_end()
    {
        string cookie = _world.Sessions.Begin(_world.Tokens.Find(_world.Everything.Id)!);
        Wire wire = Listen($"Cookie: microcdn_8081={cookie}\r\n");
        _world.Time.Advance(Sessions.Length + TimeSpan.FromSeconds(1));
        Assert.True(Within(() => IsOver(wire)));
    }

    private Wire Listen(string fields)
    {
        Wire wire = _world.Open("GET", "/api/v1/events", $"Accept: text/event-stream\r\n{fields}");
        Assert.True(Within(() => wire.Turn().Sent.EndsWith("retry: 1000\n\n\r\n", StringComparison.Ordinal)));
        return wire;
    }

    private static bool IsOver(Wire wire) => wire.Turn().Sent.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal);

    private static bool Within(Func<bool> holds) => SpinWait.SpinUntil(holds, TimeSpan.FromSeconds(30));
}
