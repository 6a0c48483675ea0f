using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Kill -9 in the middle of a put: the old bytes stay what is had, and the same command goes on.</summary>
public sealed class KilledPutTests : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(45);
    private static readonly byte[] Old = Stage.Noise(40_000), New = Stage.Noise((1 << 20) + 77, seed: 2);
    private static readonly string Sha256 = Hex(New);
    private static readonly string Words = $"app {New.Length} sha256={Sha256} "
        + $"chunks={Convert.ToHexStringLower(SHA256.HashData([.. New.Chunk(1 << 20).SelectMany(SHA256.HashData)]))}";

    private readonly Stage _stage = new();
    private readonly Dictionary<string, (int Port, RunningProcess Process)> _servers = [];
    private RunningProcess? _index;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData("placed", "index"), InlineData("half stored", "first"), InlineData("stored", "index")]
    [InlineData("stored", "first"), InlineData("fetching", "second"), InlineData("fetching", "index")]
    public async Task Who_is_killed_in_the_middle_of_a_put_leaves_the_old_bytes_and_the_same_command_succeeds(
        string stage, string victim)
    {
        await StartIndexAsync();
        foreach (string server in new[] { "CS1", "CS2", "CS3" }) await StartServerAsync(server);
        await PutAsync(Old);
        using Conversation index = new(_stage.IndexPort);
        string[] order = [.. (await index.AskAsync($"PLACE {Words}", "END")).Where(line => line.StartsWith("SERVER ",
            StringComparison.Ordinal)).Select(line => line.Split(' ')[3])];
        using Conversation first = new(_servers[order[0]].Port);
        if (stage != "placed")
        {
            Assert.Equal("SEND 0", (await first.AskAsync($"STORE {Words[4..]} put=p", "SEND"))[^1]);
            await first.SendAsync(stage == "half stored" ? New[..600_000] : New);
            if (stage != "half stored") await first.UntilAsync("OK STORED");
        }
        // One that stands still fetches for ever.
        if (stage == "fetching")
        {
            _servers[order[1]].Process.Freeze();
            await index.SendAsync(Encoding.UTF8.GetBytes($"PUBLISH {Words} at={order[0]}\n"));
            await index.UntilAsync($"COPY {order[0]}");
        }
        string id = victim == "first" ? order[0] : order[1];
        RunningProcess process = victim == "index" ? _index! : _servers[id].Process;
        process.Kill();
        if (stage == "fetching") _servers[order[1]].Process.Thaw();
        await process.UntilEndAsync();

        if (victim == "index") await StartIndexAsync();
        await OldOrNewAsync(stage == "fetching" && victim == "second");
        await PutAsync(New);
        if (victim != "index") await StartServerAsync(id);
        for (int time = 0; time < 2; time++) Assert.Equal(New, await GetAsync());
    }

    // Where the second was lost the index goes on to the third, whether its client still listens or not.
    private async Task OldOrNewAsync(bool mayBeNew)
    {
        byte[]? got = null;
        await Stage.UntilAsync("it can be had", Soon, async () => (got = await GetAsync()) is not null);
        if (!mayBeNew || got!.Length == Old.Length) Assert.Equal(Old, got);
        else Assert.Equal(New, got);
    }

    private async Task StartIndexAsync() => _index = await _stage.IndexAsync("--data", _stage.MakeFolder("index"));

    private async Task StartServerAsync(string id)
    {
        int port = _servers.TryGetValue(id, out var before) ? before.Port : Stage.FreePort();
        RunningProcess process = await _stage.RegisteredContentAsync(id, _stage.MakeFolder($"files of {id}"), port,
            "--data", _stage.MakeFolder($"state of {id}"));
        await _stage.UntilPublishesOnAsync(id);
        _servers[id] = (port, process);
    }

    // Servers come back to an index that was restarted within half a minute.
    private async Task PutAsync(byte[] bytes)
    {
        Stage.WriteFile(Path.Combine(_stage.Folder, "file"), bytes);
        await Stage.UntilAsync("it is published", Soon, async () => await RunAsync("put", "file", "app") == 0);
    }

    private async Task<byte[]?> GetAsync()
    {
        File.Delete(Path.Combine(_stage.Folder, "got"));
        return await RunAsync("get", "app", "--out", "got") != 0 ? null
            : await File.ReadAllBytesAsync(Path.Combine(_stage.Folder, "got"));
    }

    private Task<int> RunAsync(params string[] arguments) =>
        _stage.MicroCdn([.. arguments, "--index-port", $"{_stage.IndexPort}"]).UntilEndAsync(Soon);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
