namespace MicroCdn.Bench;

/// <summary>Starts an index without a monitor on the server's core.</summary>
internal static class Index
{
    /// <summary>Starts it on the given cores and waits until it answers.</summary>
    public static (ServerProcess Server, int Port) Start(
        Workspace workspace, string cores, params IReadOnlyList<string> more)
    {
        int port = Machine.FreePort();
        ServerProcess index = workspace.StartRole(cores, "index", state: null,
            ["--port", $"{port}", "--monitor-host", "127.0.0.1", "--monitor-tcp-port", $"{Machine.FreePort()}",
            .. more]);
        index.WaitFor("microcdn index", () => Conversation.Answers(port, "HELLO", "WELCOME"));
        return (index, port);
    }
}
