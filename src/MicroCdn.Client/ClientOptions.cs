namespace MicroCdn.Client;

/// <summary>Where a client finds the index, and how patient it is.</summary>
public sealed record ClientOptions
{
    /// <summary>The index's host.</summary>
    public string IndexHost { get; init; } = "localhost";

    /// <summary>The index's line port.</summary>
    public int IndexPort { get; init; } = 5050;

    /// <summary>Silence after which a server is left.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between two questions to the index after a server failed.</summary>
    public TimeSpan AskAgain { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long the index is asked for another server.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(15);
}
