using System.Net;
using System.Threading.Channels;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

// The index looks for itself: one connection, one line, one answer.
public sealed class WitnessTests : IDialer
{
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _enough = new();
    private readonly Channel<string> _dialed = Channel.CreateUnbounded<string>();
    private readonly Channel<Server> _changed = Channel.CreateUnbounded<Server>();
    private readonly Fleet _fleet;
    private readonly Witness _witness;
    private Func<CancellationToken, Task<Stream>> _meet = _ => throw new ConnectionRefusedException("nobody");

    public WitnessTests()
    {
        _fleet = new Fleet(_time);
        _witness = new Witness(_fleet, this, _time);
        _fleet.Changed = server => _changed.Writer.TryWrite(server);
    }

    [Fact]
    public async Task A_server_that_refuses_is_dead_when_no_monitor_is_heard()
    {
        Server server = Register("CS1");
        Assert.Equal(ServerState.Dead, await StateAfterLook(server));
        Assert.Equal("10.0.0.5:7001", await _dialed.Reader.ReadAsync(Bound()));
    }

    [Fact]
    public async Task Any_answer_and_even_a_close_is_life()
    {
        Server server = Register("CS1");
        await StateAfterLook(server);
        _meet = _ => Task.FromResult<Stream>(new Answering("ERROR INVALID_COMMAND\n"));
        Assert.Equal(ServerState.Unknown, await StateAfterLook(server));
        _meet = _ => throw new IOException("no route");
        Assert.Equal(ServerState.Dead, await StateAfterLook(server));
        _meet = _ => Task.FromResult<Stream>(new Answering(""));
        Assert.Equal(ServerState.Unknown, await StateAfterLook(server));
    }

    [Fact]
    public async Task A_stopped_process_accepts_and_never_answers()
    {
        Server server = Register("CS1");
        Answering stopped = new(null);
        _meet = _ => Task.FromResult<Stream>(stopped);
        Task<ServerState> looking = StateAfterLook(server);
        await stopped.Asked.WaitAsync(Bound());
        _time.Advance(TimeSpan.FromMilliseconds(1_499));
        Assert.False(looking.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(ServerState.Dead, await looking);
    }

    [Fact]
    public async Task One_server_is_looked_at_once_at_a_time()
    {
        Server server = Register("CS1");
        TaskCompletionSource<Stream> wait = new();
        _meet = _ => wait.Task;
        for (int time = 0; time < 100; time++) _witness.Look(server);
        Task running = _witness.RunAsync(_enough.Token);
        await _dialed.Reader.ReadAsync(Bound());
        for (int time = 0; time < 100; time++) _witness.Look(server);
        wait.SetException(new ConnectionRefusedException("nobody"));
        await _changed.Reader.ReadAsync(Bound());
        Assert.Equal(0, _dialed.Reader.Count);
        _witness.Look(server);
        await _dialed.Reader.ReadAsync(Bound());
        await EndAsync(running);
    }

    [Fact]
    public async Task What_was_seen_at_an_older_address_says_nothing_of_the_new_one()
    {
        Server server = Register("CS1");
        Contact before = server.Contact!;
        Register("CS1", "10.0.0.6");
        _fleet.Looked(server, before, answers: false);
        Assert.Equal(ServerState.Unknown, server.State);
        await EndAsync(_witness.RunAsync(_enough.Token));
    }

    public async ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken)
    {
        _dialed.Writer.TryWrite($"{host}:{port}");
        return new LineConnection(await _meet(cancellationToken), IPAddress.Loopback, IPAddress.Loopback);
    }

    private async Task<ServerState> StateAfterLook(Server server)
    {
        using CancellationTokenSource enough = new();
        Task running = _witness.RunAsync(enough.Token);
        _witness.Look(server);
        Assert.Same(server, await _changed.Reader.ReadAsync(Bound()));
        ServerState state = server.State;
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        return state;
    }

    private async Task EndAsync(Task running)
    {
        await _enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private Server Register(string id, string address = "10.0.0.5")
    {
        Server server = _fleet.Enlist(Names.Id(id))!;
        _fleet.Registered(server, new Contact(server.Id, IPAddress.Parse(address), 7001, 7002));
        while (_changed.Reader.TryRead(out _))
        {
            // That it is known now is no news here.
        }
        return server;
    }

    private static CancellationToken Bound() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    // Takes every line; gives an answer and then the end, or null: nothing, for ever.
    private sealed class Answering(string? answer) : MemoryStream
    {
        private readonly TaskCompletionSource _asked = new();
        private byte[]? _left = answer?.Utf8();

        public Task Asked => _asked.Task;

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => default;

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _asked.TrySetResult();
            if (_left is null) await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            int length = Math.Min(buffer.Length, _left!.Length);
            _left.AsSpan(0, length).CopyTo(buffer.Span);
            _left = _left[length..];
            return length;
        }
    }
}
