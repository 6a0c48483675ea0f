namespace MicroCdn.Bench;

/// <summary>Measures the memory of connections over HTTP: slow downloads of a large file, and idle ones.</summary>
internal static class Slow
{
    private const double Kibibyte = 1 << 10, Mebibyte = 1 << 20;
    private const int Pace = 64 * 1024;
    private static readonly SampleFile Probe = SampleFile.OneKibibyte;

    public static void Run(Settings settings)
    {
        SampleFile large = new("sparse.bin", "1 GiB", 1 << 30, settings.Quick ? 100 : 500);
        Table table = new($"{large.Connections} downloads of {large.Label} (a sparse file), each read at 64 KiB/s",
            "server", "in RAM before, MiB", "after", "bytes came", "growth, MiB", "KiB/connection", "core busy");
        using (Workspace workspace = new(settings))
        {
            string folder = workspace.WriteFiles(Probe);
            using (FileStream file = File.Create(Path.Combine(folder, large.Name))) file.SetLength(large.Size);
            ContentServer ours = ContentServer.Start(workspace, $"{Machine.ServerCore}", folder, Probe.Name);
            Measure(settings, table, "microcdn", ours.Process, ours.HttpPort, large);
            Nginx nginx = Nginx.Start(workspace, folder, Probe.Name, new NginxOptions { Keeps = true, Holds = true });
            Measure(settings, table, "nginx", nginx.Process, nginx.Port, large);
        }
        table.Print("Memory is VmRSS, without the kernel's for sockets.");
        Idle.Web(settings);
    }

    private static void Measure(
        Settings settings, Table table, string name, ServerProcess server, int port, SampleFile large)
    {
        Machine.Say($"{large.Connections} slow downloads from {name}");
        // The first connections pay for code and tables that later ones share.
        using (SlowReaders few = new(port, large with { Connections = 20 }, Pace)) few.Read(settings.Patience(3));
        server.WaitUntilQuiet(settings.Patience(30));
        long before = server.Memory;
        TimeSpan time = settings.Patience(15);
        using SlowReaders readers = new(port, large, Pace);
        Meter meter = new(server);
        long bytes = readers.Read(time);
        Usage usage = meter.Stop();
        long growth = server.Memory - before;
        double due = Pace * time.TotalSeconds * large.Connections;
        table.Add(name, $"{before / Mebibyte:N1}", $"{time.TotalSeconds} s", $"{bytes / due:P0} of the pace",
            $"{growth / Mebibyte:N1}", $"{growth / Kibibyte / large.Connections:N2}", $"{usage.ServerBusy:P0}");
    }
}
