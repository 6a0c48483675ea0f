namespace MicroCdn.Bench;

/// <summary>One round: GiB for each second of the clock, and processor seconds for each GiB.</summary>
internal readonly record struct Round(Load Load, Usage Usage)
{
    public const double Gibibyte = 1 << 30;

    public double Rate => Load.Bytes / Gibibyte / Load.Time.TotalSeconds;

    public double Cost => Usage.Server.TotalSeconds / (Load.Bytes / Gibibyte);
}

/// <summary>A server with its client and the rounds it has played with the file at hand.</summary>
internal sealed class Contestant(string name, ServerProcess server, Func<SampleFile, ILoad> connect)
{
    private SampleFile? _file;

    public string Name => name;

    public List<Round> Rounds { get; } = [];

    public void Prepare(SampleFile file, TimeSpan warmUp)
    {
        Machine.Say($"{file.Label}: warming up {name}");
        Rounds.Clear();
        _file = file;
        using ILoad client = connect(file);
        client.Run(warmUp);
    }

    public void Play(TimeSpan time)
    {
        using ILoad client = connect(_file!);
        Meter meter = new(server);
        Load load = client.Run(time);
        Round round = new(load, meter.Stop());
        if (load.Bytes == 0) throw new BenchException($"{name} sent nothing of {_file!.Label} in a whole round.");
        Rounds.Add(round);
        Machine.Say($"{_file!.Label}: {name}: {load.Requests} requests, {round.Cost * 1e3:N0} ms/GiB");
    }

    public Spread Spread(Func<Round, double> figure) => Bench.Spread.Of(Rounds.Select(figure));

    /// <summary>How much more work than another this one does with the same processor time, round by round.</summary>
    public Spread LeanerThan(Contestant other) =>
        Bench.Spread.Of(Rounds.Zip(other.Rounds, (mine, theirs) => theirs.Cost / mine.Cost));

    /// <summary>How much more it does by the clock.</summary>
    public Spread FasterThan(Contestant other) =>
        Bench.Spread.Of(Rounds.Zip(other.Rounds, (mine, theirs) => mine.Rate / theirs.Rate));
}
