using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The client library as others get it: packed, and used by the example program.</summary>
public sealed class ClientPackageTests
{
    [Fact]
    public async Task The_example_builds_against_the_package_and_downloads_a_file()
    {
        await using Stage stage = new();
        string packages = await PackedExample.PackAsync(
            stage, "MicroCdn.Client", "Client", "Network", "Protocol", "Storage");
        string program = await PackedExample.BuildAsync(stage, "Launcher", packages);
        await stage.IndexAsync();
        byte[] bytes = Stage.Noise(3_000_000);
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("game/patch 7.bin", bytes)), Stage.FreePort());
        RunningProcess launcher =
            stage.Run("dotnet", program, $"127.0.0.1:{stage.IndexPort}", "game/patch 7.bin", "got.bin");
        Assert.True(await launcher.UntilEndAsync(TimeSpan.FromSeconds(30)) == 0, launcher.Output);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got.bin")));
    }
}
