using System.Text.Json;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>docs/operating.md: a server is retired, another one is killed, and every file has its copies again.</summary>
public sealed class HealTests : IAsyncLifetime
{
    private static readonly string[] Names = ["a.bin", "b.bin"];
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private readonly Dictionary<string, RunningProcess> _servers = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_server_is_retired_and_another_one_killed_and_all_copies_are_back()
    {
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"), "--heal-after", "1");
        foreach (string id in new[] { "CS1", "CS2", "CS3" })
        {
            RunningProcess server = await _stage.RegisteredContentAsync(id, _stage.MakeFolder(id), Stage.FreePort(),
                "--data", _stage.MakeFolder($"state of {id}"), "--publish-free", "0");
            _servers[id] = server;
        }
        foreach (RunningProcess server in _servers.Values) await server.UntilSaidAsync("asked for orders");
        foreach (string name in Names)
        {
            Stage.WriteFile(Path.Combine(_stage.Folder, name), Stage.Noise(100_000, name[0]));
            await RunAsync(0, "put", name);
        }

        Assert.Contains("no server of this id", await RunAsync(3, "server", "retire", "CS9"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("CS1 is retired and may be switched off", await RunAsync(0, "server", "retire", "CS1"),
            StringComparison.Ordinal);
        Assert.Equal((Names.Length, Names.Length), (await CopiesAsync("CS2"), await CopiesAsync("CS3")));
        Assert.Contains("retired, may be switched off", await RunAsync(0, "status"), StringComparison.Ordinal);
        await RunAsync(0, "server", "resume", "CS1");

        await RunAsync(0, "policy", "set", "a", "--replicas", "3");
        Assert.Contains("a  replicas=3", await RunAsync(0, "policy", "list"), StringComparison.Ordinal);
        await RunAsync(0, "policy", "rm", "a");

        _servers["CS2"].Kill();
        await Stage.UntilAsync("both others have all", Soon, async () =>
            await CopiesAsync("CS1") == Names.Length && await CopiesAsync("CS3") == Names.Length);
        // What is to be there is counted anew now and then: for a moment it is what the policy said.
        await Stage.UntilAsync("all is counted anew", Soon, async () => (await Stage.ConverseAsync(_stage.IndexPort,
            "HELLO 2\nSTATUS\n")).Contains($" there={2 * Names.Length} ", StringComparison.Ordinal));
        using JsonDocument status = JsonDocument.Parse(await RunAsync(0, "status", "--json"));
        Assert.Equal(2 * Names.Length, status.RootElement.GetProperty("there").GetInt32());
        Assert.Equal("dead", ServerOf(status, "CS2").GetProperty("state").GetString());
        (int code, string output) = await _stage.GetAsync(Names[0], "--out", "got");
        Assert.True(code == 0, output);
    }

    // By the wire: a process for each look would take as long as what is looked at.
    private async Task<int> CopiesAsync(string id)
    {
        string status = await Stage.ConverseAsync(_stage.IndexPort, "HELLO 2\nSTATUS\n");
        string line = status.Split('\n').Single(one => one.StartsWith($"SERVER {id} ", StringComparison.Ordinal));
        string word = line.Split(' ').Single(one => one.StartsWith("copies=", StringComparison.Ordinal));
        return int.Parse(word[7..], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static JsonElement ServerOf(JsonDocument status, string id) => status.RootElement.GetProperty("servers")
        .EnumerateArray().Single(server => server.GetProperty("id").GetString() == id);

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        RunningProcess process = _stage.MicroCdn([.. arguments, "--index-port", $"{_stage.IndexPort}"]);
        int ended = await process.UntilEndAsync(Soon);
        Assert.True(ended == code, $"{string.Join(' ', arguments)}: {ended}\n{process.Output}");
        return process.Output;
    }
}
