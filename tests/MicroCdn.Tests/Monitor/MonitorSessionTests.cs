using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Monitor;

// docs/protocol.md, version 1 messages: what a monitor answers.
public sealed class MonitorSessionTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private readonly Watch _watch;
    private readonly MonitorService _service;

    public MonitorSessionTests()
    {
        Roster roster = new(_time, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(1));
        _watch = new Watch(roster, new Detector(DetectionProfile.Lan, () => 1), _time, _log);
        IndexNotices notices = new(new MonitorOptions().Self, _watch, new NoDialer(), _time, _log);
        _service = new MonitorService(_watch, notices, new TrustedNetworks([]), new Complaints(_log, _time))
        {
            Id = Names.Id("m1"), Drained = new DrainedServers(null, _log),
        };
    }

    [Theory]
    [InlineData("PING", "PONG")]
    [InlineData("HELLO", "WELCOME MICRO-CDN")]
    [InlineData("REGISTER_INDEX localhost 5050", "OK INDEX_REGISTERED")]
    [InlineData("LIST_SERVERS", "END")]
    [InlineData("PING 1", "ERROR MALFORMED")]
    [InlineData("HELLO 2", "WELCOME MICRO-CDN 2")]
    [InlineData("HELLO 3", "ERROR MALFORMED")]
    [InlineData("LIST_SERVERS all", "ERROR MALFORMED")]
    [InlineData("REGISTER_INDEX localhost", "ERROR MALFORMED")]
    [InlineData("REGISTER_INDEX localhost 0", "ERROR MALFORMED")]
    [InlineData("REGISTER_INDEX localhost 5050 x", "ERROR MALFORMED")]
    [InlineData("HEARTBEAT CS1 127.0.0.1 7001 0 0", "ERROR UNKNOWN_COMMAND")]
    [InlineData("", "ERROR UNKNOWN_COMMAND")]
    public void Every_line_has_its_answer_however_it_is_split(string line, string answer)
    {
        byte[] bytes = $"{line}\nPING\n".Utf8();
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Wire wire = new Wire(_service).Receive(bytes.AsSpan(0, cut)).Receive(bytes.AsSpan(cut));
            Assert.Equal($"{answer}\nPONG\n", wire.Sent);
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "HELLO 2\nMONITOR\n", "WELCOME MICRO-CDN 2\nMONITOR m1\n")]
    [InlineData("127.0.0.1", "HELLO 2\nMONITOR m1\n", "WELCOME MICRO-CDN 2\nERROR MALFORMED\n")]
    [InlineData("127.0.0.1", "MONITOR\n", "ERROR UNKNOWN_COMMAND\n")]
    [InlineData("192.0.2.1", "HELLO 2\nMONITOR\n", "WELCOME MICRO-CDN 2\nERROR NOT_TRUSTED\n")]
    public void An_index_that_asks_in_version_2_is_told_who_it_dialed(string from, string lines, string answers) =>
        Assert.Equal(answers, new Wire(_service, Peer.From(from, "127.0.0.1")).Receive(lines).Sent);

    [Fact]
    public void Everyone_ever_heard_is_listed_with_load_and_state()
    {
        Beat("HEARTBEAT CS1 10.0.0.5 7001 3 10");
        for (int second = 0; second < 8; second++) Sweep();
        WatchedSeries silence = _watch.Detections.Series();
        Assert.Equal(1, silence.Buckets.Sum());
        Assert.InRange(silence.Sum, 1, 8);
        Beat("HEARTBEAT CS2 localhost 7101 0 5");
        Assert.Equal("SERVER CS1 10.0.0.5 7001 3 dead\nSERVER CS2 localhost 7101 0 alive\nEND\n",
            new Wire(_service).Receive("LIST_SERVERS\n").Sent);
    }

    [Fact]
    public void A_monitor_that_hears_nobody_after_its_start_doubts_itself_and_calls_nobody_dead()
    {
        string[] ids = ["CS1", "CS2", "CS3"];
        Assert.Equal(3, _watch.Expect(ids.Select(id => new ServerRow(Names.Id(id), "10.0.0.5", 7001, 0, true))));
        for (int second = 0; second < 20; second++) Sweep();
        Assert.True(_watch.Ledger.Doubts);
        Assert.Equal(ids.Select(id => (id, ServerState.Suspect)),
            _watch.Ledger.Rows.Select(row => (row.Id.Value, row.State)).Order());
        Assert.Equal(3, _watch.Ledger.Last);
        Assert.DoesNotContain(" dead", new Wire(_service).Receive("LIST_SERVERS\n").Sent, StringComparison.Ordinal);
        Assert.Single(_log.Lines, line => line.StartsWith("degraded", StringComparison.Ordinal));

        foreach (string id in ids) Beat($"HEARTBEAT {id} 10.0.0.5 7001 0 10");
        Sweep();
        Assert.False(_watch.Ledger.Doubts);
        Assert.All(_watch.Ledger.Rows, row => Assert.Equal(ServerState.Alive, row.State));
    }

    [Fact]
    public void Five_thousand_servers_are_listed_whole()
    {
        string host = new('h', Limits.HostBytes);
        for (int number = 0; number < 5_000; number++) Beat($"HEARTBEAT S{number} {host} 7001 2147483647 10");
        Wire wire = new Wire(_service) { Window = 0 }.Receive("LIST_SERVERS\n");
        Assert.True(wire.Answer.UnsentBytes <= 64 * 1024);
        wire.Window = long.MaxValue;
        string[] lines = wire.Turn().Sent.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5_001, lines.Length);
        Assert.Equal("END", lines[^1]);
        Assert.Equal(5_000, lines.SkipLast(1).Distinct().Count());
        Assert.All(lines.SkipLast(1), line => Assert.True(ServerRow.TryParse(line.Utf8(), out _)));
    }

    [Fact]
    public void A_stranger_cannot_subscribe()
    {
        Wire wire = new Wire(_service, Peer.From("192.0.2.1", "192.0.2.2"))
            .Receive("REGISTER_INDEX 192.0.2.1 5050\nPING\n");
        Assert.Equal("ERROR NOT_TRUSTED\nPONG\n", wire.Sent);
    }

    [Fact]
    public void Indexes_are_bounded_and_the_same_one_counts_once()
    {
        Wire wire = new(_service);
        for (int port = 1; port <= Limits.Indexes; port++)
        {
            foreach (string host in new[] { "localhost", "127.0.0.1", "::1" })
            {
                wire.Receive($"REGISTER_INDEX {host} {port}\n");
            }
        }
        Assert.DoesNotContain("ERROR", wire.Take(), StringComparison.Ordinal);
        wire.Receive("REGISTER_INDEX localhost 1000\nREGISTER_INDEX localhost 1\n");
        Assert.Equal("ERROR LIMIT_REACHED\nOK INDEX_REGISTERED\n", wire.Take());
        wire.Receive("REGISTER_INDEX 127.0.0.2 1\n");
        Assert.Equal("ERROR LIMIT_REACHED\n", wire.Take());
    }

    private void Beat(string datagram)
    {
        Assert.True(Heartbeat.TryParse(datagram.Utf8(), out Heartbeat beat));
        _watch.Hear(beat, out _);
    }

    private void Sweep()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        _watch.Sweep(TimeSpan.FromSeconds(8));
    }

    private sealed class NoDialer : IDialer
    {
        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
            throw new IOException("nobody is there");
    }
}
