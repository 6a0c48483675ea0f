using System.Security.Cryptography;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>docs/protocol.md, Publishing: content servers between whoever brings bytes and an index that orders.</summary>
public sealed class PublishingTests
{
    private const int Port = 7001;

    [Fact]
    public Task What_is_brought_to_one_server_is_fetched_shown_and_dropped_as_the_index_orders() => Run(async (cluster, index) =>
    {
        byte[] bytes = new byte[(3 << 20) + 5];
        new Random(1).NextBytes(bytes);
        string sha256 = Hex(bytes), root = Hex([.. bytes.Chunk(1 << 20).SelectMany(SHA256.HashData)]);
        Assert.Equal("OK STORED", await StoreAsync(cluster, "cs1", bytes, put: "p1"));
        await index.UntilAsync($"STORED CS1 p1 sha256={sha256} size={bytes.Length} chunks={root}");
        Assert.Equal("ERROR FILE_NOT_FOUND", await AskAsync(cluster, "cs1", "GET a b"));

        index.Order("CS2", $"FETCH 1 {bytes.Length} sha256={sha256} chunks={root} from=nowhere:1 from=cs1:{Port}");
        await index.UntilAsync("DONE CS2 1");
        foreach (string id in new[] { "CS1", "CS2" })
        {
            index.Order(id, $"SHOW 2 a%20b sha256={sha256} revision=1 time=1700000000",
                $"SHOW 2 c sha256={sha256} revision=1 time=1700000000");
            await index.UntilAsync($"DONE {id} 2");
            await index.UntilAsync($"ADD_FILE {id} a%20b {bytes.Length} sha256={sha256} chunks={root} time=1700000000 rev=1");
            Assert.Equal(bytes, await GetAsync(cluster, id, "a b"));
        }

        // Its digests of chunks came with it.
        Assert.StartsWith("CHUNKS ", await AskAsync(cluster, "cs2", "CHUNKS c"), StringComparison.Ordinal);
        index.Order("CS2", "DROP 3 a%20b revision=2", "DROP 3 c revision=2");
        await index.UntilAsync("DONE CS2 3");
        await index.UntilAsync("REMOVE_FILE CS2 a%20b");
        Assert.Equal("ERROR FILE_NOT_FOUND", await AskAsync(cluster, "cs2", "GET a b"));
        // A download that began goes on.
        Assert.Equal("OK 1", await AskAsync(cluster, "cs2", $"RANGE 5 1 a%20b sha256={sha256}"));
    });

    [Fact]
    public Task Names_that_belong_together_are_not_shown_while_one_lacks_its_bytes() => Run(async (cluster, index) =>
    {
        await StoreAsync(cluster, "cs1", "Hi"u8.ToArray(), put: "p");
        string here = Hex("Hi"u8.ToArray()), away = Hex("Ho"u8.ToArray());
        index.Order("CS1", $"SHOW 7 a sha256={here} revision=1 time=1", $"SHOW 7 b sha256={away} revision=1 time=1",
            $"SHOW 8 c sha256={here} revision=1 time=1");
        await index.UntilAsync($"FAILED CS1 7 MISSING why={away}%20is%20not%20here");
        await index.UntilAsync("DONE CS1 8");
        Assert.Equal("ERROR FILE_NOT_FOUND", await AskAsync(cluster, "cs1", "GET a"));
        Assert.Equal("Hi"u8.ToArray(), await GetAsync(cluster, "CS1", "c"));
    });

    [Fact]
    public Task Why_an_order_cannot_be_carried_out_is_told() => Run(async (cluster, index) =>
    {
        await StoreAsync(cluster, "cs1", "Hi"u8.ToArray(), put: "p");
        string here = Hex("Hi"u8.ToArray()), away = Hex("Ho"u8.ToArray());
        index.Order("CS1", $"SHOW 1 a sha256={here} revision=5 time=1", $"SHOW 2 a sha256={here} revision=4 time=1",
            $"FORGET 3 sha256={here}", $"FORGET 4 sha256={away}", $"FETCH 5 2 sha256={away} from=cs2:{Port}",
            $"FETCH 6 {1L << 62} sha256={away} chunks={away} from=cs2:{Port}",
            $"FETCH 7 2 sha256={here} from=cs2:{Port}");
        await index.UntilAsync("DONE CS1 1");
        await index.UntilAsync("DONE CS1 2 stale=1");
        await index.UntilAsync("FAILED CS1 3 IN_USE why=a%20name%20shows%20it");
        await index.UntilAsync("DONE CS1 4");
        await index.UntilAsync("DONE CS1 7");
        await cluster.World.UntilAsync(() => index.Heard.Any(line => line.StartsWith("FAILED CS1 5 UNREACHABLE why=",
            StringComparison.Ordinal)), "the fetch fails", TimeSpan.FromSeconds(60), () => string.Join('\n', index.Heard));
    });

