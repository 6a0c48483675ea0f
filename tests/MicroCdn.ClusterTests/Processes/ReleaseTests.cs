using System.Net;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Folders and releases are published by one command each to real content servers.</summary>
public sealed class ReleaseTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private readonly HttpClient _http = new();
    private readonly Dictionary<string, (int Port, RunningProcess Process)> _servers = [];

    public async ValueTask InitializeAsync()
    {
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"));
        await Task.WhenAll(StartAsync("CS1"), StartAsync("CS2"), StartAsync("CS3"));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _stage.DisposeAsync();
    }

    [Fact]
    public async Task A_folder_is_put_goes_on_where_it_was_is_moved_and_is_kept_as_it_is()
    {
        Write("site/index.html", "hello");
        Write("site/deep/er/a b.txt", "deep");
        Write("site/large.bin", new string('x', 2_000_000));
        Directory.CreateSymbolicLink(In("site/loop"), In("site"));
        string said = await RunAsync(0, "put", "site", "www/", "--replicas", "2", "--zone-spread");
        Assert.Contains("3 files (1.9 MiB) published, 0 were there", said, StringComparison.Ordinal);
        Assert.Contains("1 links", said, StringComparison.Ordinal);
        Assert.Equal("deep", await GetAsync("www/deep/er/a b.txt"));
        Assert.Contains("0 files (0 B) published, 3 were there", await RunAsync(0, "put", "site", "www"),
            StringComparison.Ordinal);
        said = await RunAsync(0, "stat", "www/large.bin");
        Assert.Contains("size      2000000", said, StringComparison.Ordinal);
        Assert.Contains("copies    2 of 2, in as many zones as there are", said, StringComparison.Ordinal);
        Assert.Contains("\"copies\": 2", await RunAsync(0, "stat", "www/large.bin", "--json"), StringComparison.Ordinal);

        await RunAsync(0, "mv", "www/index.html", "www/start.html");
        Assert.Equal("hello", await GetAsync("www/start.html"));
        Assert.Null(await GetAsync("www/index.html"));
        await RunAsync(3, "stat", "www/index.html");
        await RunAsync(3, "mv", "www/index.html", "www/other.html");
        Assert.Contains("not to be replaced", await RunAsync(1, "mv", "www/start.html", "www/large.bin"),
            StringComparison.Ordinal);
        await RunAsync(0, "mv", "www/start.html", "www/large.bin", "--force");
        Assert.Equal("hello", await GetAsync("www/large.bin"));

        // The folder counts: what changed is brought, what is not in it goes.
        Write("site/index.html", "hello again");
        File.Delete(In("site/deep/er/a b.txt"));
        said = await RunAsync(0, "sync", "site", "www", "--delete", "--dry-run");
        Assert.Contains("put     www/index.html", said, StringComparison.Ordinal);
        Assert.Contains("remove  www/deep/er/a b.txt", said, StringComparison.Ordinal);
        Assert.Contains("2 files (1.9 MiB) would be published, 0 were there, 1 would be removed", said,
            StringComparison.Ordinal);
        Assert.Equal("deep", await GetAsync("www/deep/er/a b.txt"));
        await RunAsync(0, "sync", "site", "www", "--delete");
        Assert.Null(await GetAsync("www/deep/er/a b.txt"));
        Assert.Equal("hello again", await GetAsync("www/index.html"));
    }

    [Fact]
    public async Task A_release_becomes_visible_as_a_whole_and_is_taken_back_as_a_whole()
    {
        Write("one/a.txt", "a1");
        Write("one/gone.txt", "gone");
        await RunAsync(0, "put", "one", "app");
        Write("two/a.txt", "a2");
        Write("two/b.txt", "b2");
        Assert.Contains("2 files (4 B) staged in v2, 0 were there, 1 removed",
            await RunAsync(0, "sync", "two", "app", "--delete", "--stage", "v2"), StringComparison.Ordinal);
        Assert.Equal("a1", await GetAsync("app/a.txt"));
        Assert.Null(await GetAsync("app/b.txt"));
        Assert.Contains("staged", await RunAsync(0, "releases"), StringComparison.Ordinal);

        // A server is lost before the curtain goes up: its copies are made elsewhere.
        _servers["CS3"].Process.Kill();
        await _servers["CS3"].Process.UntilEndAsync();
        string said = await RunAsync(0, "activate", "v2");
        Assert.Contains("activated v2 (3 files", said, StringComparison.Ordinal);
        Assert.Contains("shown by CS1", said, StringComparison.Ordinal);
        foreach (string id in new[] { "CS1", "CS2" })
        {
            Assert.Equal("a2", await FetchAsync(id, "app/a.txt"));
            Assert.Equal("b2", await FetchAsync(id, "app/b.txt"));
            Assert.Null(await FetchAsync(id, "app/gone.txt"));
        }
        Assert.Equal("a2", await GetAsync("app/a.txt"));
        await RunAsync(3, "activate", "v2");
        Assert.Contains("active already", await RunAsync(1, "put", "two", "app", "--stage", "v2"),
            StringComparison.Ordinal);

        // What was published anew since stays; the rest is what it was.
        Write("b3", "b3");
        await RunAsync(0, "put", "b3", "app/b.txt");
        said = await RunAsync(0, "rollback");
        Assert.Contains("rolled back v2 (2 files", said, StringComparison.Ordinal);
        Assert.Contains("1 names stay", said, StringComparison.Ordinal);
        Assert.Equal("a1", await GetAsync("app/a.txt"));
        Assert.Equal("gone", await GetAsync("app/gone.txt"));
        Assert.Equal("b3", await GetAsync("app/b.txt"));
        Assert.Contains("rolled-back", await RunAsync(0, "releases", "--json"), StringComparison.Ordinal);
        await RunAsync(3, "rollback");

        await RunAsync(0, "put", "two", "app", "--stage", "v3");
        Assert.Contains("v3: 2 files", await RunAsync(0, "unstage", "v3"), StringComparison.Ordinal);
        await RunAsync(3, "unstage", "v3");
        await RunAsync(3, "activate", "v3");
        await RunAsync(2, "activate", "two words");

        // By one command.
        await RunAsync(2, "put", "two", "app", "--activate");
        Assert.Contains("activated v4 (2 files",
            await RunAsync(0, "put", "two", "app", "--stage", "v4", "--activate"), StringComparison.Ordinal);
        Assert.Equal("b2", await GetAsync("app/b.txt"));
    }

    private async Task StartAsync(string id)
    {
        int port = Stage.FreePort();
        RunningProcess process = await _stage.RegisteredContentAsync(id, _stage.MakeFolder($"files of {id}"),
            Stage.FreePort(), "--http-port", $"{port}", "--data", _stage.MakeFolder($"state of {id}"));
        await _stage.UntilPublishesOnAsync(id);
        lock (_servers) _servers[id] = (port, process);
    }

    private string In(string path) => Path.Combine(_stage.Folder, path);

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(path))!);
        Stage.WriteFile(In(path), System.Text.Encoding.UTF8.GetBytes(text));
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        RunningProcess process = _stage.MicroCdn([.. arguments, "--index-port", $"{_stage.IndexPort}"]);
        int ended = await process.UntilEndAsync(Soon);
        Assert.True(ended == code, $"{string.Join(' ', arguments)}: {ended} instead of {code}: {process.Output}");
        return process.Output;
    }

    // As the index sends whoever asks; null when it knows no such file.
    private async Task<string?> GetAsync(string name)
    {
        string answer = await Stage.ConverseAsync(_stage.IndexPort, $"GET {name}\n");
        return answer.StartsWith("SERVER ", StringComparison.Ordinal)
            ? await FetchAsync(answer.Split(' ')[3], name) : null;
    }

    private async Task<string?> FetchAsync(string id, string name)
    {
        using HttpResponseMessage response = await _http.GetAsync(
            new Uri($"http://127.0.0.1:{_servers[id].Port}/{Uri.EscapeDataString(name).Replace("%2F", "/",
                StringComparison.Ordinal)}"), TestContext.Current.CancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound ? null
            : await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
