using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What a kill leaves of a file that a client was fetching: the old one or the new one, whole.</summary>
[Trait("Needs", "strace")]
public sealed class KilledClientTests
{
    private const int MostCalls = 200;

    [Theory]
    [InlineData("pwrite64")]
    [InlineData("fsync")]
    [InlineData("rename")]
    [InlineData("unlink")]
    public async Task A_client_killed_at_any_of_its_calls_leaves_the_old_file_or_the_new_one(string call)
    {
        await using Stage stage = new();
        await CrashTests.ServeAsync(stage);
        string target = Path.Combine(stage.Folder, "got", "a.bin");
        bool wasKilled = false;
        for (int number = 1; number <= MostCalls; number++)
        {
            Stage.WriteFile(target, CrashTests.Old);
            RunningProcess client = stage.Run("strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}",
                "-e", $"inject={call}:signal=KILL:when={number}", Stage.MicroCdnProgram, "get", "a.bin", "--out", target,
                "--index-port", $"{stage.IndexPort}");
            int code = await client.UntilEndAsync(TimeSpan.FromMinutes(1));
            byte[] left = await File.ReadAllBytesAsync(target);
            Assert.True(left.AsSpan().SequenceEqual(CrashTests.New) || left.AsSpan().SequenceEqual(CrashTests.Old),
                $"call {number}: {left.Length} bytes");
            if (code == 0)
            {
                Assert.Equal(CrashTests.New, left);
                // Whoever calls this only where it is called at all must have been killed there.
                Assert.True(wasKilled || call == "unlink", $"{call} was never called: {client.Output}");
                return;
            }
            wasKilled = true;
        }
        Assert.Fail($"the client makes more than {MostCalls} calls of {call}");
    }
}
