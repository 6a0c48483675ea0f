namespace MicroCdn.Bench;

/// <summary>Compares plain HTTP/1.1 over kept connections with nginx: what a request or a GiB costs a core.</summary>
internal static class Http
{
    private const int Small = 64 * 1024;

    /// <summary>From the smallest, where requests cost most, to the largest, where bytes do.</summary>
    private static readonly SampleFile[] Files =
    [
        SampleFile.OneKibibyte,
        SampleFile.SixteenKibibytes,
        new("quarter-mib.bin", "256 KiB", 256 << 10, 32),
        SampleFile.TenMebibytes,
        SampleFile.OneGibibyte,
    ];

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        SampleFile[] files = settings.Quick && settings.Only is null ? Files[..3] : Files;
        string folder = workspace.WriteFiles(files), probe = files[0].Name;
        ContentServer ours = ContentServer.Start(workspace, $"{Machine.ServerCore}", folder, probe);
        Nginx held = Nginx.Start(workspace, folder, probe, new NginxOptions { Keeps = true, Holds = true });
        Nginx pushed = Nginx.Start(workspace, folder, probe, new NginxOptions { Keeps = true });
        ours.Process.WaitUntilQuiet(settings.Patience(60));
        new Contest(settings, "HTTP/1.1 in clear text over kept connections, against nginx on the same core",
            new Contestant("microcdn", ours.Process, file => Client(ours.HttpPort, file)),
            Yardstick(held), Yardstick(pushed)).Run(files.SelectMany(Clients));
    }

    // A client that copies is the slower side with large files, and then tells little of the server.
    private static IEnumerable<SampleFile> Clients(SampleFile file)
    {
        if (file.Size > Small) yield return file;
        yield return file with { Client = "copying" };
    }

    private static Contestant Yardstick(Nginx nginx) =>
        new(nginx.Name, nginx.Process, file => Client(nginx.Port, file));

    private static LoadClient Client(int port, SampleFile file)
    {
        Demand demand = new(Requests.ForHttp(file, keep: true), file.Connections)
        {
            Keeps = true, Copies = file.Client == "copying",
        };
        return new LoadClient(port, demand);
    }
}
