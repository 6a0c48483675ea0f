using System.Globalization;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>HTTP clients fetch files that only line servers have, through the gateway.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class RelayTests
{
    private const int Size = 700_000;

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task A_file_is_passed_on_whole_and_the_connection_goes_on(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        byte[] bytes = Give(cluster);
        await cluster.StartAsync("CS1");
        cluster.World.Phase("two files on one connection");
        Download download = new();
        Task fetching = download.RunAsync(cluster, times: 2);
        await cluster.World.UntilAsync(() => fetching.IsCompleted, "both files arrive");
        await fetching;
        Assert.Equal([.. bytes, .. bytes], download.Bytes);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_says_nothing_is_left_after_10_s(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        byte[] bytes = Give(cluster);
        await cluster.StartAsync("CS1");
        cluster.World.Phase("the server stalls");
        cluster.Network.LinkOf("cs1", "index").Stalls = true;
        Download download = new();
        Task fetching = download.RunAsync(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(9));
        Assert.False(fetching.IsCompleted);
        await cluster.World.UntilAsync(() => download.Status > 0, "it is told", TimeSpan.FromSeconds(3));
        Assert.Equal(502, download.Status);
        Assert.NotEqual(bytes, download.Bytes);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_dies_in_the_middle_cuts_the_response(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        byte[] bytes = Give(cluster);
        await cluster.StartAsync("CS1");
        cluster.World.Phase("the server dies");
        cluster.Network.LinkOf("cs1", "index").CutsAfter = Size / 2;
        Download download = new();
        Task fetching = download.RunAsync(cluster);
        await cluster.World.UntilAsync(() => fetching.IsCompleted, "the response ends", TimeSpan.FromSeconds(5));
        Assert.Equal(200, download.Status);
        Assert.InRange(download.Bytes.Count, 0, Size - 1);
        Assert.Equal(bytes[..download.Bytes.Count], download.Bytes);
    });

    private static byte[] Give(FakeCluster cluster)
    {
        byte[] bytes = new byte[Size];
        cluster.World.Chance.NextBytes(bytes);
        cluster.Give("CS1", "a b.bin", bytes);
        return bytes;
    }

    // A client that keeps what it gets, until it has it all or is cut off.
    private sealed class Download
    {
        public int Status { get; private set; }

        public List<byte> Bytes { get; } = [];

        public async Task RunAsync(FakeCluster cluster, int times = 1)
        {
            await using LineConnection connection = await cluster.Network.Host("client").Dialer.DialAsync(
                "index", FakeCluster.GatewayPort, CancellationToken.None);
            try
            {
                for (; times > 0; times--) await FetchAsync(connection);
            }
            catch (IOException)
            {
                // Cut.
            }
        }

        private async Task FetchAsync(LineConnection connection)
        {
            await connection.SendAsync("GET /a%20b.bin HTTP/1.1\r\nHost: index\r\n\r\n"u8.ToArray(), default);
            long left = 0;
            while (await connection.ReadLineAsync(default) is { Length: > 0 } line)
            {
                string field = Encoding.ASCII.GetString(line.Span);
                if (field.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)) Status = Number(field.Split(' ')[1]);
                if (field.StartsWith("Content-Length: ", StringComparison.Ordinal)) left = Number(field.Split(' ')[1]);
            }
            byte[] buffer = new byte[10_000];
            while (left > 0)
            {
                int read = await connection.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), default);
                if (read == 0) throw new IOException("cut");
                Bytes.AddRange(buffer.AsSpan(0, read));
                left -= read;
            }
        }

        private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
    }
}
