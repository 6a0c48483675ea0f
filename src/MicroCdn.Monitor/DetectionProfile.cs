namespace MicroCdn.Monitor;

/// <summary>How patient a detector is; chosen by the kind of network between monitor and servers.</summary>
internal sealed record DetectionProfile
{
    /// <summary>One site, or lines that lose packets one by one: a hung server is dead in 0.7 s.</summary>
    public static DetectionProfile Lan { get; } = new();

    /// <summary>Lines that lose everything for a while: a burst of 200 ms is no silence worth a word, and one of 3 s
    /// is.</summary>
    /// <remarks>No faster detector is right on such a line: with bursts of 200 ms on average a tenth of all servers
    /// would be wrongly dead within the hour at 0.8 s.</remarks>
    public static DetectionProfile Wan { get; } = new()
    {
        Silence = TimeSpan.FromSeconds(1.2),
        Suspicion = TimeSpan.FromSeconds(2),
        Ping = TimeSpan.FromMilliseconds(25),
        WatchesRhythm = false,
    };

    /// <summary>Silence after which a server that beats every 100 ms is suspect; longer in proportion for one that
    /// beats more slowly.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMilliseconds(320);

    /// <summary>How long a suspect may leave every probe unanswered before it is dead.</summary>
    public TimeSpan Suspicion { get; init; } = TimeSpan.FromMilliseconds(430);

    /// <summary>Time between two probes of a suspect: at 30 % loss 49 of 100 are answered, so 35 that all fail are one
    /// in 10^10.</summary>
    public TimeSpan Ping { get; init; } = TimeSpan.FromMilliseconds(12);

    /// <summary>True to suspect earlier on a line so regular that the silence is already unlikely.</summary>
    public bool WatchesRhythm { get; init; } = true;
}
