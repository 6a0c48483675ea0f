using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

// docs/protocol.md, "Life and death": an index that hears several monitors, or none any more, and looks for itself.
// The monitors are played by the test, so that each says what the test wants.
[Collection(FakeNetworkTests.Name)]
public sealed class VerdictTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task One_monitor_of_three_that_lies_removes_no_server_and_one_that_is_right_removes_a_dead_one(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.Give("CS1", "only-on-1.txt", [1]);
        await StartAsync(cluster, "CS1", "CS2");
        PlayedMonitor[] monitors = [.. new[] { "m1", "m2", "m3" }.Select(id => new PlayedMonitor(cluster, id))];
        foreach (PlayedMonitor monitor in monitors) await monitor.SayAsync("SERVER_UP CS1 9 inc=0 ev=1");
        await UntilStateAsync(cluster, "CS1", ServerState.Alive);

        cluster.World.Phase("m1 lies");
        await monitors[0].SayAsync("SERVER_DOWN CS1 9 inc=0 ev=2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Equal((ServerState.Suspect, "CS1"), (StateOf(cluster, "CS1"), await cluster.RouteAsync("only-on-1.txt")));

        cluster.World.Phase("CS1 dies, and m2 and m3 notice nothing");
        cluster.Kill("CS1");
        await UntilStateAsync(cluster, "CS1", ServerState.Dead);
        Assert.Null(await cluster.RouteAsync("only-on-1.txt"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Of_two_servers_that_hang_within_ten_seconds_the_second_is_given_up_within_three_too(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(12));
        foreach (string id in new[] { "CS1", "CS2" })
        {
            cluster.World.Phase($"{id} hangs");
            cluster.Network.Host(id.ToLowerInvariant()).Pause();
            await cluster.World.UntilAsync(() => StateOf(cluster, id) == ServerState.Dead, $"{id} is dead",
                TimeSpan.FromSeconds(3), () => $"it is {StateOf(cluster, id)}");
        }
        cluster.World.Phase("both go on");
        foreach (string host in new[] { "cs1", "cs2" }) cluster.Network.Host(host).Resume(timersFirst: true);
        await cluster.UntilAllAlive("CS1", "CS2");
    });

    // It stands behind a port forward, say: it is dialed at one address, and speaks from another.
    [Theory]
    [InlineData(1, AuthMode.Off)]
    [InlineData(2, AuthMode.Off)]
    [InlineData(1, AuthMode.Required)]
    public Task One_monitor_at_two_addresses_has_one_vote(int seed, AuthMode mode) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        if (mode != AuthMode.Off) cluster.KeysOf = _ => TestKeys.Counting(mode, TestKeys.Usual);
        cluster.MonitorDialed = "gate";
        cluster.Network.Host("gate").Listen(FakeCluster.MonitorPort, (accepted, enough) =>
            ForwardAsync(cluster, accepted, enough));
        await cluster.StartAsync("CS1");
        // Longer than a registration outweighs a list of version 1.
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(11));
        PlayedMonitor other = new(cluster, "m2", keys: cluster.KeysOf("m2"));
        await other.SayAsync("SERVER_UP CS1 9 inc=0 ev=1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3));

        cluster.World.Phase("CS1 is cut off from the one, and from nobody else");
        foreach ((string from, string to) in new[] { ("cs1", "monitor"), ("monitor", "cs1") })
        {
            cluster.Network.LinkOf(from, to).Loss = 1;
            cluster.Network.LinkOf(from, to).Stalls = true;
        }
        await cluster.UntilState("monitor", "CS1", "dead", TimeSpan.FromSeconds(5));
        for (int tenth = 0; tenth < 30; tenth++)
        {
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.1));
            Assert.NotEqual(ServerState.Dead, StateOf(cluster, "CS1"));
        }
        Assert.Equal(ServerState.Suspect, StateOf(cluster, "CS1"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_monitor_of_version_1_that_closes_after_each_answer_is_asked_once_whether_it_speaks_version_2(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        int lists = 0, hellos = 0;
        cluster.Network.Host("monitor").Listen(FakeCluster.MonitorPort, async (connection, enough) =>
        {
            string verb = Encoding.UTF8.GetString((await connection.ReadLineAsync(enough))!.Value.Span);
            Interlocked.Add(ref lists, verb == "LIST_SERVERS" ? 1 : 0);
            Interlocked.Add(ref hellos, verb == "HELLO 2" ? 1 : 0);
            await connection.SendAsync(Encoding.UTF8.GetBytes(verb == "LIST_SERVERS" ? "END\n" : "ERROR\n"), enough);
            await connection.DisposeAsync();
        });
        cluster.StartIndex();
        PlayedMonitor other = new(cluster, "m2");
        for (int time = 0; time < 6; time++)
        {
            await other.SayAsync("DOUBT off");
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        }
        Assert.InRange(lists, 20, 40);
        Assert.Equal(1, hellos);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task With_every_monitor_gone_clients_go_on_and_the_dead_are_still_left_out(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        foreach (string id in new[] { "CS1", "CS2" })
        {
            cluster.Give(id, "shared.txt", [1, 2]);
            cluster.Give(id, $"only-on-{id}.txt", [1]);
        }
        await StartAsync(cluster, "CS1", "CS2");
        PlayedMonitor monitor = new(cluster, "m1");
        await monitor.SayAsync("SERVER_DOWN CS1 9 inc=0 ev=1");
        await monitor.SayAsync("SERVER_DOWN CS2 9 inc=0 ev=2");
        cluster.World.Phase("both are called dead; CS2 is, and the monitor goes");
        Assert.Null(await cluster.RouteAsync("shared.txt"));
        cluster.Kill("CS2");
        cluster.Network.Crash("m1");
        await cluster.UntilRoute("only-on-CS1.txt", "CS1", Soon);
        await UntilStateAsync(cluster, "CS2", ServerState.Dead);
        for (int ask = 0; ask < 10; ask++) Assert.Equal("CS1", await cluster.RouteAsync("shared.txt"));

        cluster.World.Phase("CS2 is back, at its old address");
        cluster.StartContent("CS2");
        await cluster.UntilRoute("only-on-CS2.txt", "CS2", Soon);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_a_client_reports_is_looked_at_and_found_dead(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        foreach (string id in new[] { "CS1", "CS2" }) cluster.Give(id, "shared.txt", [1, 2]);
        await StartAsync(cluster, "CS1", "CS2");
        PlayedMonitor monitor = new(cluster, "m1");
        foreach (string id in new[] { "CS1", "CS2" })
        {
            await monitor.SayAsync($"SERVER_UP {id} 9 inc=0 ev={id[^1]}");
        }
        cluster.World.Phase("CS1 is dead and only a client knows");
        cluster.Kill("CS1");
        PlayedMonitor client = new(cluster, null, "client");
        await client.SayAsync("REPORT shared.txt CS1 connect");
        await cluster.World.AdvanceAsync(Soon);
        // No monitor says so: it is asked last, and not left out.
        Assert.Equal(ServerState.Suspect, StateOf(cluster, "CS1"));
        for (int ask = 0; ask < 10; ask++) Assert.Equal("CS2", await cluster.RouteAsync("shared.txt"));
    });

    private static async Task ForwardAsync(
        FakeCluster cluster, LineConnection accepted, CancellationToken cancellationToken)
    {
        await using LineConnection onward = await cluster.Network.Host("gate").Dialer
            .DialAsync("monitor", FakeCluster.MonitorPort, cancellationToken);
        await Task.WhenAny(PumpAsync(accepted, onward), PumpAsync(onward, accepted));
        await accepted.DisposeAsync();

        async Task PumpAsync(LineConnection from, LineConnection to)
        {
            while (await from.ReadLineAsync(cancellationToken) is { } line)
            {
                await to.SendAsync((byte[])[.. line.Span, (byte)'\n'], cancellationToken);
            }
        }
    }

    private static async Task StartAsync(FakeCluster cluster, params string[] ids)
    {
        cluster.StartIndex();
        foreach (string id in ids) cluster.StartContent(id);
        foreach (string id in ids) await cluster.UntilState("index", id, "alive", TimeSpan.FromSeconds(10));
    }

    private static ServerState StateOf(FakeCluster cluster, string id) =>
        cluster.Index!.Directory.Servers.Single(server => server.Id.Value == id).State;

    private static Task UntilStateAsync(FakeCluster cluster, string id, ServerState state) =>
        cluster.World.UntilAsync(() => StateOf(cluster, id) == state, $"the index believes that {id} is {state}", Soon,
            () => $"it believes {StateOf(cluster, id)}");

    // A monitor, or with a null id a client, that says what the test says.
    private sealed class PlayedMonitor(
        FakeCluster cluster, string? id, string? host = null, Credentials? keys = null)
    {
        private LineConnection? _connection;

        public async Task SayAsync(string line)
        {
            if (_connection is null)
            {
                ServerId.TryCreate(id ?? "client", out ServerId self);
                FakeHost machine = cluster.Network.Host(host ?? id!);
                _connection = await cluster.World.ResultAsync(Speaking2.TryDialAsync(machine.Dialer, "index",
                    FakeCluster.IndexPort, machine.Time, (keys ?? Credentials.None).As(PeerRole.Monitor, self),
                    CancellationToken.None), "the index is there");
                if (id is not null) await AskAsync($"MONITOR {id}");
            }
            await AskAsync(line);
        }

        private async Task AskAsync(string line)
        {
            await _connection!.SendAsync(Encoding.UTF8.GetBytes($"{line}\n"), CancellationToken.None);
            ReadOnlyMemory<byte>? answer = await cluster.World.ResultAsync(
                _connection.ReadLineAsync(CancellationToken.None).AsTask(), $"the index answers {line}");
            string text = Encoding.UTF8.GetString(answer!.Value.Span);
            cluster.World.Check(!text.StartsWith("ERROR", StringComparison.Ordinal), $"{line} is taken", text);
        }
    }
}
