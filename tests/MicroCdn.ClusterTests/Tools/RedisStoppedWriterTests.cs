using System.Globalization;
using MicroCdn.ClusterTests.Processes;
using MicroCdn.Records;
using MicroCdn.Records.Redis;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A writer's process that is stopped while it commits, and goes on when another one is the writer.</summary>
[Trait("Needs", "redis-server")]
public sealed class RedisStoppedWriterTests
{
    private const string Port = "MICROCDN_TEST_REDIS_PORT";

    [Fact]
    public async Task A_stopped_writer_that_wakes_up_has_written_nothing_and_knows_it()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        await RedisFleet.RedisAsync(stage, port);
        RunningProcess stopped = stage.Run("env", $"{Port}={port}", Environment.ProcessPath!, "-noColor", "-explicit",
            "only", "-method", $"{typeof(RedisStoppedWriterTests).FullName}.{nameof(Writes_until_another_one_does)}");
        await stopped.UntilLineAsync("committed 200");
        stopped.Freeze();

        await using RedisRecordStore second = RedisFleet.Store(port);
        await RedisFleet.LoadAsync(second);
        WriterLease? lease = null;
        await Stage.UntilAsync("the lease has run out and another index has it", TimeSpan.FromSeconds(20), async () =>
            (lease = (await second.ClaimAsync("index-2:6000", CancellationToken.None)).Lease) is not null);
        (long last, _) = await RedisFleet.LoadAsync(second);
        Assert.Equal(last, lease!.LastNumber);
        await RedisFleet.CommitAsync(second, last + 1, ("a", "taken over"));
        stopped.Thaw();

        // Its lease tells it so, or Redis does.
        string said = await stopped.UntilLineAsync("the writer");
        Assert.Contains(said.Trim(),
            (string[])["this index is not the writer", "index-2:6000 is the writer now; nothing was written"]);
        (long number, string[] rows) = await RedisFleet.LoadAsync(second);
        Assert.Equal(last + 1, number);
        Assert.Equal(["1 a=taken over"], rows);
        Assert.Equal("2", await RedisFleet.AskAsync(stage, port, "hget", "microcdn:writer", "epoch"));
    }

    // The other process of the test above: this program, asked for this alone.
    [Fact(Explicit = true)]
    public async Task Writes_until_another_one_does()
    {
        string port = Environment.GetEnvironmentVariable(Port) ?? "";
        Assert.SkipWhen(port == "", "another test starts it");
        await using RedisRecordStore store = RedisFleet.Store(int.Parse(port, CultureInfo.InvariantCulture));
        await RedisFleet.WriterAsync(store, "index-1:6000");
        for (long number = 1; ; number++)
        {
            try
            {
                await RedisFleet.CommitAsync(store, number, ("a", $"{number}"));
                Console.WriteLine($"committed {number}");
            }
            catch (WriterLostException lost)
            {
                Console.WriteLine(lost.Message);
                return;
            }
        }
    }
}
