using MicroCdn.Gateway;
using MicroCdn.Network;
using MicroCdn.Tests.Client;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway;

/// <summary>Files of version 1 servers, passed on over HTTP; the ways of failure over a network are in
/// ClusterTests.</summary>
public sealed class RelaysTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly ScriptedPeers _peers = new();

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task A_file_that_only_a_server_without_HTTP_has_is_passed_on_whole(int piece)
    {
        string text = string.Concat(Enumerable.Range(0, 20_000).Select(number => $"{number},"));
        _peers.Piece = piece;
        GatewayWorld world = World(text.Length, ("10.0.0.1", $"OK {text.Length}\n{text}junk"));
        Wire wire = world.Connect().Receive(GatewayWorld.Request("/a.txt") + GatewayWorld.Request("/healthz"));
        await UntilAsync(wire, () => wire.Sent.EndsWith("ok\n", StringComparison.Ordinal));
        Reply reply = new(wire.SentBytes);
        Assert.Equal((200, $"{text.Length}"), (reply.Status, reply["Content-Length"]));
        Assert.Equal(("none", "no-store"), (reply["Accept-Ranges"], reply["Cache-Control"]));
        Assert.Equal(text, reply.Body[..text.Length]);
        Assert.StartsWith("HTTP/1.1 200 OK", reply.Body[text.Length..], StringComparison.Ordinal);
        Assert.Equal(["10.0.0.1:7001 GET a.txt"], _peers.Said);
    }

    [Fact]
    public async Task An_empty_file_is_passed_on()
    {
        Wire wire = World(0, ("10.0.0.1", "OK 0\n")).Connect().Receive(GatewayWorld.Request("/a.txt"));
        await UntilAsync(wire, () => wire.SentLength > 0 && !wire.Answer.IsPending);
        Assert.Equal("0", new Reply(wire.SentBytes)["Content-Length"]);
    }

    [Fact]
    public void A_HEAD_needs_no_fetch_and_tells_a_known_digest()
    {
        GatewayWorld world = World(5, ("10.0.0.1", "OK 5\nhello"));
        string digest = Lists.Digest("x").ToString();
        world.Register("CS9", "10.0.0.9", "http=7003", $"a.txt 5 sha256={digest}");
        world.Kill("CS9");
        Reply reply = world.Ask("/a.txt", method: "HEAD");
        Assert.Equal((200, "5", ""), (reply.Status, reply["Content-Length"], reply.Body));
        Assert.NotNull(reply["Digest"]);
        Assert.Empty(_peers.Said);
    }

    [Fact]
    public async Task Until_one_answers_as_the_index_says_the_next_is_tried()
    {
        GatewayWorld world = World(5, ("10.0.0.1", "ERROR FILE_NOT_FOUND\n"), ("10.0.0.2", "OK 6\nhello!"),
            ("10.0.0.3", "OK 5\nhello"));
        Wire wire = world.Connect().Receive(GatewayWorld.Request("/a.txt"));
        await UntilAsync(wire, () => wire.Sent.EndsWith("hello", StringComparison.Ordinal));
        Assert.Equal(3, _peers.Said.Count);
    }

    [Fact]
    public async Task When_none_does_the_answer_is_502_and_says_why()
    {
        GatewayWorld world = World(5, ("10.0.0.1", "ERROR FILE_NOT_FOUND\n"), ("10.0.0.2", "OK 6\nhello!"));
        Wire wire = world.Connect().Receive(GatewayWorld.Request("/a.txt"));
        await UntilAsync(wire, () => wire.SentLength > 0);
        Reply reply = new(wire.SentBytes);
        Assert.Equal(502, reply.Status);
        Assert.StartsWith("This file could not be passed on: ", reply.Body, StringComparison.Ordinal);
        Assert.False(wire.Conversation.IsOver);
    }

    [Fact]
    public async Task A_server_that_ends_early_cuts_the_response()
    {
        _peers.With("10.0.0.1", 7001, _ => new Client.Reply("OK 9\nhello", Closes: true));
        GatewayWorld world = new(dialer: _peers);
        world.Index.Register("CS1", "10.0.0.1", "a.txt 9");
        Wire wire = world.Connect().Receive(GatewayWorld.Request("/a.txt"));
        await UntilAsync(wire, () => wire.Conversation.IsOver);
        Assert.True(wire.Answer.Broken);
        await UntilAsync(wire, () => world.Index.Log.Lines.Any(
            line => line.Contains("ended 4 bytes short", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_server_that_stalls_in_the_middle_cuts_the_response()
    {
        GatewayWorld world = World(9, ("10.0.0.1", "OK 9\nhello"));
        Wire wire = world.Connect().Receive(GatewayWorld.Request("/a.txt"));
        await UntilAsync(wire, () => wire.Sent.EndsWith("hello", StringComparison.Ordinal));
        Assert.True(wire.Answer.Starves);
        await UntilAsync(wire, () =>
        {
            world.Index.Time.Advance(TimeSpan.FromSeconds(1));
            return wire.Answer.Broken;
        });
        await UntilAsync(wire, () => world.Index.Log.Lines.Any(
            line => line.Contains("CS1 sent nothing for 10 s", StringComparison.Ordinal)));
    }

    [Fact]
    public void Where_relaying_is_switched_off_the_answer_is_503_with_the_reason()
    {
        GatewayWorld world = new(relays: false);
        world.Index.Register("CS1", "10.0.0.1", "a.txt 5");
        Reply reply = world.Ask("/a.txt");
        Assert.Equal((503, "5"), (reply.Status, reply["Retry-After"]));
        Assert.Contains("CS1: it speaks no HTTP, and relaying is switched off", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_more_than_64_are_under_way_and_a_client_that_leaves_makes_room()
    {
        // Nobody answers, so each relay waits.
        _peers.With("10.0.0.1", 7001, _ => "");
        GatewayWorld world = new(dialer: _peers);
        world.Index.Register("CS1", "10.0.0.1", "a.txt 5");
        Wire[] wires = [.. Enumerable.Range(0, Relays.Most)
            .Select(_ => world.Connect().Receive(GatewayWorld.Request("/a.txt")))];
        Assert.All(wires, wire => Assert.Equal(0, wire.SentLength));
        Reply reply = world.Ask("/a.txt");
        Assert.Equal((503, "5"), (reply.Status, reply["Retry-After"]));
        Assert.Contains("64 already are", reply.Body, StringComparison.Ordinal);
        wires[0].Conversation.End();
        Wire later = world.Connect();
        await UntilAsync(later, () => later.Receive(GatewayWorld.Request("/a.txt")).Take().Length == 0);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_the_server_back()
    {
        Endless endless = new();
        GatewayWorld world = new(dialer: endless);
        world.Index.Register("CS1", "10.0.0.1", $"a.txt {long.MaxValue}");
        Wire wire = world.Connect();
        wire.Window = 0;
        wire.Receive(GatewayWorld.Request("/a.txt"));
        // Once it was full, what is between them is read on only when it is half empty: so full it is at least.
        await UntilAsync(wire, () => wire.Answer.UnsentBytes > BufferPool.Size - Answer.PieceBytes
            && endless.Read >= wire.Answer.UnsentBytes + (30 * 1024));
        for (int times = 0; times < 100; times++)
        {
            await Task.Yield();
            wire.Turn();
        }
        Assert.InRange(endless.Read, 0, 160 * 1024);
        wire.Window = 1_000_000;
        await UntilAsync(wire, () => wire.Window == 0);
        wire.Conversation.End();
        await endless.Closed.WaitAsync(Bound);
    }

    private GatewayWorld World(int size, params (string Host, string Answer)[] servers)
    {
        GatewayWorld world = new(dialer: _peers);
        foreach ((string host, string answer) in servers)
        {
            _peers.With(host, 7001, _ => answer);
            world.Index.Register($"CS{host[^1]}", host, $"a.txt {size}");
        }
        return world;
    }

    private static async Task UntilAsync(Wire wire, Func<bool> holds)
    {
        using CancellationTokenSource late = new(Bound);
        while (!holds())
        {
            Assert.False(late.IsCancellationRequested, $"not within {Bound}; sent so far: {wire.SentLength}");
            await Task.Yield();
            wire.Turn();
        }
    }

    // A server of one endless file.
    private sealed class Endless : IDialer
    {
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _read;

        public long Read => Volatile.Read(ref _read);

        public Task Closed => _closed.Task;

        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new LineConnection(
                new Connection(this), System.Net.IPAddress.Loopback, System.Net.IPAddress.Loopback));

        private sealed class Connection(Endless server) : MemoryStream
        {
            private bool _asked;

            public override ValueTask WriteAsync(
                ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => default;

            public override ValueTask<int> ReadAsync(
                Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                byte[] head = _asked ? [] : $"OK {long.MaxValue}\n".Utf8();
                head.CopyTo(buffer);
                int length = _asked ? buffer.Length : head.Length;
                _asked = true;
                Interlocked.Add(ref server._read, length);
                return ValueTask.FromResult(length);
            }

            public override ValueTask DisposeAsync()
            {
                server._closed.TrySetResult();
                return base.DisposeAsync();
            }
        }
    }
}
