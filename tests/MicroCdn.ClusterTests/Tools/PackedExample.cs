using System.IO.Compression;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A package as others get it, and an example program that was built against it.</summary>
internal static class PackedExample
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>Packs a room, and fails when the package has not what it should have.</summary>
    /// <returns>The folder that holds the package.</returns>
    public static async Task<string> PackAsync(Stage stage, string name, params string[] rooms)
    {
        string packages = stage.MakeFolder("packages");
        await DotNetAsync(stage, "pack", Path.Combine(SourceTree.Root, "src", name), "-c", "Release", "-o", packages, "-v", "q");
        string package = Assert.Single(Directory.GetFiles(packages, "*.nupkg"));
        using ZipArchive archive = ZipFile.OpenRead(package);
        string[] inside = [.. archive.Entries.Select(entry => entry.FullName)];
        foreach (string room in rooms)
        {
            Assert.Contains($"lib/net10.0/MicroCdn.{room}.dll", inside);
            Assert.Contains($"lib/net10.0/MicroCdn.{room}.xml", inside);
        }
        Assert.Equal(rooms.Length, inside.Count(entry => entry.EndsWith(".dll", StringComparison.Ordinal)));
        Assert.Contains("README.md", inside);
        // Rooms are in it, not beside it; what others made is named.
        string about = new StreamReader(archive.GetEntry($"{name}.nuspec")!.Open()).ReadToEnd();
        Assert.DoesNotContain("id=\"MicroCdn.", about, StringComparison.Ordinal);
        Assert.Contains("id=\"System.IO.Hashing\"", about, StringComparison.Ordinal);
        return packages;
    }

    /// <summary>Builds an example in a folder of its own; returns its program.</summary>
    /// <remarks>The package is taken from the folder alone, and unpacked to where no other test finds it; everything else
    /// lies in the user's packages already, since this repository was restored.</remarks>
    public static async Task<string> BuildAsync(Stage stage, string name, string packages)
    {
        string folder = stage.MakeFolder("example");
        foreach (string file in Directory.GetFiles(Path.Combine(SourceTree.Root, "examples", name)))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
        string users = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await File.WriteAllTextAsync(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{stage.MakeFolder("unpacked")}" /></config>
              <fallbackPackageFolders><add key="user" value="{users}" /></fallbackPackageFolders>
              <packageSources><clear /><add key="packed" value="{packages}" /></packageSources>
            </configuration>
            """);
        await DotNetAsync(stage, "build", folder, "-c", "Release", "-v", "q");
        return Path.Combine(folder, "bin/Release/net10.0", $"{name}.dll");
    }

    private static async Task DotNetAsync(Stage stage, params string[] arguments)
    {
        RunningProcess dotnet = stage.Run("dotnet", arguments);
        Assert.True(await dotnet.UntilEndAsync(Patience) == 0, dotnet.Output);
    }
}
