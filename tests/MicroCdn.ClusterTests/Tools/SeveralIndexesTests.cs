using System.Diagnostics;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Several indexes on one Redis: what one publishes all know, and another one publishes when it dies.</summary>
[Trait("Needs", "redis-server")]
public sealed class SeveralIndexesTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Three_indexes_know_what_one_publishes_and_outlive_the_writer_and_their_Redis()
    {
        await using Stage stage = new();
        int redisPort = Stage.FreePort();
        RunningProcess redis = await RedisFleet.RedisAsync(stage, redisPort);
        await using IndexFleet fleet = await IndexFleet.StartAsync(stage, $"redis://127.0.0.1:{redisPort}", indexes: 3);
        int writer = fleet.Writer, one = (writer + 1) % 3, other = (writer + 2) % 3;

        // The one that does not publish says who does, and the client goes there.
        Assert.Equal($"WELCOME MICRO-CDN 2\nWRITER 127.0.0.1 {fleet.Ports[writer]}\nEND\n",
            await Stage.ConverseAsync(fleet.Ports[one], "HELLO 2\nWRITER\n"));
        await fleet.PutAsync("a.bin");
        long put = Stopwatch.GetTimestamp();
        for (int index = 0; index < 3; index++) await fleet.UntilFoundAsync(index, "a.bin");
        Assert.InRange(Stopwatch.GetElapsedTime(put), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        await fleet.PutAsync("b.bin");

        fleet.BeginLookups("a.bin", one, other);
        fleet.Indexes[writer].Kill();
        long killed = Stopwatch.GetTimestamp();
        await fleet.PutAsync("a.bin", size: 2000);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"another index published {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s after the kill");
        Assert.InRange(Stopwatch.GetElapsedTime(killed), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        foreach (int index in new[] { one, other })
        {
            await fleet.UntilFoundAsync(index, "a.bin", 2000);
            await fleet.UntilFoundAsync(index, "b.bin");
        }

        redis.Kill();
        await redis.UntilEndAsync();
        int late = Stage.FreePort();
        RunningProcess waiting = Index(stage, redisPort, late);
        string said = await RunAsync(stage, 4, fleet.Ports[one], "rm", "b.bin");
        Assert.Contains("its Redis is away", said, StringComparison.Ordinal);
        Assert.DoesNotContain("listens on", waiting.Output, StringComparison.Ordinal);
        Assert.Contains(" behind=", await Stage.ConverseAsync(fleet.Ports[other], "HELLO 2\nLOCATE b.bin\n"),
            StringComparison.Ordinal);
        Assert.True(await fleet.EndLookupsAsync() > 20);
        await RedisFleet.RedisAsync(stage, redisPort);
        await waiting.UntilSaidAsync("listens on");
    }

    [Fact]
    public async Task What_is_published_moves_to_Redis_and_back_and_revisions_count_on()
    {
        await using Stage stage = new();
        int redisPort = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, redisPort);
        string url = $"redis://127.0.0.1:{redisPort}", folder = stage.MakeFolder("index");
        RunningProcess index = await stage.IndexAsync("--data", folder);
        await stage.RegisteredContentAsync("CS1", stage.MakeFolder("files"), Stage.FreePort(),
            "--data", stage.MakeFolder("state"));
        await stage.UntilPublishesOnAsync("CS1");
        Stage.WriteFile(Path.Combine(stage.Folder, "file"), Stage.Noise(1000));
        for (int time = 0; time < 5; time++)
        {
            await RunAsync(stage, 0, stage.IndexPort, "put", "file", "a.bin", "--replicas", "1");
        }
        await MigrateAsync(stage, 1, folder, url, "another process uses the folder");
        index.Kill();
        await index.UntilEndAsync();
        await MigrateAsync(stage, 0, folder, url, "copied 1 rows");
        await MigrateAsync(stage, 1, folder, url, "is not empty");

        RunningProcess shared = Index(stage, redisPort, stage.IndexPort);
        await shared.UntilSaidAsync("this index is the writer");
        await MigrateAsync(stage, 1, url, stage.MakeFolder("back"), "an index runs on");
        // It is asked for orders a moment after it registered.
        await stage.UntilPublishesOnAsync("CS1");
        string put = await RunAsync(stage, 0, stage.IndexPort, "put", "file", "b.bin", "--replicas", "1");
        Assert.Contains("revision 6", put, StringComparison.Ordinal);
        shared.AskToEnd();
        await shared.UntilEndAsync(Soon);
        await MigrateAsync(stage, 0, url, stage.MakeFolder("back"), "copied 2 rows");
    }

    private static async Task MigrateAsync(Stage stage, int code, string from, string to, string said)
    {
        RunningProcess migrate = stage.MicroCdn("index", "migrate", "--from", from, "--to", to);
        int ended = await migrate.UntilEndAsync(Soon);
        Assert.True(ended == code, migrate.Output);
        Assert.Contains(said, migrate.Output, StringComparison.Ordinal);
    }

    private static RunningProcess Index(Stage stage, int redisPort, int port) => stage.MicroCdn("index", "--port",
        $"{port}", "--bind", "127.0.0.1", "--store", $"redis://127.0.0.1:{redisPort}", "--data",
        stage.MakeFolder($"index-{port}"), "--monitor-host", "127.0.0.1", "--monitor-tcp-port",
        $"{stage.MonitorTcpPort}");

    private static async Task<string> RunAsync(Stage stage, int code, int port, params string[] arguments)
    {
        RunningProcess process = stage.MicroCdn([.. arguments, "--index", $"127.0.0.1:{port}"]);
        int ended = await process.UntilEndAsync(Soon + Soon);
        Assert.True(ended == code, $"{string.Join(' ', arguments)}: {ended} instead of {code}: {process.Output}");
        return process.Output;
    }
}
