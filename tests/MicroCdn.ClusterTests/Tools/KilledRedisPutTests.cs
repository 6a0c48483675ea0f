using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Redis is killed in the middle of a put: the old bytes are had all the while, and the same command goes
/// on.</summary>
[Trait("Needs", "redis-server")]
public sealed class KilledRedisPutTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(45);

    [Fact]
    public async Task Redis_killed_in_the_middle_of_a_put_leaves_the_old_bytes_or_the_new_and_the_same_command_succeeds()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        RunningProcess redis = await RedisFleet.RedisAsync(stage, port);
        await stage.IndexAsync("--store", $"redis://127.0.0.1:{port}", "--data", stage.MakeFolder("index"), "--bind",
            "127.0.0.1");
        await stage.RegisteredContentAsync("CS1", stage.MakeFolder("files"), Stage.FreePort(), "--data",
            stage.MakeFolder("state"));
        await stage.UntilPublishesOnAsync("CS1");
        byte[] old = Stage.Noise(1000), bytes = Stage.Noise(2_000_000, seed: 2);
        Stage.WriteFile(Path.Combine(stage.Folder, "file"), old);
        Assert.Equal(0, await EndAsync("put", "file", "a", "--replicas", "1"));

        // It stands still when the book is to be written, and then dies.
        redis.Freeze();
        Stage.WriteFile(Path.Combine(stage.Folder, "file"), bytes);
        RunningProcess put = stage.MicroCdn("put", "file", "a", "--replicas", "1", "--index-port", $"{stage.IndexPort}");
        string blobs = stage.MakeFolder("state");
        await Stage.UntilAsync("the bytes are brought", Soon, () => Task.FromResult(Directory
            .EnumerateFiles(blobs, "*", SearchOption.AllDirectories).Any(path => new FileInfo(path).Length == bytes.Length
                && !path.EndsWith(".part", StringComparison.Ordinal))));
        Assert.Equal(old, await GetAsync());
        redis.Kill();
        await redis.UntilEndAsync();
        Assert.Equal(old, await GetAsync());
        await RedisFleet.RedisAsync(stage, port);
        Assert.True(await put.UntilEndAsync(Soon) is 0 or 4, put.Output);
        byte[] now = await GetAsync();
        Assert.True(now.AsSpan().SequenceEqual(old) || now.AsSpan().SequenceEqual(bytes));
        await Stage.UntilAsync("the same command succeeds", Soon, async () => await EndAsync("put", "file", "a", "--replicas", "1") == 0);
        Assert.Equal(bytes, await GetAsync());

        async Task<byte[]> GetAsync()
        {
            Assert.Equal(0, await EndAsync("get", "a", "--out", "got"));
            return await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got"));
        }

        Task<int> EndAsync(params string[] words) =>
            stage.MicroCdn([.. words, "--index-port", $"{stage.IndexPort}"]).UntilEndAsync(Soon);
    }
}
