using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What a power cut leaves of a file that was being published: the old one or the new one, whole.</summary>
[Trait("Needs", "strace")]
public sealed class CrashTests
{
    private const int Cuts = 12;
    internal static readonly byte[] New = Stage.Noise(2_500_000, seed: 2);
    internal static readonly byte[] Old = Stage.Noise(1_200_000, seed: 3);

    [Fact]
    public async Task What_a_client_calls_done_is_there_after_the_power_was_cut_and_what_it_was_doing_is_old_or_new()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root mounts images");
        await using Stage stage = new();
        await ServeAsync(stage);
        await using DiskImage disk = await DiskImage.MakeAsync(stage);
        Random chance = new(1);
        int whileRunning = 0;
        for (int cut = 0; cut < Cuts; cut++)
        {
            // Every other time into folders that do not exist yet: there is no old file then.
            bool isNew = cut % 2 == 1;
            string name = isNew ? $"new{cut}/folder/a.bin" : "a.bin";
            string target = Path.Combine(disk.Folder, name);
            if (!isNew) Stage.WriteFile(target, Old);
            await disk.SyncAsync();
            RunningProcess client = stage.MicroCdn("get", "a.bin", "--out", target, "--index-port", $"{stage.IndexPort}");
            await Stage.PassAsync(TimeSpan.FromMilliseconds(chance.Next(50, 400)), "the cut comes at any moment");
            // Whoever is stopped writes nothing while the disk is copied: the copy is of one moment.
            client.Freeze();
            if (!client.HasExited) whileRunning++;
            byte[]? found = await disk.AfterCutAsync(name);
            Assert.True(found is null ? isNew : found.AsSpan().SequenceEqual(New)
                || (!isNew && found.AsSpan().SequenceEqual(Old)), $"{found?.Length} bytes");
            client.Thaw();
            Assert.True(await client.UntilEndAsync() == 0, client.Output);
            Assert.Equal(New, await disk.AfterCutAsync(name));
            if (isNew) Directory.Delete(Path.Combine(disk.Folder, $"new{cut}"), recursive: true);
        }
        Assert.True(whileRunning > 0, "no cut fell into a download");
    }

    // A journal makes ext4 keep the folders with the file. Elsewhere a new folder may be gone, unless the fsync of each
    // of their parents was called: so the calls are looked at.
    [Fact]
    public async Task The_folders_that_a_client_makes_for_its_file_are_made_durable_too()
    {
        await using Stage stage = new();
        await ServeAsync(stage);
        string parent = stage.MakeFolder("parent"), calls = Path.Combine(stage.Folder, "calls");
        RunningProcess client = stage.Run("strace", "-f", "-qq", "-y", "-o", calls, "-e", "trace=fsync,rename",
            Stage.MicroCdnProgram, "get", "a.bin", "--out", Path.Combine(parent, "one/two/a.bin"),
            "--index-port", $"{stage.IndexPort}");
        Assert.True(await client.UntilEndAsync() == 0, client.Output);
        string[] synced = [.. (await File.ReadAllLinesAsync(calls)).Where(line => line.Contains("fsync(", StringComparison.Ordinal))];
        foreach (string folder in (string[])[parent, Path.Combine(parent, "one"), Path.Combine(parent, "one/two")])
        {
            Assert.Contains(synced, line => line.Contains($"<{folder}>", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_folders_of_a_content_servers_state_are_made_durable_at_its_first_start()
    {
        await using Stage stage = new();
        string parent = stage.MakeFolder("parent"), calls = Path.Combine(stage.Folder, "calls");
        RunningProcess content = stage.Run("strace", "-D", "-f", "-qq", "-y", "-o", calls, "-e", "trace=fsync",
            Stage.MicroCdnProgram, "content", "--server-id", "CS1", "--files", stage.MakeFolder("files"),
            "--data", Path.Combine(parent, "one/state"), "--tcp-port", $"{Stage.FreePort()}",
            "--udp-port", $"{Stage.FreePort()}", "--index-port", $"{stage.IndexPort}",
            "--monitor-udp-port", $"{stage.MonitorUdpPort}", "--monitor-tcp-port", $"{stage.MonitorTcpPort}");
        await content.UntilLineAsync("listens on");
        string synced = await File.ReadAllTextAsync(calls);
        Assert.Contains($"<{parent}>", synced, StringComparison.Ordinal);
        Assert.Contains($"<{parent}/one>", synced, StringComparison.Ordinal);
        Assert.Contains($"<{parent}/one/state>", synced, StringComparison.Ordinal);
    }

    internal static async Task ServeAsync(Stage stage)
    {
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("files", ("a.bin", New)), Stage.FreePort());
    }
}
