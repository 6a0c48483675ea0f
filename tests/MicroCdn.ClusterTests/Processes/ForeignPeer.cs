namespace MicroCdn.ClusterTests.Processes;

/// <summary>Starts the foreign version 1 peers of tests/peers, written in Python from the contract alone.</summary>
internal static class ForeignPeer
{
    public static bool PythonIsHere { get; } = Environment.GetEnvironmentVariable("PATH")!.Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, "python3")));

    public static RunningProcess Start(Stage stage, string peer, params IEnumerable<string> arguments)
    {
        Assert.SkipUnless(PythonIsHere, "python3 is not installed; ./run-tests without --quick installs it");
        return stage.Run("python3", [Path.Combine(Folder, peer + ".py"), .. arguments]);
    }

    public static async Task<RunningProcess> ReadyAsync(Stage stage, string peer, params IEnumerable<string> arguments)
    {
        RunningProcess process = Start(stage, peer, arguments);
        await process.UntilLineAsync("READY");
        return process;
    }

    public static Task<RunningProcess> IndexAsync(Stage stage, string style = "keep-open") => ReadyAsync(stage, "index",
        "--port", $"{stage.IndexPort}", "--monitor-tcp-port", $"{stage.MonitorTcpPort}", "--style", style);

    public static Task<RunningProcess> MonitorAsync(Stage stage, string style = "keep-open") => ReadyAsync(stage, "monitor",
        "--udp-port", $"{stage.MonitorUdpPort}", "--tcp-port", $"{stage.MonitorTcpPort}", "--index-port",
        $"{stage.IndexPort}", "--timeout", "4", "--style", style);

    public static Task<RunningProcess> ContentAsync(Stage stage, string id, string folder, int port, string style) =>
        ReadyAsync(stage, "content", "--server-id", id, "--tcp-port", $"{port}", "--udp-port", $"{Stage.FreePort()}",
            "--files", folder, "--index-port", $"{stage.IndexPort}", "--monitor-udp-port", $"{stage.MonitorUdpPort}",
            "--monitor-tcp-port", $"{stage.MonitorTcpPort}", "--style", style);

    public static RunningProcess Client(Stage stage, string style, params IEnumerable<string> arguments) =>
        Start(stage, "client", ["--index-port", $"{stage.IndexPort}", "--monitor-tcp-port", $"{stage.MonitorTcpPort}",
            "--style", style, .. arguments]);

    private static string Folder
    {
        get
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MicroCdn.slnx"))) folder = folder.Parent;
            return Path.Combine(folder!.FullName, "tests", "peers");
        }
    }
}
