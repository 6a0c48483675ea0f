using System.Diagnostics;

namespace MicroCdn.Bench;

/// <summary>Measures a whole server that does nothing, and what connections cost that say nothing.</summary>
internal static class Idle
{
    private const double Mebibyte = 1 << 20;

    public static void Run(Settings settings)
    {
        Alone(settings);

        Table table = new($"Idle connections: {settings.IdleConnections:N0} at 5 s after the first",
            "server", "first line", "in RAM before, MiB", "still open", "growth, MiB", "KiB/connection");
        foreach (string? line in (string?[])[null, "HELLO"])
        {
            Connections(settings, table, "index", line);
            Connections(settings, table, "content", line);
        }
        table.Print("Memory is VmRSS, without the kernel's for sockets; closed connections count in the growth.");
    }

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

    private static void Connections(Settings settings, Table table, string role, string? line)
    {
        Machine.Say($"{settings.IdleConnections:N0} connections to the {role}, first line {line ?? "none"}");
        using Workspace workspace = new(settings);
        (ServerProcess server, int port) =
            role == "index" ? Index.Start(workspace, Machine.AllCores) : Content(workspace);
        // The first connections pay for code and tables that later ones share.
        using (IdleConnections few = new(port, 100, line)) Machine.Wait(settings.Patience(1));
        server.WaitUntilQuiet(settings.Patience(10));
        long before = server.Memory;
        long begin = Stopwatch.GetTimestamp();
        using IdleConnections many = new(port, settings.IdleConnections, line);
        TimeSpan rest = TimeSpan.FromSeconds(5) - Stopwatch.GetElapsedTime(begin);
        if (rest > TimeSpan.Zero) Machine.Wait(rest);
        else Machine.Say($"opening them took {Stopwatch.GetElapsedTime(begin).TotalSeconds:N1} s");
        long growth = server.Memory - before;
        int open = many.CountOpen();
        table.Add(role, line ?? "none", $"{before / Mebibyte:N1}", $"{open:N0}", $"{growth / Mebibyte:N1}",
            open == 0 ? "-" : $"{growth / 1024.0 / open:N2}");
    }

    private static (ServerProcess Server, int Port) Content(Workspace workspace)
    {
        SampleFile file = SampleFile.All[0];
        string files = workspace.MakeFolder("files");
        file.Write(files);
        return ContentServer.Start(workspace, Machine.AllCores, files, file.Name);
    }
}
