namespace MicroCdn.Bench;

/// <summary>A content server over a folder; neither index nor monitor is there, and it must not mind.</summary>
internal sealed record ContentServer(ServerProcess Process, int LinePort, int HttpPort, int HttpsPort)
{
    /// <summary>Starts it on the given cores and waits until it gives out a file of the folder.</summary>
    public static ContentServer Start(
        Workspace workspace, string cores, string files, string probe, Certificate? certificate = null)
    {
        ContentServer server = Begin(workspace, cores, files, state: null, certificate);
        server.Process.WaitFor("microcdn content", () => Conversation.Answers(server.LinePort, $"GET {probe}", "OK "));
        return server;
    }

    /// <summary>Starts it, with a folder for its state that may know it already, and waits for nothing.</summary>
    public static ContentServer Begin(
        Workspace workspace, string cores, string files, string? state, Certificate? certificate = null,
        params string[] more)
    {
        int lines = Machine.FreePort(), http = Machine.FreePort(), https = certificate is null ? 0 : Machine.FreePort();
        string[] secure = certificate is null ? []
            : ["--https-port", $"{https}", "--cert", certificate.Chain, "--key", certificate.Key];
        ServerProcess process = workspace.StartRole(cores, "content", state,
            ["--server-id", "B", "--tcp-port", $"{lines}", "--udp-port", $"{Machine.FreePort()}", "--files", files,
            "--index-port", $"{Machine.FreePort()}",
            "--monitor-udp-port", $"{Machine.FreePort()}", "--monitor-tcp-port", $"{Machine.FreePort()}",
            "--http-port", $"{http}", .. secure, .. more]);
        return new ContentServer(process, lines, http, https);
    }
}
