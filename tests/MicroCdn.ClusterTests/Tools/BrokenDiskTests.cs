using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What the disk refuses to keep, by strace.</summary>
[Trait("Needs", "strace")]
public sealed class BrokenDiskTests
{
    // After a failed fsync the kernel may call the lost pages clean: who asks again is told that all is well.
    [Fact]
    public async Task One_failed_fsync_makes_the_state_read_only_and_loud_and_is_not_tried_again()
    {
        await using Stage stage = new();
        string files = stage.MakeFiles("files", ("hello.txt", "Hello"u8.ToArray()));
        // From an earlier start.
        string state = stage.MakeFolder("state"), calls = Path.Combine(stage.Folder, "calls");
        Directory.CreateDirectory(Path.Combine(state, "variants"));
        int port = Stage.FreePort();
        RunningProcess content = Start(stage, files, state, calls, port);
        await content.UntilLineAsync("the state is read-only until the program is started anew");
        await content.UntilLineAsync("computed 1 digests");

        // It serves on, and keeps nothing more.
        Assert.Equal("OK 5\nHello", await Stage.ConverseAsync(port, "GET hello.txt\n"));
        Stage.WriteFile(Path.Combine(files, "more.txt"), "More"u8.ToArray());
        await Stage.UntilAsync("the new file is served", TimeSpan.FromSeconds(30), async () =>
            await Stage.ConverseAsync(port, "GET more.txt\n") == "OK 4\nMore");
        Assert.Empty(Directory.EnumerateFiles(state, "*", SearchOption.AllDirectories));
        Assert.Single(await File.ReadAllLinesAsync(calls), line => line.Contains("sync(", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_disk_that_does_not_keep_a_new_state_is_refused_before_anything_is_served()
    {
        await using Stage stage = new();
        RunningProcess content = Start(stage, stage.MakeFolder("files"), Path.Combine(stage.Folder, "state"),
            Path.Combine(stage.Folder, "calls"), Stage.FreePort());
        Assert.Equal(2, await content.UntilEndAsync());
        Assert.Contains("for the state cannot be made, choose another with --data", content.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_says_that_the_disk_is_full_before_it_writes_and_leaves_nothing()
    {
        await using Stage stage = new();
        await stage.IndexAsync();
        string files = stage.MakeFiles("files", ("large.bin", Stage.Noise(9 << 20)));
        RunningProcess content = await stage.RegisteredContentAsync("CS1", files, Stage.FreePort());
        await content.UntilSaidAsync("computed 1 digests");
        string calls = Path.Combine(stage.Folder, "calls"), target = Path.Combine(stage.Folder, "got", "large.bin");
        RunningProcess client = stage.Run("strace", "-f", "-qq", "-o", calls, "-e", "trace=fallocate",
            "-e", "inject=fallocate:error=ENOSPC", Stage.MicroCdnProgram, "get", "large.bin", "--out", target,
            "--index-port", $"{stage.IndexPort}");
        Assert.Equal(6, await client.UntilEndAsync(TimeSpan.FromSeconds(60)));
        Assert.Contains($"no room is left on the disk for {target}: it needs 9437184 bytes", client.Output,
            StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(stage.Folder, "got")));
        Assert.Single(await File.ReadAllLinesAsync(calls), line => line.Contains("ENOSPC", StringComparison.Ordinal));
    }

    private static RunningProcess Start(Stage stage, string files, string state, string calls, int port) =>
        // -D: what is started becomes the server itself, and ends like any other.
        stage.Run("strace", "-D", "-f", "-qq", "-o", calls, "-e", "trace=fsync,fdatasync",
            "-e", "inject=fsync,fdatasync:error=EIO", Stage.MicroCdnProgram, "content", "--server-id", "CS1",
            "--files", files, "--tcp-port", $"{port}", "--udp-port", $"{Stage.FreePort()}", "--data", state,
            "--index-port", $"{stage.IndexPort}", "--monitor-udp-port", $"{stage.MonitorUdpPort}",
            "--monitor-tcp-port", $"{stage.MonitorTcpPort}");
}