    [Fact]
    public Task What_is_told_is_told_again_until_it_is_noted() => Run(async (cluster, index) =>
    {
        index.IsForgetful = true;
        await StoreAsync(cluster, "cs1", "Hi"u8.ToArray(), put: "p");
        string stored = $"STORED CS1 p sha256={Hex("Hi"u8.ToArray())} size=2 chunks=";
        int Times() => index.Heard.Count(line => line.StartsWith(stored, StringComparison.Ordinal));
        await cluster.World.UntilAsync(() => Times() >= 3, "it is told again", TimeSpan.FromSeconds(10));
        index.IsForgetful = false;
        int before = Times();
        await cluster.World.UntilAsync(() => Times() > before, "and once more", TimeSpan.FromSeconds(10));
        int noted = Times();
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(noted, Times());
    });

    [Fact]
    public Task A_restarted_server_shows_and_announces_what_it_showed() => Run(async (cluster, index) =>
    {
        byte[] bytes = "Hello"u8.ToArray();
        await StoreAsync(cluster, "cs1", bytes, put: "p");
        index.Order("CS1", $"SHOW 1 a sha256={Hex(bytes)} revision=1 time=7");
        await index.UntilAsync("DONE CS1 1");
        cluster.Kill("CS1");
        int before = index.Heard.Length;
        cluster.StartContent("CS1");
        string announced = $"ADD_FILE CS1 a 5 sha256={Hex(bytes)} time=7 rev=1";
        await cluster.World.UntilAsync(() => index.Heard.Skip(before).Contains(announced), announced,
            TimeSpan.FromSeconds(10), () => string.Join('\n', index.Heard.Skip(before)));
        Assert.Equal(bytes, await GetAsync(cluster, "CS1", "a"));
    });

    private static Task Run(Func<FakeCluster, OrderingIndex, Task> body) => FakeCluster.RunAsync(1, async cluster =>
    {
        cluster.Network.FragmentBytes = 64 * 1024;
        cluster.TakesOrders = true;
        OrderingIndex index = new(cluster);
        foreach (string id in new[] { "CS1", "CS2" }) cluster.StartContent(id);
        foreach (string id in new[] { "CS1", "CS2" })
        {
            await cluster.World.UntilAsync(() => index.Heard.Any(line => line.StartsWith($"ORDERS {id} capacity=",
                StringComparison.Ordinal)), $"{id} asks", TimeSpan.FromSeconds(10), () => string.Join('\n', index.Heard));
        }
        await body(cluster, index);
    });

    private static async Task<string> StoreAsync(FakeCluster cluster, string host, byte[] bytes, string put)
    {
        await using LineConnection connection = await DialAsync(cluster, host);
        await SendAsync(connection, $"STORE {bytes.Length} sha256={Hex(bytes)} put={put}");
        string answer = await ReadAsync(cluster, connection);
        if (answer != "SEND 0") return answer;
        // The window is smaller than the bytes: they leave while the world goes on.
        Task sending = connection.SendAsync(bytes, CancellationToken.None).AsTask();
        answer = await ReadAsync(cluster, connection);
        await sending;
        return answer;
    }

    private static async Task<string> AskAsync(FakeCluster cluster, string host, string line)
    {
        await using LineConnection connection = await DialAsync(cluster, host);
        await SendAsync(connection, line);
        return await ReadAsync(cluster, connection);
    }

    private static async Task<byte[]> GetAsync(FakeCluster cluster, string id, string name)
    {
        await using LineConnection connection = await DialAsync(cluster, id.ToLowerInvariant());
        await SendAsync(connection, $"GET {name}");
        string head = await ReadAsync(cluster, connection);
        byte[] bytes = new byte[int.Parse(head.AsSpan(3), System.Globalization.CultureInfo.InvariantCulture)];
        for (int read = 0; read < bytes.Length;)
        {
            Task<int> reading = connection.ReadAsync(bytes.AsMemory(read), CancellationToken.None).AsTask();
            read += await cluster.World.ResultAsync(reading, "bytes", TimeSpan.FromSeconds(5));
        }
        return bytes;
    }

    private static async Task<LineConnection> DialAsync(FakeCluster cluster, string host)
    {
        LineConnection connection = await cluster.Network.Host("client").Dialer.DialAsync(host, Port, CancellationToken.None);
        await SendAsync(connection, "HELLO 2");
        Assert.Equal("WELCOME MICRO-CDN 2", await ReadAsync(cluster, connection));
        return connection;
    }

    private static ValueTask SendAsync(LineConnection connection, string line) =>
        connection.SendAsync(Encoding.UTF8.GetBytes(line + "\n"), CancellationToken.None);

    private static async Task<string> ReadAsync(FakeCluster cluster, LineConnection connection)
    {
        Task<ReadOnlyMemory<byte>?> reading = connection.ReadLineAsync(CancellationToken.None).AsTask();
        ReadOnlyMemory<byte>? line = await cluster.World.ResultAsync(reading, "an answer", TimeSpan.FromSeconds(10));
        return Encoding.UTF8.GetString(line!.Value.Span);
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
