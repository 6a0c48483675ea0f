namespace MicroCdn.Bench;

/// <summary>Compares downloads over the line protocol with nginx: what a request or a GiB costs a core.</summary>
internal static class Downloads
{
    /// <summary>From the smallest, where connections cost most, to the largest, where bytes do.</summary>
    private static readonly SampleFile[] Files =
    [
        SampleFile.OneKibibyte with { Connections = 16 },
        new("one-mib.bin", "1 MiB", 1 << 20, 8),
        SampleFile.OneGibibyte,
    ];

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        string folder = workspace.WriteFiles(Files), probe = Files[0].Name;
        ContentServer ours = ContentServer.Start(workspace, $"{Machine.ServerCore}", folder, probe);
        Nginx held = Nginx.Start(workspace, folder, probe, new NginxOptions { Holds = true });
        Nginx pushed = Nginx.Start(workspace, folder, probe, new NginxOptions());
        foreach (SampleFile file in Files) file.Verify(folder, ours.LinePort);
        ours.Process.WaitUntilQuiet(settings.Patience(60));
        new Contest(settings, "Downloads: one connection for each, against nginx on the same core",
            new Contestant("microcdn", ours.Process, file => Client(ours.LinePort, Requests.ForLines(file), file)),
            Yardstick(held), Yardstick(pushed)).Run(Files);
    }

    private static Contestant Yardstick(Nginx nginx) =>
        new(nginx.Name, nginx.Process, file => Client(nginx.Port, Requests.ForHttp(file, keep: false), file));

    private static LoadClient Client(int port, Requests requests, SampleFile file) =>
        new(port, new Demand(requests, file.Connections));
}
