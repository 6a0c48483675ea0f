using System.Net;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Files are published by one command to real content servers.</summary>
public sealed class PublishTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private readonly HttpClient _http = new();
    private readonly Dictionary<string, (int Port, RunningProcess Process)> _servers = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _stage.DisposeAsync();
    }

    [Fact]
    public async Task A_file_is_put_replaced_and_removed_and_a_server_that_was_away_brings_nothing_back()
    {
        await StartAsync("CS1", "CS2", "CS3");
        byte[] first = Stage.Noise(3 * 1024 * 1024 + 5), second = Stage.Noise(70_000, seed: 2);
        string said = await PutAsync(0, first, "releases/app.bin", "--replicas", "2");
        string[] holders = HoldersIn(said);
        Assert.Equal(2, holders.Length);
        foreach (string holder in holders) Assert.Equal(first, await FetchAsync(holder, "releases/app.bin"));
        string other = Assert.Single(_servers.Keys.Except(holders));
        Assert.Null(await FetchAsync(other, "releases/app.bin"));
        await GetAsync("releases/app.bin", first);

        // It was not to be replaced.
        Assert.Contains("not to be replaced", await PutAsync(1, second, "releases/app.bin", "--new"),
            StringComparison.Ordinal);
        await GetAsync("releases/app.bin", first);

        // One that is away has the old bytes; when it is back nobody is sent to it for them.
        await KillAsync(holders[0]);
        said = await PutAsync(0, second, "releases/app.bin", "--replicas", "2");
        Assert.DoesNotContain(holders[0], HoldersIn(said));
        await GetAsync("releases/app.bin", second);
        await StartAsync(holders[0]);
        await Stage.UntilAsync("the old bytes are nowhere", Soon,
            async () => await FetchAsync(holders[0], "releases/app.bin") is null);
        for (int time = 0; time < 5; time++) await GetAsync("releases/app.bin", second);

        string removed = await RunAsync(0, "rm", "releases/app.bin");
        Assert.Contains("removed releases/app.bin", removed, StringComparison.Ordinal);
        foreach (string holder in HoldersIn(said)) Assert.Null(await FetchAsync(holder, "releases/app.bin"));
        await RunAsync(3, "rm", "releases/app.bin");
        await NobodyHasAsync("releases/app.bin");
    }

    [Fact]
    public async Task What_was_removed_while_a_server_was_away_comes_back_with_nobody()
    {
        await StartAsync("CS1", "CS2");
        await PutAsync(0, Stage.Noise(1000), "a.bin");
        await KillAsync("CS1");
        await RunAsync(0, "rm", "a.bin");
        await StartAsync("CS1");
        await Stage.UntilAsync("the server itself has it no more", Soon,
            async () => await FetchAsync("CS1", "a.bin") is null);
        await NobodyHasAsync("a.bin");
        await PutAsync(0, Stage.Noise(500, seed: 3), "a.bin");
        await GetAsync("a.bin", Stage.Noise(500, seed: 3));
    }

    [Fact]
    public async Task What_cannot_be_published_is_said_with_its_reason_and_leaves_nothing()
    {
        await StartAsync("CS1");
        byte[] bytes = Stage.Noise(1000);
        Assert.Contains("have room", await PutAsync(6, bytes, "a.bin"), StringComparison.Ordinal);
        Assert.Contains("cannot be read", await RunAsync(1, "put", "nothing.bin"), StringComparison.Ordinal);
        Assert.Contains("a relative path", await RunAsync(2, "put", "file", "../climbs"), StringComparison.Ordinal);
        Assert.Contains("wants 1 to 64", await RunAsync(2, "put", "file", "--replicas", "0"), StringComparison.Ordinal);
        await RunAsync(3, "get", "a.bin");
        await PutAsync(0, bytes, "a.bin", "--replicas", "1");
        Assert.Equal(bytes, await FetchAsync("CS1", "a.bin"));
    }

    private async Task StartAsync(params string[] ids)
    {
        if (_servers.Count == 0) await _stage.IndexAsync("--data", _stage.MakeFolder("index"));
        foreach (string id in ids)
        {
            int port = _servers.TryGetValue(id, out var before) ? before.Port : Stage.FreePort();
            RunningProcess process = await _stage.RegisteredContentAsync(id, _stage.MakeFolder($"files of {id}"),
                Stage.FreePort(), "--http-port", $"{port}", "--data", _stage.MakeFolder($"state of {id}"));
            await _stage.UntilPublishesOnAsync(id);
            _servers[id] = (port, process);
        }
    }

    private async Task KillAsync(string id)
    {
        _servers[id].Process.Kill();
        await _servers[id].Process.UntilEndAsync();
    }

    // Our own client would remember for a while who had it.
    private async Task NobodyHasAsync(string name) =>
        Assert.Equal("ERROR FILE_NOT_FOUND\n", await Stage.ConverseAsync(_stage.IndexPort, $"GET {name}\n"));

    private Task<string> PutAsync(int code, byte[] bytes, params string[] more)
    {
        Stage.WriteFile(Path.Combine(_stage.Folder, "file"), bytes);
        return RunAsync(code, ["put", "file", .. more]);
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        RunningProcess process = _stage.MicroCdn([.. arguments, "--index-port", $"{_stage.IndexPort}"]);
        int ended = await process.UntilEndAsync(Soon);
        Assert.True(ended == code, $"{string.Join(' ', arguments)}: {ended} instead of {code}: {process.Output}");
        return process.Output;
    }

    private static string[] HoldersIn(string said) =>
        said.Trim()[(said.IndexOf(" on ", StringComparison.Ordinal) + 4)..].Split(", ");

    // Our client verifies what it gets.
    private async Task GetAsync(string name, byte[] bytes)
    {
        (int code, string output) = await _stage.GetAsync(name, "--out", "got");
        Assert.True(code == 0, output);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(_stage.Folder, "got")));
    }

    private async Task<byte[]?> FetchAsync(string id, string name)
    {
        using HttpResponseMessage response = await _http.GetAsync(
            new Uri($"http://127.0.0.1:{_servers[id].Port}/{name}"), TestContext.Current.CancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound ? null
            : await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
    }
}
