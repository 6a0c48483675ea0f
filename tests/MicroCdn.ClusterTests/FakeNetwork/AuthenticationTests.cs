using System.Net;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

// docs/authentication.md: whole clusters with keys, and strangers among them.
[Collection(FakeNetworkTests.Name)]
public sealed class AuthenticationTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task A_cluster_with_keys_works_and_notices_a_death(int seed) => FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KeysOf = host => host switch
        {
            // A server that joined by a token has no key but its own.
            "cs2" => TestKeys.Counting(AuthMode.Required, TestKeys.Usual.For(PeerRole.Content, Id("CS2"))),
            _ => TestKeys.Counting(AuthMode.Required, TestKeys.Usual),
        };
        cluster.Give("CS1", "hello.txt", "Hi"u8.ToArray());
        cluster.Give("CS2", "hello.txt", "Hi"u8.ToArray());
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        await cluster.UntilAllAlive("CS1", "CS2");
        await cluster.DownloadAsync("hello.txt", "saved");
        cluster.Kill("CS1");
        await cluster.UntilState("index", "CS1", "dead", Soon);
        await cluster.UntilRoute("hello.txt", "CS2", Soon);
        Assert.DoesNotContain(cluster.World.Log.Lines,
            line => line.Text.Contains("NOT_AUTHENTICATED", StringComparison.Ordinal));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_with_the_key_of_another_cluster_is_refused_and_named(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KeysOf = host =>
            TestKeys.Counting(AuthMode.Required, host == "cs2" ? TestKeys.Other : TestKeys.Usual);
        cluster.Give("CS2", "evil.txt", "Hi"u8.ToArray());
        await cluster.StartAsync("CS1");
        cluster.StartContent("CS2");
        foreach ((string role, string says) in new[]
        {
            ("index", "refused content CS2 at"), ("monitor", "refused content CS2 at"),
            ("content", "does not take our key"),
        })
        {
            await cluster.World.UntilAsync(() => Says(cluster, role, says), $"the {role} says why", Soon);
        }
        Assert.Null(await cluster.StateAsync("index", "CS2"));
        Assert.Null(await cluster.StateAsync("monitor", "CS2"));
        Assert.Null(await cluster.RouteAsync("evil.txt"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task What_strangers_say_changes_nothing_also_from_a_trusted_network(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KeysOf = _ => TestKeys.Counting(AuthMode.Required, TestKeys.Usual);
        cluster.Give("CS1", "hello.txt", "Hi"u8.ToArray());
        await cluster.StartAsync("CS1");
        foreach (string line in new[]
        {
            "SERVER_DOWN CS1 1767225600", "REGISTER CS1 7901 7902", "UPDATE_LOAD CS1 99999", "DONE_FILES",
        })
        {
            Assert.Equal("ERROR NOT_AUTHENTICATED", await cluster.AskAsync("index", line));
        }
        Assert.Equal("ERROR NOT_AUTHENTICATED", await cluster.AskAsync("monitor", "REGISTER_INDEX client 5050"));
        await AfterHelloAsync(cluster, "index", "MONITOR monitor", "SERVER_SUSPECT CS1 1 inc=9 ev=9", "DOUBT on",
            "DRAIN CS1");
        await AfterHelloAsync(cluster, "monitor", "TETHER CS1 7001 7002 inc=9999999999999", "BYE CS1", "DRAIN CS1",
            "RESUME CS1");
        using IDatagramPort port = cluster.Network.Host("client").Datagrams.Bind(new IPEndPoint(IPAddress.Any, 9999));
        IPEndPoint monitor = new(cluster.Network.Host("monitor").Address, 6000);
        port.Send("HEARTBEAT CS7 10.0.0.9 7001 0 1"u8, monitor);
        port.Send("HEARTBEAT CS1 10.0.0.9 7001 9 1 inc=9999999999999 seq=99999999 gap=0"u8, monitor);
        port.Send("HEARTBEAT CS1 10.0.0.9 7001 9 1 inc=9 seq=9 gap=0 k=630dcd29 mac=00000000000000000000000000000000"u8,
            monitor);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(3));
        Assert.Equal("alive", await cluster.StateAsync("index", "CS1"));
        Assert.Equal("alive", await cluster.StateAsync("monitor", "CS1"));
        Assert.Null(await cluster.StateAsync("monitor", "CS7"));
        Assert.Equal("CS1", await cluster.RouteAsync("hello.txt"));
        await cluster.DownloadAsync("hello.txt", "saved");
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_recorded_heartbeat_is_worth_nothing_after_the_tether_it_belongs_to(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KeysOf = _ => TestKeys.Counting(AuthMode.Required, TestKeys.Usual);
        ServerKey key = TestKeys.Usual.For(PeerRole.Content, Id("CS1"));
        await cluster.StartAsync("CS1");
        cluster.World.Phase("the content server is cut off from the monitor, which hears a recording of it instead");
        foreach ((string from, string to) in new[] { ("cs1", "monitor"), ("monitor", "cs1") })
        {
            cluster.Network.LinkOf(from, to).Loss = 1;
            cluster.Network.LinkOf(from, to).Stalls = true;
        }
        using IDatagramPort port = cluster.Network.Host("client").Datagrams.Bind(new IPEndPoint(IPAddress.Any, 9999));
        IPEndPoint monitor = new(cluster.Network.Host("monitor").Address, 6000);
        // Made with the right key, for a tether of other nonces: what a recording is.
        Nonce nonce = Nonce.Draw(bytes => bytes.Fill(0xAB));
        DatagramSeal seal = Handshake.Seal(key, nonce, nonce);
        System.Buffers.ArrayBufferWriter<byte> beat = new();
        int sequence = 100_000;
        await cluster.World.UntilAsync(async () =>
        {
            beat.ResetWrittenCount();
            beat.WriteText($"HEARTBEAT CS1 10.0.0.4 7001 0 0 inc=1767225600000 seq={++sequence} gap=50");
            seal.Append(beat);
            port.Send(beat.WrittenSpan, monitor);
            return await cluster.StateAsync("monitor", "CS1") == "dead";
        }, "it is dead for all that", Soon);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task Where_proof_is_permissive_servers_with_and_without_a_key_work_together(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        cluster.KeysOf = host =>
            host == "cs2" ? Credentials.None : TestKeys.Counting(AuthMode.Permissive, TestKeys.Usual);
        cluster.Give("CS2", "hello.txt", "Hi"u8.ToArray());
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(12));
        await cluster.UntilAllAlive("CS1", "CS2");
        await cluster.DownloadAsync("hello.txt", "saved");
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task When_a_key_is_taken_out_honest_servers_come_back_by_the_other_and_one_that_has_only_it_is_out(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        Dictionary<string, Credentials> keys = [];
        foreach (string host in new[] { "index", "monitor", "cs1", "cs2" })
        {
            keys[host] = host == "cs2"
                ? TestKeys.Counting(AuthMode.Required, TestKeys.Usual.For(PeerRole.Content, Id("CS2")))
                : TestKeys.Counting(AuthMode.Required, TestKeys.Usual);
        }
        cluster.KeysOf = host => keys.GetValueOrDefault(host, Credentials.None);
        cluster.Give("CS1", "honest.txt", "Hi"u8.ToArray());
        cluster.Give("CS2", "evil.txt", "Hi"u8.ToArray());
        await cluster.StartAsync("CS1", "CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(12));
        cluster.World.Phase("the old key is replaced by the other everywhere but on CS2");
        string[] honest = ["index", "monitor", "cs1"];
        foreach (string host in honest) keys[host].Replace(new Keyring(TestKeys.Other, TestKeys.Usual));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(2));
        foreach (string host in honest) keys[host].Replace(new Keyring(TestKeys.Other));
        // Nobody is without servers meanwhile.
        for (int tenth = 0; tenth < 30; tenth++)
        {
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(0.1));
            Assert.Equal("CS1", await cluster.RouteAsync("honest.txt"));
        }
        await cluster.UntilAllAlive("CS1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(30));
        await cluster.UntilState("index", "CS2", "dead", Soon);
        // It still answers whoever looks.
        for (int second = 0; second < 15; second++)
        {
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
            Assert.Null(await cluster.RouteAsync("evil.txt"));
            Assert.Equal("alive", await cluster.StateAsync("index", "CS1"));
        }
        cluster.World.Phase("it gets the other key");
        keys["cs2"].Replace(new Keyring(TestKeys.Other.For(PeerRole.Content, Id("CS2"))));
        await cluster.UntilRoute("evil.txt", "CS2", TimeSpan.FromSeconds(40));
        await cluster.UntilAllAlive("CS1", "CS2");
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_whose_key_is_taken_out_while_it_is_not_connected_gets_no_more_clients_either(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        Dictionary<string, Credentials> keys = new[] { "index", "monitor", "cs2" }.ToDictionary(
            host => host, host => TestKeys.Counting(AuthMode.Required, TestKeys.Usual));
        cluster.KeysOf = host => keys.GetValueOrDefault(host, Credentials.None);
        cluster.Give("CS2", "evil.txt", "Hi"u8.ToArray());
        await cluster.StartAsync("CS2");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(12));
        cluster.World.Phase("its connection to the index ends, and then the key is replaced");
        cluster.Network.LinkOf("cs2", "index").Refuses = true;
        cluster.Network.Cut("cs2", "index");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Equal("CS2", await cluster.RouteAsync("evil.txt"));
        foreach (string host in new[] { "index", "monitor" }) keys[host].Replace(new Keyring(TestKeys.Other));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(25));
        // It still answers whoever looks, and may come back.
        Assert.Equal("CS2", await cluster.RouteAsync("evil.txt"));
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(10));
        for (int second = 0; second < 5; second++)
        {
            Assert.Equal("dead", await cluster.StateAsync("index", "CS2"));
            Assert.Null(await cluster.RouteAsync("evil.txt"));
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        }
        cluster.World.Phase("it gets the other key, and the way to the index is open again");
        keys["cs2"].Replace(new Keyring(TestKeys.Other));
        cluster.Network.Heal("cs2", "index");
        await cluster.UntilRoute("evil.txt", "CS2", TimeSpan.FromSeconds(40));
    });

    private static async Task AfterHelloAsync(FakeCluster cluster, string host, params string[] lines)
    {
        FakeHost stranger = cluster.Network.Host("client");
        int port = host == "monitor" ? FakeCluster.MonitorPort : FakeCluster.IndexPort;
        await using LineConnection connection = await stranger.Dialer.DialAsync(host, port, CancellationToken.None);
        await connection.SendAsync(Greeting.Hello2, CancellationToken.None);
        await Next(cluster, connection);
        foreach (string line in lines)
        {
            await connection.SendAsync(Encoding.UTF8.GetBytes(line + "\n"), CancellationToken.None);
            Assert.Equal((line, "ERROR NOT_AUTHENTICATED"), (line, await Next(cluster, connection)));
        }
    }

    private static async Task<string> Next(FakeCluster cluster, LineConnection connection) =>
        Encoding.UTF8.GetString((await cluster.World.ResultAsync(
            connection.ReadLineAsync(CancellationToken.None).AsTask(), "an answer", Soon))!.Value.Span);

    private static bool Says(FakeCluster cluster, string role, string part) => cluster.World.Log.Lines.Any(line =>
        line.Category == role && line.Text.Contains(part, StringComparison.Ordinal));

    private static ServerId Id(string text) =>
        ServerId.TryCreate(text, out ServerId id) ? id : throw new FormatException(text);
}
