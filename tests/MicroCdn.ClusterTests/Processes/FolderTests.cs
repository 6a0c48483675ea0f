namespace MicroCdn.ClusterTests.Processes;

/// <summary>A folder that counts: what of it cannot be read is not taken for gone.</summary>
public sealed class FolderTests : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task What_was_passed_over_is_not_removed_and_a_dry_run_tells_by_name()
    {
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"));
        await _stage.RegisteredContentAsync("CS1", _stage.MakeFolder("files"), Stage.FreePort(),
            "--data", _stage.MakeFolder("state"));
        await _stage.UntilPublishesOnAsync("CS1");
        string[] names = [.. Enumerable.Range(10, 40).Select(n => $"{n}"), "dir/below", "gone", "dirt"];
        foreach (string name in names)
        {
            string path = Path.Combine(_stage.MakeFolder("site"), name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Stage.WriteFile(path, System.Text.Encoding.UTF8.GetBytes(name));
        }
        await RunAsync(0, "put", "site", "www", "--replicas", "1");

        // A file and a folder became links, and two files are gone.
        string site = _stage.MakeFolder("site");
        File.Move(Path.Combine(site, "10"), Path.Combine(_stage.Folder, "10"));
        File.CreateSymbolicLink(Path.Combine(site, "10"), Path.Combine(_stage.Folder, "10"));
        Directory.Move(Path.Combine(site, "dir"), Path.Combine(_stage.Folder, "dir"));
        Directory.CreateSymbolicLink(Path.Combine(site, "dir"), Path.Combine(_stage.Folder, "dir"));
        File.Delete(Path.Combine(site, "gone"));
        File.Delete(Path.Combine(site, "dirt"));
        string said = await RunAsync(7, "sync", "site", "www", "--delete");
        Assert.Contains("2 published names are not removed", said, StringComparison.Ordinal);
        Assert.Contains("39 were there, 2 removed", said, StringComparison.Ordinal);
        await RunAsync(0, "stat", "www/10");
        await RunAsync(0, "stat", "www/dir/below");
        await RunAsync(3, "stat", "www/gone");
        await RunAsync(3, "stat", "www/dirt");

        said = await RunAsync(0, "sync", "site", "other", "--dry-run");
        string[] told = [.. said.Split('\n').Where(line => line.StartsWith("put ", StringComparison.Ordinal))];
        Assert.Equal(39, told.Length);
        Assert.Equal(told.Order(StringComparer.Ordinal), told);
    }

    private async Task<string> RunAsync(int code, params string[] words)
    {
        RunningProcess process = _stage.MicroCdn([.. words, "--index-port", $"{_stage.IndexPort}"]);
        int ended = await process.UntilEndAsync(Soon);
        Assert.True(ended == code, $"{string.Join(' ', words)}: {ended} instead of {code}: {process.Output}");
        return process.Output;
    }
}
