using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A file system in a file, of which a copy is what a power cut would have left.</summary>
internal sealed class DiskImage : IAsyncDisposable
{
    private readonly string _image;

    private DiskImage(string image, string folder) => (_image, Folder) = (image, folder);

    public string Folder { get; }

    public static async Task<DiskImage> MakeAsync(Stage stage, long megabytes = 32)
    {
        string image = Path.Combine(stage.Folder, "disk.img");
        await using (FileStream file = File.Create(image)) file.SetLength(megabytes << 20);
        await RunAsync("mkfs.ext4", "-q", "-m", "0", "-O", "^metadata_csum", image);
        DiskImage disk = new(image, stage.MakeFolder("disk"));
        await RunAsync("mount", "-o", "loop", image, disk.Folder);
        return disk;
    }

    public Task SyncAsync() => RunAsync("sync", "-f", Folder);

    public async Task<byte[]?> AfterCutAsync(string name)
    {
        byte[]? found = null;
        await AfterCutAsync(async folder =>
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path)) found = await File.ReadAllBytesAsync(path);
        });
        return found;
    }

    /// <summary>Looks at the folder as it would be had the power been cut now.</summary>
    public async Task AfterCutAsync(Func<string, Task> look)
    {
        string copy = _image + ".copy", folder = Directory.CreateDirectory(Folder + "-after").FullName;
        await RunAsync("cp", "--sparse=always", _image, copy);
        await RunAsync("mount", "-o", "loop", copy, folder);
        try
        {
            await look(folder);
        }
        finally
        {
            await RunAsync("umount", folder);
        }
    }

    public async ValueTask DisposeAsync() => await RunAsync("umount", Folder);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        await using RunningProcess run = RunningProcess.Start(program, arguments);
        Assert.True(await run.UntilEndAsync() == 0, $"{program}: {run.Output}");
    }
}
