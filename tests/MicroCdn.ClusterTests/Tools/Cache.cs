using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A cache of ours as a process of its own, in front of an origin.</summary>
internal sealed class Cache
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private Cache(RunningProcess process, int port) => (Process, Port) = (process, port);

    public RunningProcess Process { get; }

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>Starts one that is alone: no index, no monitor, no folder of files.</summary>
    public static async Task<Cache> StartAsync(Stage stage, string origin, params string[] more)
    {
        int port = Stage.FreePort();
        RunningProcess process = stage.MicroCdn(
            ["content", "--origin", origin, "--http-port", $"{port}", "--bind", "127.0.0.1", .. more]);
        await process.UntilLineAsync("for HTTP");
        return new Cache(process, port);
    }

    /// <summary>Waits until one listens that was started in another way.</summary>
    public static async Task<Cache> OfAsync(RunningProcess process, int port)
    {
        await process.UntilLineAsync("for HTTP");
        return new Cache(process, port);
    }

    /// <summary>Starts one that belongs to the stage's fleet; ready when the index knows it.</summary>
    public static async Task<Cache> StartMemberAsync(
        Stage stage, string id, int port, string origin, params string[] more)
    {
        RunningProcess process = stage.MicroCdn(["content", "--server-id", id, "--origin", origin,
            "--http-port", $"{port}", "--bind", "127.0.0.1", "--tcp-port", $"{Stage.FreePort()}",
            "--udp-port", $"{Stage.FreePort()}", "--index-port", $"{stage.IndexPort}",
            "--monitor-udp-port", $"{stage.MonitorUdpPort}", "--monitor-tcp-port", $"{stage.MonitorTcpPort}", .. more]);
        await process.UntilLineAsync($"{id} registered");
        return new Cache(process, port);
    }

    /// <summary>One GET on a connection of its own.</summary>
    public Task<RawResponse> GetAsync(string target, string fields = "") => AskAsync("GET", target, fields);

    /// <summary>One request on a connection of its own.</summary>
    public async Task<RawResponse> AskAsync(string method, string target, string fields = "", string body = "")
    {
        using RawConnection connection = await RawConnection.OpenAsync(Port);
        string length = body.Length == 0 ? "" : $"Content-Length: {body.Length}\r\n";
        await connection.SendAsync($"{method} {target} HTTP/1.1\r\nHost: www.example.org\r\n{length}{fields}\r\n{body}");
        using CancellationTokenSource late = new(Patience);
        return await connection.ReadAsync(late.Token) ?? throw new IOException("closed without an answer");
    }
}
