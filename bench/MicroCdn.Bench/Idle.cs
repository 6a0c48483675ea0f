using System.Diagnostics;

namespace MicroCdn.Bench;

/// <summary>Measures a whole server that does nothing, and what connections cost that say nothing.</summary>
internal static class Idle
{
    private const double Mebibyte = 1 << 20;
    private static readonly SampleFile Probe = SampleFile.OneKibibyte;

    public static void Run(Settings settings)
    {
        Alone(settings);

        Table table = NewTable(settings, "Idle connections");
        foreach (string? line in (string?[])[null, "HELLO"])
        {
            string said = line ?? "none";
            Connections(settings, table, new Kind("index", said, line, one => Index.Start(one, Machine.AllCores)));
            Connections(settings, table, new Kind("content", said, line, workspace =>
            {
                ContentServer server = Content(workspace);
                return (server.Process, server.LinePort);
            }));
        }
        table.Print("Memory is VmRSS, without the kernel's for sockets; closed connections count in the growth.");
    }

    /// <summary>Measures connections kept open over HTTP after one request.</summary>
    public static void Web(Settings settings)
    {
        Table table = NewTable(settings, "Idle connections kept open over HTTP");
        string request = $"GET /{Probe.Name} HTTP/1.1\r\nHost: x\r\n\r";
        Connections(settings, table, new Kind("content, HTTP", "GET, answered", request, workspace =>
        {
            ContentServer server = Content(workspace);
            return (server.Process, server.HttpPort);
        }));
        table.Print();
    }

    private static Table NewTable(Settings settings, string what) =>
        new($"{what}: {settings.IdleConnections:N0} at 5 s after the first",
            "server", "first line", "in RAM before, MiB", "still open", "growth, MiB", "KiB/connection");

    private static void Alone(Settings settings)
    {
        using Workspace workspace = new(settings);
        TimeSpan wait = settings.Patience(10);
        Machine.Say($"microcdn up, {wait.TotalSeconds} s");
        ServerProcess server = workspace.Start(Machine.AllCores, [.. settings.Program, "up", .. settings.UpArguments]);
        Machine.Wait(wait);
        TimeSpan before = server.ProcessorTime;
        long memory = server.Memory;
        Machine.Wait(settings.Patience(5));
        Table table = new("microcdn up, alone", "after", "in RAM, MiB", "most so far, MiB", "processor use after that");
        table.Add($"{wait.TotalSeconds} s", $"{memory / Mebibyte:N1}", $"{server.MostMemory / Mebibyte:N1}",
            $"{(server.ProcessorTime - before) / settings.Patience(5):P2}");
        table.Print();
    }

    private static void Connections(Settings settings, Table table, Kind kind)
    {
        Machine.Say($"{settings.IdleConnections:N0} connections to the {kind.Server}, first line {kind.Said}");
        using Workspace workspace = new(settings);
        (ServerProcess server, int port) = kind.Start(workspace);
        // The first connections pay for code and tables that later ones share.
        using (IdleConnections few = new(port, 100, kind.Line)) Machine.Wait(settings.Patience(1));
        server.WaitUntilQuiet(settings.Patience(10));
        long before = server.Memory;
        long begin = Stopwatch.GetTimestamp();
        using IdleConnections many = new(port, settings.IdleConnections, kind.Line);
        TimeSpan rest = TimeSpan.FromSeconds(5) - Stopwatch.GetElapsedTime(begin);
        if (rest > TimeSpan.Zero) Machine.Wait(rest);
        else Machine.Say($"opening them took {Stopwatch.GetElapsedTime(begin).TotalSeconds:N1} s");
        long growth = server.Memory - before;
        int open = many.CountOpen();
        table.Add(kind.Server, kind.Said, $"{before / Mebibyte:N1}", $"{open:N0}", $"{growth / Mebibyte:N1}",
            open == 0 ? "-" : $"{growth / 1024.0 / open:N2}");
    }

    private static ContentServer Content(Workspace workspace) =>
        ContentServer.Start(workspace, Machine.AllCores, workspace.WriteFiles(Probe), Probe.Name);

    /// <summary>A server to connect to, and what each connection says first.</summary>
    private sealed record Kind(
        string Server, string Said, string? Line, Func<Workspace, (ServerProcess Server, int Port)> Start);
}
