using System.Net.WebSockets;
using System.Text.Json.Nodes;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A headless Chromium with one page, driven by its DevTools port.</summary>
internal sealed class DevTools : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _late = new(Patience);
    private string? _session;
    private int _calls;

    /// <summary>Every response that the page received, as the Network domain describes it.</summary>
    public List<JsonNode> Responses { get; } = [];

    public static async Task<DevTools> StartAsync(Stage stage)
    {
        RunningProcess chromium = stage.Run("/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
            "--disable-dev-shm-usage", "--mute-audio", "--autoplay-policy=no-user-gesture-required",
            $"--user-data-dir={stage.MakeFolder("chromium")}", "--remote-debugging-port=0", "about:blank");
        string line = await chromium.UntilLineAsync("DevTools listening on ", Patience);
        DevTools tools = new();
        await tools._socket.ConnectAsync(new Uri(line.Split("listening on ")[1]), tools._late.Token);
        JsonNode target = await tools.CallAsync("Target.createTarget", new() { ["url"] = "about:blank" });
        JsonNode attached = await tools.CallAsync("Target.attachToTarget",
            new() { ["targetId"] = (string)target["targetId"]!, ["flatten"] = true });
        tools._session = (string)attached["sessionId"]!;
        await tools.CallAsync("Network.enable", []);
        await tools.CallAsync("Page.enable", []);
        return tools;
    }

    /// <summary>Opens a page.</summary>
    public Task GoAsync(string url) => CallAsync("Page.navigate", new() { ["url"] = url });

    /// <summary>Evaluates an expression in the page and waits for its promise.</summary>
    public async Task<string> EvaluateAsync(string expression)
    {
        JsonNode result = await CallAsync("Runtime.evaluate",
            new() { ["expression"] = expression, ["awaitPromise"] = true, ["returnByValue"] = true });
        Assert.True(result["exceptionDetails"] is null, result.ToJsonString());
        return result["result"]!["value"]?.ToString() ?? "";
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // Its many processes end with it, and give the folder back.
            await CallAsync("Browser.close", []);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // It ended before it answered.
        }
        _socket.Dispose();
        _late.Dispose();
    }

    private async Task<JsonNode> CallAsync(string method, JsonObject parameters)
    {
        int id = ++_calls;
        JsonObject call = new() { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (_session is not null && !method.StartsWith("Browser.", StringComparison.Ordinal)) call["sessionId"] = _session;
        byte[] text = System.Text.Encoding.UTF8.GetBytes(call.ToJsonString());
        await _socket.SendAsync(text, WebSocketMessageType.Text, true, _late.Token);
        while (true)
        {
            JsonNode message = await ReceiveAsync();
            if ((string?)message["method"] == "Network.responseReceived") Responses.Add(message["params"]!["response"]!);
            if ((int?)message["id"] != id) continue;
            Assert.True(message["error"] is null, message.ToJsonString());
            return message["result"]!;
        }
    }

    private async Task<JsonNode> ReceiveAsync()
    {
        using MemoryStream message = new();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult part = await _socket.ReceiveAsync(buffer.AsMemory(), _late.Token);
            if (part.MessageType == WebSocketMessageType.Close) throw new WebSocketException("closed");
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonNode.Parse(message.ToArray())!;
        }
    }
}
