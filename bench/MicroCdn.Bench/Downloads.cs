namespace MicroCdn.Bench;

/// <summary>Compares downloads over the line protocol with nginx: what a request or a GiB costs a core.</summary>
internal static class Downloads
{
    private const double Gibibyte = 1 << 30;

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        _ = Machine.Program("nginx", "nginx-light");
        string files = workspace.MakeFolder("files");
        Machine.Say("writing the files");
        foreach (SampleFile file in SampleFile.All) file.Write(files);
        Contestant[] contestants = Start(workspace, files, settings);

        Table table = new("Downloads: one connection for each, against nginx on the same core",
            "file", "at once", "server", "requests/s", "GiB/s", "core busy", "load core busy", "processor time",
            "per core, nginx = 1", "wall, nginx = 1");
        List<Usage> all = [];
        foreach (SampleFile file in SampleFile.All.Where(file => settings.Only is null || file.Label == settings.Only))
        {
            foreach (Contestant contestant in contestants) contestant.Prepare(file, settings.WarmUp);
            settings.Alternate(contestants, contestant => contestant.Play(settings.Round));
            AddRows(table, file, contestants);
            all.AddRange(contestants.SelectMany(one => one.Rounds).Select(round => round.Usage));
        }
        table.Print(
            "Medians of alternating rounds (least-most). Ratios are by round, against the better nginx of that size,",
            "and above 1 is better: `per core` compares work by the server's processor time, `wall` work by the clock.",
            Usage.Quiet(all));
    }

    private static Contestant[] Start(Workspace workspace, string files, Settings settings)
    {
        int held = Machine.FreePort(), pushed = Machine.FreePort();
        string core = $"{Machine.ServerCore}", probe = SampleFile.All[0].Name;
        (ServerProcess ours, int port) = ContentServer.Start(workspace, core, files, probe);
        ServerProcess nginxHeld = Nginx.Start(workspace, files, probe, held, push: false);
        ServerProcess nginxPushed = Nginx.Start(workspace, files, probe, pushed, push: true);
        foreach (SampleFile file in SampleFile.All) file.Verify(files, port);
        ours.WaitUntilQuiet(settings.Patience(60));
        return
        [
            new Contestant("microcdn", ours, file => LoadClient.ForLines(port, file)),
            new Contestant("nginx, tcp_nopush on", nginxHeld, file => LoadClient.ForHttp(held, file)),
            new Contestant("nginx, tcp_nopush off", nginxPushed, file => LoadClient.ForHttp(pushed, file)),
        ];
    }

    private static void AddRows(Table table, SampleFile file, Contestant[] contestants)
    {
        Contestant[] nginx = contestants[1..];
        Contestant lean = nginx.MinBy(one => one.Spread(round => round.Cost).Median)!;
        Contestant fast = nginx.MaxBy(one => one.Spread(round => round.Rate).Median)!;
        foreach (Contestant one in contestants)
        {
            double size = file.Size / Gibibyte;
            bool small = file.Size < 1 << 20;
            table.Add(
                file.Label,
                $"{file.Connections}",
                one.Name,
                one.Spread(round => round.Rate / size).Show(file.Size < 1 << 30 ? "N0" : "N2"),
                one.Spread(round => round.Rate).Show("N2"),
                one.Spread(round => round.Usage.ServerBusy).Show("P0"),
                one.Spread(round => round.Usage.LoadBusy).Show("P0"),
                small
                    ? one.Spread(round => round.Cost * size * 1e6).Show("N1", " us/request")
                    : one.Spread(round => round.Cost * 1e3).Show("N0", " ms/GiB"),
                Spread.Of(one.Rounds.Zip(lean.Rounds, (mine, theirs) => theirs.Cost / mine.Cost)).Show("N2"),
                Spread.Of(one.Rounds.Zip(fast.Rounds, (mine, theirs) => mine.Rate / theirs.Rate)).Show("N2"));
        }
    }

    /// <summary>One round: GiB for each second of the clock, and processor seconds for each GiB.</summary>
    private readonly record struct Round(Load Load, Usage Usage)
    {
        public double Rate => Load.Bytes / Gibibyte / Load.Time.TotalSeconds;

        public double Cost => Usage.Server.TotalSeconds / (Load.Bytes / Gibibyte);
    }

    /// <summary>A server with its client and the rounds it has played with the file at hand.</summary>
    private sealed class Contestant(string name, ServerProcess server, Func<SampleFile, LoadClient> connect)
    {
        private SampleFile? _file;

        public string Name => name;

        public List<Round> Rounds { get; } = [];

        public void Prepare(SampleFile file, TimeSpan warmUp)
        {
            Machine.Say($"{file.Label}: warming up {name}");
            Rounds.Clear();
            _file = file;
            using LoadClient client = connect(file);
            client.Run(warmUp);
        }

        public void Play(TimeSpan time)
        {
            using LoadClient client = connect(_file!);
            Meter meter = new(server);
            Load load = client.Run(time);
            Round round = new(load, meter.Stop());
            Rounds.Add(round);
            Machine.Say($"{_file!.Label}: {name}: {load.Requests} requests, {round.Cost * 1e3:N0} ms/GiB");
        }

        public Spread Spread(Func<Round, double> figure) => Bench.Spread.Of(Rounds.Select(figure));
    }
}
