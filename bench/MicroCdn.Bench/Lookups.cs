namespace MicroCdn.Bench;

/// <summary>Counts the lookups one core of the index answers, with a million files on three servers.</summary>
internal static class Lookups
{
    private const int Connections = 64, Servers = 3;

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        (ServerProcess index, int port) = Index.Start(workspace, $"{Machine.ServerCore}");
        List<Registration> servers = [];
        try
        {
            for (int number = 1; number <= Servers; number++)
            {
                Machine.Say($"registering {settings.Files:N0} files of server {number}");
                Registration server = new(port, number);
                servers.Add(server);
                server.AddFiles(settings.Files, lineBySend: false);
            }
            index.WaitUntilQuiet(settings.Patience(60));
            Measure(settings, index, port, settings.Files, "files");
        }
        finally
        {
            foreach (Registration server in servers) server.Dispose();
        }
    }

    /// <summary>Measures them in an index that knows the catalog's first files, and prints.</summary>
    public static void Measure(Settings settings, ServerProcess index, int port, int files, string what)
    {
        using LookupClient client = new(port, Connections, files);
        Case[] cases = [new(1, []), new(LookupClient.MostDepth, [])];
        foreach (Case one in cases)
        {
            Machine.Say($"warming up with {one.Depth} in flight");
            client.Run(settings.WarmUp, one.Depth);
        }
        settings.Alternate(cases, one =>
        {
            Meter meter = new(index);
            LookupLoad load = client.Run(settings.Round, one.Depth);
            one.Rounds.Add(new Round(load, meter.Stop()));
            Machine.Say($"{one.Depth} in flight: {load.Lookups:N0} lookups");
        });

        Table table = new(
            $"Lookups: {files:N0} {what} on {Servers} servers, {Connections} open connections",
            "in flight on each", "lookups/s of the clock", "lookups/s of the server's core", "core busy",
            "load core busy", "answers verified");
        foreach (Case one in cases)
        {
            table.Add(
                $"{one.Depth}",
                Show(one, round => round.Load.Lookups / round.Load.Time.TotalSeconds, "N0"),
                Show(one, round => round.Load.Lookups / round.Usage.Server.TotalSeconds, "N0"),
                Show(one, round => round.Usage.ServerBusy, "P0"),
                Show(one, round => round.Usage.LoadBusy, "P0"),
                $"{one.Rounds.Sum(round => round.Load.Verified):N0}");
        }
        table.Print(
            "Medians of alternating rounds (least-most). Where the core was not busy, the client was the limit.",
            Usage.Quiet(cases.SelectMany(one => one.Rounds).Select(round => round.Usage)));

        static string Show(Case one, Func<Round, double> figure, string format) =>
            Spread.Of(one.Rounds.Select(figure)).Show(format);
    }

    private readonly record struct Round(LookupLoad Load, Usage Usage);

    private sealed record Case(int Depth, List<Round> Rounds);
}
