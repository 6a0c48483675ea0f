using System.Security.Cryptography;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Who publishes and who keeps may be wrong: files that change, servers that lie, clocks that
/// disagree.</summary>
public sealed class HostilePublishingTests
{
    private static readonly string[] Ids = ["CS1", "CS2", "CS3"];

    [Theory]
    [InlineData("grows", 5000), InlineData("grows", 3_000_000), InlineData("changes", 5000), InlineData("changes", 3_000_000)]
    [InlineData("shrinks", 5000), InlineData("shrinks", 3_000_000)]
    public Task A_file_that_changes_while_it_is_put_is_refused_and_nothing_of_it_is_seen(string how, int size) =>
        RunAsync(async cluster =>
        {
            byte[] old = Noise(100, 1), bytes = Noise(size, 2);
            await PutAsync(cluster, "a", new MemoryStream(old));
            Exception why = await Assert.ThrowsAnyAsync<Exception>(() => PutAsync(cluster, "a", new Restless(bytes, how)));
            Assert.True(why is CdnException { Failure: CdnFailure.Refused } or EndOfStreamException, why.ToString());
            Assert.Equal(old, await GetAsync(cluster, "a"));
            await PutAsync(cluster, "a", new MemoryStream(bytes));
            Assert.Equal(bytes, await GetAsync(cluster, "a"));
        });

    [Theory]
    [InlineData(5000), InlineData(3_000_000)]
    public Task A_source_that_gives_wrong_bytes_is_named_and_they_are_kept_nowhere(int size) => FakeCluster.RunAsync(1, async cluster =>
    {
        cluster.Network.FragmentBytes = 64 * 1024;
        cluster.TakesOrders = true;
        OrderingIndex index = new(cluster);
        cluster.StartContent("CS1");
        byte[] bytes = Noise(size, 1);
        _ = new ChunkServer(cluster, "CS2", "a") { Bytes = bytes, Rotten = { 0 } };
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        string root = size <= 1 << 20 ? "" : $" chunks={ChunkPeers.Root(bytes)}";
        index.Order("CS1", $"FETCH 1 {size} sha256={sha256}{root} name=a from=cs2:7001");
        await cluster.World.UntilAsync(() => index.Heard.Any(line => line.StartsWith("FAILED CS1 1 ", StringComparison.Ordinal)),
            "it is told", TimeSpan.FromSeconds(120), () => string.Join('\n', index.Heard));
        string told = index.Heard.First(line => line.StartsWith("FAILED CS1 1 ", StringComparison.Ordinal));
        Assert.StartsWith("FAILED CS1 1 WRONG_BYTES why=", told, StringComparison.Ordinal);
        Assert.Contains("cs2", told, StringComparison.Ordinal);
        Assert.Contains(cluster.World.Log.Lines, line => $"{line}".Contains("WRONG_BYTES", StringComparison.Ordinal)
            && $"{line}".Contains("cs2", StringComparison.Ordinal));
        string kept = Path.Combine(cluster.World.Folder["state of CS1"], "published");
        Assert.DoesNotContain(Directory.EnumerateFiles(kept, "*", SearchOption.AllDirectories),
            path => Path.GetFileName(path) == sha256);
    });

