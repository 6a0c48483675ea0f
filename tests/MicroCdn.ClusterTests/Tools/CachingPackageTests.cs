using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The cache's decisions and store as others get them: packed, and used by the example program.</summary>
public sealed class CachingPackageTests
{
    [Fact]
    public async Task The_example_builds_against_the_package_stores_an_answer_and_uses_it()
    {
        await using Stage stage = new();
        string packages = await PackedExample.PackAsync(stage, "MicroCdn.Caching", "Caching", "Protocol", "Storage");
        string program = await PackedExample.BuildAsync(stage, "Copies", packages);
        RunningProcess example = stage.Run("dotnet", program);
        Assert.True(await example.UntilEndAsync(TimeSpan.FromSeconds(30)) == 0, example.Output);
        Assert.Equal("Hit, 10 s old\nhello", example.Output);
    }

    [Fact]
    public void What_the_package_shows_of_itself_is_the_example()
    {
        string readme = File.ReadAllText(Path.Combine(SourceTree.Root, "src/MicroCdn.Caching/README.md"));
        string program = File.ReadAllText(Path.Combine(SourceTree.Root, "examples/Copies/Program.cs"));
        Assert.Contains(readme.Split("```csharp\n")[1].Split("```")[0], program, StringComparison.Ordinal);
    }
}
