namespace MicroCdn.Bench;

/// <summary>What the command line decides for every benchmark.</summary>
internal sealed record Settings
{
    /// <summary>The server executable, or its <c>.dll</c>.</summary>
    public required string Server { get; init; }

    /// <summary>The words that start the server.</summary>
    public string[] Program => Server.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", Server] : [Server];

    /// <summary>How many alternating rounds are measured.</summary>
    public required int Rounds { get; init; }

    /// <summary>How many rounds of crashes and hangs.</summary>
    public int Times { get; init; } = 1;

    /// <summary>How long one round lasts.</summary>
    public required TimeSpan Round { get; init; }

    /// <summary>How many copies a cache has on disk; null for what the benchmark thinks right.</summary>
    public int? Objects { get; init; }

    /// <summary>How many edges a purge is to reach; null for one edge with many copies.</summary>
    public int? Edges { get; init; }

    /// <summary>A test of the harness: figures from it mean nothing.</summary>
    public bool Quick { get; init; }

    /// <summary>More arguments for <c>microcdn up</c>.</summary>
    public string[] UpArguments { get; init; } = [];

    /// <summary>The one file size to download, such as <c>1 MiB</c>; all when null.</summary>
    public string? Only { get; init; }

    /// <summary>How long each server is used before it is measured: its code is compiled meanwhile.</summary>
    public TimeSpan WarmUp => TimeSpan.FromSeconds(Quick ? 0.5 : 15);

    /// <summary>How many files each registered server has.</summary>
    public int Files => Quick ? 20_000 : 1_000_000;

    /// <summary>How many idle connections are held open.</summary>
    public int IdleConnections => Quick ? 1_000 : 10_000;

    /// <summary>A wait that a test of the harness need not sit out.</summary>
    public TimeSpan Patience(double seconds) => TimeSpan.FromSeconds(Quick ? Math.Min(seconds, 1) : seconds);

    /// <summary>Runs the rounds; where several things take turns, each round begins with another one.</summary>
    public void Alternate<T>(IReadOnlyList<T> contestants, Action<T> play)
    {
        for (int round = 0; round < Rounds; round++)
        {
            for (int turn = 0; turn < contestants.Count; turn++) play(contestants[(round + turn) % contestants.Count]);
        }
    }
}
