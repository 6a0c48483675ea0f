using System.Security.Cryptography;
using System.Text;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The disk of a content server is full before and in the middle of a put.</summary>
[Trait("Needs", "mount")]
public sealed class FullPublishDiskTests : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private string? _disk;

    public async ValueTask DisposeAsync()
    {
        // The processes first: they hold the disk.
        string? disk = _disk;
        if (disk is not null) await RunningProcess.Start("umount", "--lazy", disk).UntilEndAsync(Soon);
        await _stage.DisposeAsync();
    }

    [Fact]
    public async Task A_full_disk_is_said_leaves_what_was_there_and_the_same_put_succeeds_when_there_is_room()
    {
        string state = _stage.MakeFolder("state");
        // For two files of 4 MiB: what was stored but never published still takes its room, and the index asks for as much
        // again, though the bytes are there.
        RunningProcess mount = RunningProcess.Start("mount", "-t", "tmpfs", "-o", "size=12m", "none", state);
        Assert.SkipUnless(await mount.UntilEndAsync(Soon) == 0, "this user may not mount a file system");
        _disk = state;
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"));
        int port = Stage.FreePort();
        await _stage.RegisteredContentAsync(
            "CS1", _stage.MakeFolder("files"), port, "--data", state, "--publish-free", "0");
        await _stage.UntilPublishesOnAsync("CS1");
        byte[] old = Stage.Noise(100_000), bytes = Stage.Noise(4 << 20, seed: 2);
        Assert.Contains("published", await PutAsync(0, old), StringComparison.Ordinal);
        Assert.Contains("room", await PutAsync(6, Stage.Noise(16 << 20)), StringComparison.Ordinal);

        // There was room when it began.
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        string root = Convert.ToHexStringLower(SHA256.HashData([.. bytes.Chunk(1 << 20).SelectMany(SHA256.HashData)]));
        using (Conversation upload = new(port))
        {
            await upload.SendAsync(Encoding.UTF8.GetBytes($"STORE {bytes.Length} sha256={sha256} chunks={root} put=p\n"));
            await upload.UntilAsync("SEND 0");
            await upload.SendAsync(bytes[..(1 << 20)]);
            RunningProcess fill = _stage.Run("dd", "if=/dev/zero", "of=state/filler", "bs=64k");
            await fill.UntilEndAsync(Soon);
            await upload.SendAsync(bytes[(1 << 20)..]);
            // Its room is taken on the disk when it begins, where the file system can do that.
            Assert.Contains((await upload.UntilAsync(""))[^1], (string[])["OK STORED", "ERROR DISK_FULL"]);
        }
        Assert.Equal(old, await GetAsync());
        File.Delete(Path.Combine(state, "filler"));
        Stage.WriteFile(Path.Combine(_stage.Folder, "file"), bytes);
        await Stage.UntilAsync("there is room again", Soon * 4, async () => await EndAsync("put", "file", "a", "--replicas", "1") == 0);
        Assert.Equal(bytes, await GetAsync());
    }

    private async Task<string> PutAsync(int code, byte[] bytes)
    {
        Stage.WriteFile(Path.Combine(_stage.Folder, "file"), bytes);
        RunningProcess put = _stage.MicroCdn("put", "file", "a", "--replicas", "1", "--index-port", $"{_stage.IndexPort}");
        int ended = await put.UntilEndAsync(Soon);
        Assert.True(ended == code, $"{ended} instead of {code}: {put.Output}");
        return put.Output;
    }

    private async Task<byte[]> GetAsync()
    {
        Assert.Equal(0, await EndAsync("get", "a", "--out", "got"));
        return await File.ReadAllBytesAsync(Path.Combine(_stage.Folder, "got"));
    }

    private Task<int> EndAsync(params string[] words) =>
        _stage.MicroCdn([.. words, "--index-port", $"{_stage.IndexPort}"]).UntilEndAsync(Soon);
}
