namespace MicroCdn.Bench;

/// <summary>Starts an index without a monitor on the server's core.</summary>
internal static class Index
{
    /// <summary>Starts it on the given cores and waits until it answers.</summary>
    public static (ServerProcess Server, int Port) Start(
        Workspace workspace, string cores, params IReadOnlyList<string> more)
    {
        int port = Machine.FreePort();
        ServerProcess index = Begin(workspace, cores, null, port, more);
        index.WaitFor("microcdn index", () => Conversation.Answers(port, "HELLO", "WELCOME"));
        return (index, port);
    }

    /// <summary>Starts it on a folder and a port of one's own, and does not wait.</summary>
    public static ServerProcess Begin(
        Workspace workspace, string cores, string? state, int port, params IReadOnlyList<string> more) =>
        workspace.StartRole(cores, "index", state,
            ["--port", $"{port}", "--monitor-host", "127.0.0.1", "--monitor-tcp-port", $"{Machine.FreePort()}",
            .. more]);
}
