namespace MicroCdn.Bench;

/// <summary>Measures how long small requests wait while a few large downloads keep the same core busy.</summary>
internal static class Fairness
{
    private static readonly SampleFile Small = SampleFile.OneKibibyte with { Connections = 16 };
    private static readonly SampleFile Bulk = SampleFile.OneGibibyte with { Connections = 4 };

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        string folder = workspace.WriteFiles(Small, Bulk);
        ContentServer ours = ContentServer.Start(workspace, $"{Machine.ServerCore}", folder, Small.Name);
        Nginx held = Nginx.Start(workspace, folder, Small.Name, new NginxOptions { Keeps = true, Holds = true });
        Nginx pushed = Nginx.Start(workspace, folder, Small.Name, new NginxOptions { Keeps = true });
        ours.Process.WaitUntilQuiet(settings.Patience(60));
        Side[] sides =
        [
            new("microcdn", ours.Process, ours.HttpPort),
            new(held.Name, held.Process, held.Port),
            new(pushed.Name, pushed.Process, pushed.Port),
        ];
        foreach (Side side in sides)
        {
            Machine.Say($"warming up {side.Name}");
            side.Play(settings.WarmUp);
            side.Rounds.Clear();
        }
        settings.Alternate(sides, side =>
        {
            side.Play(settings.Round);
            Machine.Say($"{side.Name}: p50 {side.Rounds[^1].Half:N2} ms, p99 {side.Rounds[^1].Most:N2} ms");
        });
        Table table = new($"{Small.Label} over {Small.Connections} kept connections beside {Bulk.Connections} "
            + $"downloads of {Bulk.Label}, on one core", "server", "p50, ms", "p99, ms", "small/s", "GiB/s beside them",
            "core busy");
        foreach (Side side in sides)
        {
            table.Add(side.Name, side.Show(round => round.Half, "N2"), side.Show(round => round.Most, "N2"),
                side.Show(round => round.Small, "N0"), side.Show(round => round.Bulk, "N2"),
                side.Show(round => round.Usage.ServerBusy, "P0"));
        }
        table.Print(
            "Medians of alternating rounds (least-most). The client discards the large files, and copies the small.",
            Usage.Quiet(sides.SelectMany(side => side.Rounds).Select(round => round.Usage)));
    }

    private readonly record struct Round(double Half, double Most, double Small, double Bulk, Usage Usage);

    private sealed record Side(string Name, ServerProcess Process, int Port)
    {
        public List<Round> Rounds { get; } = [];

        public void Play(TimeSpan time)
        {
            Demand small = new(Requests.ForHttp(Small, keep: true), Small.Connections)
            {
                Keeps = true, Copies = true, IsTimed = true,
            };
            Demand bulk = new(Requests.ForHttp(Bulk, keep: true), Bulk.Connections) { Keeps = true };
            using LoadClient client = new(Port, small, bulk);
            Meter meter = new(Process);
            Load load = client.Run(time);
            // The small ones stop when the time is up, the large ones when they are complete.
            Rounds.Add(new Round(small.Within(0.5), small.Within(0.99), small.Answers / time.TotalSeconds,
                bulk.Bytes / Bench.Round.Gibibyte / load.Time.TotalSeconds, meter.Stop()));
        }

        public string Show(Func<Round, double> figure, string format) =>
            Spread.Of(Rounds.Select(figure)).Show(format);
    }
}
