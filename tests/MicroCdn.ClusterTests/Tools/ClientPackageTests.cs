using System.IO.Compression;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The client library as others get it: packed, and used by the example program.</summary>
public sealed class ClientPackageTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private static readonly string Root = SourceTree.Root;

    [Fact]
    public async Task The_example_builds_against_the_package_and_downloads_a_file()
    {
        await using Stage stage = new();
        string packages = stage.MakeFolder("packages");
        await DotNetAsync(stage, "pack", Path.Combine(Root, "src/MicroCdn.Client"), "-c", "Release", "-o", packages, "-v", "q");
        string package = Assert.Single(Directory.GetFiles(packages, "*.nupkg"));
        using (ZipArchive archive = ZipFile.OpenRead(package))
        {
            string[] inside = [.. archive.Entries.Select(entry => entry.FullName)];
            foreach (string room in new[] { "Client", "Network", "Protocol", "Storage" })
            {
                Assert.Contains($"lib/net10.0/MicroCdn.{room}.dll", inside);
                Assert.Contains($"lib/net10.0/MicroCdn.{room}.xml", inside);
            }
            Assert.Contains("README.md", inside);
            // Rooms are in it, not beside it; what others made is named.
            string about = new StreamReader(archive.GetEntry("MicroCdn.Client.nuspec")!.Open()).ReadToEnd();
            Assert.DoesNotContain("id=\"MicroCdn.", about, StringComparison.Ordinal);
            Assert.Contains("id=\"System.IO.Hashing\"", about, StringComparison.Ordinal);
        }

        string example = Copy(stage, "examples/Launcher", packages);
        await DotNetAsync(stage, "build", example, "-c", "Release", "-v", "q");
        await stage.IndexAsync();
        byte[] bytes = Stage.Noise(3_000_000);
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("game/patch 7.bin", bytes)), Stage.FreePort());
        RunningProcess launcher = stage.Run("dotnet", Path.Combine(example, "bin/Release/net10.0/Launcher.dll"),
            $"127.0.0.1:{stage.IndexPort}", "game/patch 7.bin", "got.bin");
        Assert.True(await launcher.UntilEndAsync(TimeSpan.FromSeconds(30)) == 0, launcher.Output);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got.bin")));
    }

    // The package is taken from the folder alone, and unpacked to where no other test finds it; everything else lies in
    // the user's packages already, since this repository was restored.
    private static string Copy(Stage stage, string example, string packages)
    {
        string folder = stage.MakeFolder("example");
        foreach (string file in Directory.GetFiles(Path.Combine(Root, example)))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
        string users = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{stage.MakeFolder("unpacked")}" /></config>
              <fallbackPackageFolders><add key="user" value="{users}" /></fallbackPackageFolders>
              <packageSources><clear /><add key="packed" value="{packages}" /></packageSources>
            </configuration>
            """);
        return folder;
    }

    private static async Task DotNetAsync(Stage stage, params string[] arguments)
    {
        RunningProcess dotnet = stage.Run("dotnet", arguments);
        Assert.True(await dotnet.UntilEndAsync(Patience) == 0, dotnet.Output);
    }
}
