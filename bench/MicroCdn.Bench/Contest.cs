namespace MicroCdn.Bench;

/// <summary>Lets our server and its yardsticks play with one file after another, and prints who did how much.</summary>
internal sealed class Contest
{
    private readonly Settings _settings;
    private readonly Contestant _ours;
    private readonly Contestant[] _yardsticks;
    private readonly string _title;
    private readonly List<Usage> _usages = [];

    /// <summary>Takes the contestants: the first is ours.</summary>
    public Contest(Settings settings, string title, Contestant ours, params Contestant[] yardsticks)
    {
        (_settings, _title, _ours, _yardsticks) = (settings, title, ours, yardsticks);
    }

    /// <summary>What the yardsticks are called together.</summary>
    public string Peer { get; init; } = "nginx";

    /// <summary>Plays the rounds with each of the files that the command line leaves, and prints them.</summary>
    public void Run(IEnumerable<SampleFile> files)
    {
        Contestant[] all = [_ours, .. _yardsticks];
        // One yardstick alone is the better one.
        IEnumerable<string> each = _yardsticks.Length == 1 ? [] : _yardsticks.Select(one => $"{one.Name} = 1");
        Table table = new(_title, ["file", "client", "server", "requests/s", "GiB/s", "core busy", "load core busy",
            "processor time", .. each, $"better {Peer} = 1", $"wall, better {Peer} = 1"]);
        foreach (SampleFile file in files.Where(file => _settings.Only is null || file.Label == _settings.Only))
        {
            foreach (Contestant one in all) one.Prepare(file, _settings.WarmUp);
            _settings.Alternate(all, one => one.Play(_settings.Round));
            foreach (Contestant one in all) AddRow(table, file, one);
            _usages.AddRange(all.SelectMany(one => one.Rounds).Select(round => round.Usage));
        }
        if (_usages.Count == 0) throw new BenchException($"There is no file of {_settings.Only} here.");
        table.Print(
            "Medians of alternating rounds (least-most). Ratios are by round, and above 1 is better: they compare work",
            "by the server's processor time, under `wall` by the clock. The better one is that of this row's file.",
            Usage.Quiet(_usages));
    }

    private void AddRow(Table table, SampleFile file, Contestant one)
    {
        Contestant lean = _yardsticks.MinBy(peer => peer.Spread(round => round.Cost).Median)!;
        Contestant fast = _yardsticks.MaxBy(peer => peer.Spread(round => round.Rate).Median)!;
        IEnumerable<string> each = _yardsticks.Length == 1 ? []
            : _yardsticks.Select(peer => one.LeanerThan(peer).Show("N2"));
        double size = file.Size / Round.Gibibyte;
        table.Add([
            file.Label,
            $"{file.Connections} {file.Client}",
            one.Name,
            one.Spread(round => round.Rate / size).Show(file.Size < 1 << 30 ? "N0" : "N2"),
            one.Spread(round => round.Rate).Show("N2"),
            one.Spread(round => round.Usage.ServerBusy).Show("P0"),
            one.Spread(round => round.Usage.LoadBusy).Show("P0"),
            file.Size < 1 << 20
                ? one.Spread(round => round.Cost * size * 1e6).Show("N1", " us/request")
                : one.Spread(round => round.Cost * 1e3).Show("N0", " ms/GiB"),
            .. each,
            one.LeanerThan(lean).Show("N2"),
            one.FasterThan(fast).Show("N2")]);
    }
}
