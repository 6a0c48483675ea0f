namespace MicroCdn.Bench;

/// <summary>Compares HTTPS with nginx, HTTP/1.1 and HTTP/2, under the load of h2load.</summary>
internal static class Https
{
    private static readonly SampleFile[] Files =
    [
        SampleFile.SixteenKibibytes with { Client = H2Load.Http1 },
        SampleFile.TenMebibytes with { Client = H2Load.Http1 },
        SampleFile.OneKibibyte with { Client = H2Load.Http2, Connections = 16 },
    ];

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        Certificate certificate = Certificate.Make(workspace);
        string folder = workspace.WriteFiles(Files), probe = Files[0].Name;
        ContentServer ours =
            ContentServer.Start(workspace, $"{Machine.ServerCore}", folder, probe, certificate);
        Nginx held = Nginx.Start(workspace, folder, probe,
            new NginxOptions { Keeps = true, Holds = true, Certificate = certificate });
        ours.Process.WaitUntilQuiet(settings.Patience(60));
        new Contest(settings, "HTTPS over kept connections, against nginx on the same core",
            new Contestant("microcdn", ours.Process, file => new H2Load(ours.HttpsPort, file)),
            new Contestant("nginx", held.Process, file => new H2Load(held.Port, file))).Run(Files);
    }
}
