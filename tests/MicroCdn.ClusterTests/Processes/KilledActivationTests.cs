using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Kill -9 in the middle of the activation of a release: all of it is visible or nothing, and the same command
/// goes on.</summary>
public sealed class KilledActivationTests : IAsyncDisposable
{
    private const int Files = 40;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(45);

    private readonly Stage _stage = new();
    private readonly Dictionary<string, RunningProcess> _servers = [];
    private RunningProcess? _index;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData("bringing", "index"), InlineData("bringing", "server"), InlineData("written", "index")]
    public async Task Who_is_killed_in_the_middle_of_an_activation_leaves_all_of_it_or_nothing(string stage, string victim)
    {
        await StartIndexAsync();
        string[] ids = victim == "index" ? ["CS1", "CS2"] : ["CS1", "CS2", "CS3"];
        await Task.WhenAll(ids.Select(StartServerAsync));
        string folder = _stage.MakeFolder("app");
        foreach (string version in new[] { "old", "new" })
        {
            for (int file = 0; file < Files; file++)
            {
                Stage.WriteFile(Path.Combine(folder, $"{file}.txt"), Encoding.UTF8.GetBytes($"{version} {file}"));
            }
            string[] staged = version == "new" ? ["--stage", "v2"] : [];
            await RunAsync(0, ["put", "app", .. staged]);
        }
        string[] old = await ShownAsync();
        Assert.Equal(Files, old.Distinct().Count());

        using Conversation operatorLine = new(_stage.IndexPort);
        if (stage == "bringing") _servers["CS1"].Freeze();
        await operatorLine.SendAsync("ACTIVATE v2\n"u8.ToArray());
        if (stage == "written") await operatorLine.UntilAsync("ACTIVATED");
        else await OthersSaidThatTheyHaveThemAsync();
        RunningProcess killed = victim == "index" ? _index! : _servers["CS1"];
        killed.Kill();
        await killed.UntilEndAsync();
        if (stage == "bringing" && victim == "index") _servers["CS1"].Thaw();

        if (victim == "server")
        {
            // Another server takes its copies.
            Assert.Equal($" {Files}", (await operatorLine.UntilAsync("ACTIVATED"))[^1][^3..]);
        }
        else await StartIndexAsync();
        string[] now = await ShownAsync();
        if (stage == "bringing" && victim == "index")
        {
            Assert.Equal(old, now);
            await Stage.UntilAsync("the same command activates it", Soon, async () => await EndAsync("activate", "v2") == 0);
            now = await ShownAsync();
        }
        Assert.Empty(now.Intersect(old));
        Assert.Equal(Files, now.Distinct().Count());
        await RunAsync(3, "activate", "v2");
        await Stage.UntilAsync("it can be taken back", Soon, async () => await EndAsync("rollback", "v2") == 0);
        Assert.Equal(old, await ShownAsync());
        await RunAsync(0, "get", "app/7.txt", "--out", "got");
        Assert.Equal("old 7", await File.ReadAllTextAsync(Path.Combine(_stage.Folder, "got")));
    }

    // The one that stands still is waited for; it is asked as the others are.
    private Task OthersSaidThatTheyHaveThemAsync() => Stage.UntilAsync("nothing is visible yet", Soon, async () =>
        (await Stage.ConverseAsync(_stage.IndexPort, "HELLO 2\nRELEASES\n")).Contains(" staged ", StringComparison.Ordinal));

    // The digests in the book, in the order of the names.
    private async Task<string[]> ShownAsync()
    {
        string asked = string.Concat(Enumerable.Range(0, Files).Select(file => $"STAT app/{file}.txt\n"));
        string[] lines = (await Stage.ConverseAsync(_stage.IndexPort, $"HELLO 2\n{asked}")).Split('\n');
        return [.. lines.Where(line => line.StartsWith("NAME ", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[4])];
    }

    private async Task StartIndexAsync() => _index = await _stage.IndexAsync("--data", _stage.MakeFolder("index"));

    private async Task StartServerAsync(string id)
    {
        RunningProcess process = await _stage.RegisteredContentAsync(id, _stage.MakeFolder($"files of {id}"),
            Stage.FreePort(), "--data", _stage.MakeFolder($"state of {id}"));
        await _stage.UntilPublishesOnAsync(id);
        lock (_servers) _servers[id] = process;
    }

    private async Task RunAsync(int code, params string[] words)
    {
        RunningProcess process = _stage.MicroCdn([.. words, "--index-port", $"{_stage.IndexPort}"]);
        int ended = await process.UntilEndAsync(Soon);
        Assert.True(ended == code, $"{string.Join(' ', words)}: {ended} instead of {code}: {process.Output}");
    }

    private Task<int> EndAsync(params string[] words) =>
        _stage.MicroCdn([.. words, "--index-port", $"{_stage.IndexPort}"]).UntilEndAsync(Soon);
}
