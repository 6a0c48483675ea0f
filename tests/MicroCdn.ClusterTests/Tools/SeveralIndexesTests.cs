using System.Diagnostics;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Several indexes on one Redis: what one publishes all know, and another one publishes when it dies.</summary>
[Trait("Needs", "redis-server")]
public sealed class SeveralIndexesTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task What_the_writer_publishes_another_index_removes_after_the_writer_was_killed()
    {
        await using Stage stage = new();
        int redisPort = Stage.FreePort();
        RunningProcess redis = await RedisFleet.RedisAsync(stage, redisPort);
        int[] ports = [Stage.FreePort(), Stage.FreePort()];
        RunningProcess[] indexes =
            [Index(stage, redisPort, ports[0]), Index(stage, redisPort, ports[1])];
        await Task.WhenAny(indexes.Select(index => index.UntilSaidAsync("this index is the writer")));
        int first = indexes[0].Output.Contains("this index is the writer", StringComparison.Ordinal) ? 0 : 1;
        int other = 1 - first;
        await indexes[other].UntilSaidAsync("follows the writer");
        stage.MicroCdn("content", "--server-id", "CS1", "--tcp-port", $"{Stage.FreePort()}",
            "--udp-port", $"{Stage.FreePort()}", "--index-host", "127.0.0.1", "--index-port", $"{ports[first]}",
            "--data", stage.MakeFolder("state"));
        await stage.UntilPublishesOnAsync("CS1", ports[first]);
        Stage.WriteFile(Path.Combine(stage.Folder, "file"), Stage.Noise(1000));

        // The one that does not publish says who does, and the client goes there.
        Assert.Equal($"WELCOME MICRO-CDN 2\nWRITER 127.0.0.1 {ports[first]}\nEND\n",
            await Stage.ConverseAsync(ports[other], "HELLO 2\nWRITER\n"));
        await RunAsync(stage, 0, ports[other], "put", "file", "a.bin", "--replicas", "1");
        await RunAsync(stage, 0, ports[other], "put", "file", "b.bin", "--replicas", "1");

        indexes[first].Kill();
        long killed = Stopwatch.GetTimestamp();
        string said = await RunAsync(stage, 0, ports[other], "rm", "a.bin");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"the other index wrote {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s after the writer was killed");
        Assert.InRange(Stopwatch.GetElapsedTime(killed), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Contains("removed a.bin", said, StringComparison.Ordinal);

        string files = stage.MakeFolder("files");
        Stage.WriteFile(Path.Combine(files, "c.bin"), Stage.Noise(10));
        stage.MicroCdn("content", "--server-id", "CS2", "--files", files, "--tcp-port", $"{Stage.FreePort()}",
            "--udp-port", $"{Stage.FreePort()}", "--index-host", "127.0.0.1", "--index-port", $"{ports[other]}",
            "--data", stage.MakeFolder("state-2"));
        await Stage.UntilAsync("the index knows c.bin", Soon, async () =>
            (await Stage.ConverseAsync(ports[other], "GET c.bin\n")).StartsWith("SERVER", StringComparison.Ordinal));
        redis.Kill();
        await redis.UntilEndAsync();
        said = await RunAsync(stage, 4, ports[other], "rm", "b.bin");
        Assert.Contains("its disk or its Redis is away", said, StringComparison.Ordinal);
        Assert.Contains(" CS2 10\n", await Stage.ConverseAsync(ports[other], "GET c.bin\n"), StringComparison.Ordinal);
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