    [Theory]
    [InlineData(1), InlineData(-1), InlineData(2000), InlineData(-2000)]
    public Task Clocks_that_disagree_break_no_put_no_look_up_and_no_revision(int days) => FakeCluster.RunAsync(1, async cluster =>
    {
        (string Host, int Days)[] clocks = [("cs1", days), ("cs2", -days), ("client", days), ("monitor", -days)];
        foreach ((string host, int ahead) in clocks) cluster.Network.Host(host).ClockAhead = TimeSpan.FromDays(ahead);
        await StartAsync(cluster);
        foreach (byte[] bytes in new[] { Noise(100, 1), Noise(2_000_000, 2), Noise(300, 3) })
        {
            await PutAsync(cluster, "a", new MemoryStream(bytes), 3);
            Assert.Equal(bytes, await GetAsync(cluster, "a"));
        }
        // A blob that a clock calls a day old must not be thrown away before it is shown.
        await PutAsync(cluster, "b", new MemoryStream(Noise(100, 4)), 3, release: "r1");
        await cluster.World.AdvanceAsync(TimeSpan.FromMinutes(2));
        Publisher publisher = PublisherOf(cluster);
        ReleaseReceipt receipt = await cluster.World.ResultAsync(
            Task.Run(() => publisher.ActivateAsync("r1", null, CancellationToken.None)), "it is activated");
        Assert.Equal((1, 3), (receipt.Files, receipt.Shown.Count));
        Assert.Equal(Noise(100, 4), await GetAsync(cluster, "b"));

        // A clock that is set right, or wrong, while all runs; and servers that start with it.
        foreach (string id in Ids) cluster.Kill(id);
        foreach ((string host, int ahead) in clocks) cluster.Network.Host(host).ClockAhead = TimeSpan.FromDays(-ahead);
        foreach (string id in Ids) cluster.StartContent(id);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(40));
        await cluster.UntilAllAlive(Ids);
        Assert.Equal(Noise(300, 3), await GetAsync(cluster, "a"));
        await PutAsync(cluster, "a", new MemoryStream(Noise(50, 5)), 3);
        Assert.Equal(Noise(50, 5), await GetAsync(cluster, "a"));
        FileName.TryCreate("a", out FileName name);
        await cluster.World.ResultAsync(Task.Run(() => publisher.RemoveAsync(name, 0, CancellationToken.None)), "it is removed");
        Assert.Equal("ERROR FILE_NOT_FOUND", await cluster.AskAsync("index", "GET a"));
        Assert.Equal(Noise(100, 4), await GetAsync(cluster, "b"));
    });

    private static Task RunAsync(Func<FakeCluster, Task> body) => FakeCluster.RunAsync(1, async cluster =>
    {
        await StartAsync(cluster);
        await body(cluster);
    });

    private static async Task StartAsync(FakeCluster cluster)
    {
        cluster.Network.FragmentBytes = 64 * 1024;
        cluster.TakesOrders = true;
        MemoryRecordStore rows = new();
        cluster.RecordsOfIndex = () => rows;
        await cluster.StartAsync(Ids);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(6));
    }

    private static Publisher PublisherOf(FakeCluster cluster)
    {
        FakeHost machine = cluster.Network.Host("client");
        return new Publisher(new ClientOptions { IndexHost = "index" }, null, machine.Dialer, machine.Time);
    }

    private static async Task PutAsync(
        FakeCluster cluster, string name, Stream bytes, int replicas = 2, string? release = null)
    {
        FileName.TryCreate(name, out FileName file);
        PutOptions put = new() { Replicas = replicas, Release = release };
        await cluster.World.ResultAsync(Task.Run(() => PublisherOf(cluster).PutAsync(
            file, bytes, put, null, CancellationToken.None)), $"{name} is put", TimeSpan.FromMinutes(5));
    }

    private static async Task<byte[]> GetAsync(FakeCluster cluster, string name)
    {
        await cluster.DownloadAsync(name, "got");
        return cluster.World.Folder.Read("got")!;
    }

    private static byte[] Noise(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A file that somebody writes while it is read the second time.</summary>
    private sealed class Restless(byte[] bytes, string how) : MemoryStream(bytes)
    {
        private int _starts;

        public override long Length =>
            _starts < 2 || how == "changes" ? base.Length : how == "grows" ? base.Length + 1 : base.Length - 1;

        public override long Position
        {
            get => base.Position;
            set
            {
                if (value == 0) _starts++;
                base.Position = value;
            }
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (how == "shrinks" && _starts > 1) buffer = buffer[..(int)Math.Min(buffer.Length, Math.Max(0, Length - base.Position))];
            int read = Read(buffer.Span);
            if (how == "changes" && _starts > 1 && read > 0) buffer.Span[0] ^= 1;
            return ValueTask.FromResult(read);
        }
    }
}
