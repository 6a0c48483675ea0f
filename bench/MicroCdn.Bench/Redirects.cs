namespace MicroCdn.Bench;

/// <summary>Counts the redirects one core of the gateway gives, with a million files on three servers.</summary>
internal static class Redirects
{
    private const int Connections = 64, Servers = 3;

    public static void Run(Settings settings)
    {
        IEnumerable<string> help = [.. settings.Program.Skip(1), "index", "--help"];
        if (!Tool.Run(settings.Program[0], TimeSpan.FromSeconds(30), [.. help])
            .Contains("--http-port", StringComparison.Ordinal))
        {
            throw new BenchException("This server has no gateway yet: `microcdn index` knows no --http-port.");
        }
        using Workspace workspace = new(settings);
        int http = Machine.FreePort();
        (ServerProcess index, int port) =
            Index.Start(workspace, $"{Machine.ServerCore}", "--http-port", $"{http}");
        List<Registration> servers = [];
        try
        {
            for (int number = 1; number <= Servers; number++)
            {
                Machine.Say($"registering {settings.Files:N0} files of server {number}");
                Registration server = new(port, number, web: true);
                servers.Add(server);
                server.AddFiles(settings.Files, lineBySend: false);
            }
            index.WaitUntilQuiet(settings.Patience(60));
            Measure(settings, index, http);
        }
        finally
        {
            foreach (Registration server in servers) server.Dispose();
        }
    }

    private static void Measure(Settings settings, ServerProcess index, int http)
    {
        Demand demand = new(Requests.ForRedirects(settings.Files), Connections)
        {
            Keeps = true, Copies = true, IsTimed = true,
        };
        using LoadClient client = new(http, demand);
        Machine.Say("warming up");
        client.Run(settings.WarmUp);
        List<Round> rounds = [];
        for (int number = 0; number < settings.Rounds; number++)
        {
            Meter meter = new(index);
            Load load = client.Run(settings.Round);
            rounds.Add(new Round(load, meter.Stop(), demand.Within(0.5), demand.Within(0.99)));
            Machine.Say($"{load.Requests:N0} redirects, p99 {rounds[^1].Most:N2} ms");
        }
        Table table = new($"Redirects: {settings.Files:N0} files on {Servers} servers, {Connections} kept connections",
            "redirects/s of the clock", "redirects/s of the server's core", "p50, ms", "p99, ms", "core busy",
            "load core busy");
        table.Add(
            Show(round => round.Load.Requests / round.Load.Time.TotalSeconds, "N0"),
            Show(round => round.Load.Requests / round.Usage.Server.TotalSeconds, "N0"),
            Show(round => round.Half, "N2"),
            Show(round => round.Most, "N2"),
            Show(round => round.Usage.ServerBusy, "P0"),
            Show(round => round.Usage.LoadBusy, "P0"));
        table.Print("Medians of rounds (least-most). Every answer must be 302 and name the file that was asked for.",
            Usage.Quiet(rounds.Select(round => round.Usage)));

        string Show(Func<Round, double> figure, string format) => Spread.Of(rounds.Select(figure)).Show(format);
    }

    private readonly record struct Round(Load Load, Usage Usage, double Half, double Most);
}
