using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>An index with its page, a monitor, and two content servers with published files of every kind of
/// name.</summary>
public sealed class PageFleet : IAsyncLifetime
{
    /// <summary>A name that runs a script wherever it is taken for markup.</summary>
    public const string Hostile = "iso/<img src=x onerror=alert(1)>.iso";

    private const string Quoted = "iso/it's \"quoted\" & more.bin";

    private readonly Stage _stage = new();
    private readonly int _gateway = Stage.FreePort();
    private string _state = "";

    internal Stage Stage => _stage;

    internal PageBrowser Browser { get; private set; } = null!;

    internal RunningProcess Index { get; private set; } = null!;

    internal RunningProcess[] Contents { get; private set; } = [];

    internal int[] WebPorts { get; } = [Stage.FreePort(), Stage.FreePort()];

    internal string Url => $"http://127.0.0.1:{_stage.AdminPort}/";

    /// <summary>Where clients ask for files.</summary>
    internal string Gateway => $"http://127.0.0.1:{_gateway}/";

    internal string Token { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        _state = _stage.MakeFolder("index");
        await StartIndexAsync();
        Token = (await File.ReadAllTextAsync(Path.Combine(_state, "admin.token"))).Trim();
        await _stage.MonitorAsync();
        Contents = [await StartAsync(0), await StartAsync(1)];
        foreach (string name in (string[])[Hostile, Quoted, "docs/handbook.pdf"]) await PutAsync(name);
        await StageReleaseAsync("v1", "site/page.html");
        Browser = await PageBrowser.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Browser is not null) await Browser.DisposeAsync();
        await _stage.DisposeAsync();
    }

    /// <summary>Opens the page and signs in.</summary>
    internal async Task<OpenPage> SignedInAsync(int width = 1440, int height = 900, bool isDark = false)
    {
        OpenPage page = await Browser.OpenAsync(Url, width, height, isDark);
        await page.SignInAsync(Token);
        return page;
    }

    internal async Task StartIndexAsync()
    {
        Index = await _stage.IndexAsync(
            "--http-port", $"{_gateway}", "--data", _state, "--upload-free", "0");
        // The index opens this port after its line port.
        await Index.UntilSaidAsync($"127.0.0.1:{_stage.AdminPort}");
        if (Token.Length == 0) await Index.UntilSaidAsync("the first token");
    }

    /// <summary>Brings a file to its servers, unseen until its release is activated.</summary>
    internal async Task StageReleaseAsync(string release, string name)
    {
        string file = Path.Combine(_stage.Folder, "next");
        Stage.WriteFile(file, Stage.Noise(2_000, seed: 3));
        await RunAsync("put", file, name, "--stage", release);
    }

    private async Task<RunningProcess> StartAsync(int at)
    {
        string id = $"CS{at + 1}";
        RunningProcess content = await _stage.RegisteredContentAsync(id, _stage.MakeFolder($"files of {id}"),
            Stage.FreePort(), "--http-port", $"{WebPorts[at]}", "--data", _stage.MakeFolder($"state of {id}"),
            "--zone", $"zone-{at + 1}", "--origin", "/pulled/=http://127.0.0.1:9/");
        await _stage.UntilPublishesOnAsync(id);
        return content;
    }

    private async Task PutAsync(string name)
    {
        string file = Path.Combine(_stage.Folder, "file");
        Stage.WriteFile(file, Stage.Noise(70_000, seed: name.Length));
        await RunAsync("put", file, name);
    }

    private async Task RunAsync(params string[] command)
    {
        RunningProcess run = _stage.MicroCdn([.. command, "--index-port", $"{_stage.IndexPort}"]);
        int code = await run.UntilEndAsync();
        Assert.True(code == 0, $"{string.Join(' ', command)}: {code}: {run.Output}");
    }
}
