namespace MicroCdn.Bench;

/// <summary>Starts a content server over a folder; neither index nor monitor is there, and it must not mind.</summary>
internal static class ContentServer
{
    /// <summary>Starts it on the given cores and waits until it gives out a file of the folder.</summary>
    public static (ServerProcess Server, int Port) Start(Workspace workspace, string cores, string files, string probe)
    {
        int port = Machine.FreePort();
        ServerProcess server = workspace.StartRole(cores, "content",
            "--server-id", "B", "--tcp-port", $"{port}", "--udp-port", $"{Machine.FreePort()}", "--files", files,
            "--index-port", $"{Machine.FreePort()}",
            "--monitor-udp-port", $"{Machine.FreePort()}", "--monitor-tcp-port", $"{Machine.FreePort()}");
        server.WaitFor("microcdn content", () => Conversation.Answers(port, $"GET {probe}", "OK "));
        return (server, port);
    }
}
