namespace MicroCdn.Client;

/// <summary>Where a client finds the index, and how patient it is.</summary>
public sealed record ClientOptions
{
    /// <summary>The folder of the user's caches, for <see cref="CacheFolder"/>.</summary>
    public static string UserCacheFolder => Path.Combine(Storage.CacheFolder.OfUser, "lists");

    /// <summary>The index's host.</summary>
    public string IndexHost { get; init; } = "localhost";

    /// <summary>The index's line port.</summary>
    public int IndexPort { get; init; } = 5050;

    /// <summary>Several indexes of one network, asked 300 ms apart until one knows the file; when there are any,
    /// <see cref="IndexHost"/> is not asked. At most 16.</summary>
    public IReadOnlyList<IndexEndPoint> Indexes { get; init; } = [];

    /// <summary>A gateway to ask over HTTP instead of an index.</summary>
    public Uri? Gateway { get; init; }

    /// <summary>A folder to remember for ten minutes where files are, so that they can be fetched while every index is
    /// away; null remembers nothing. Processes may share it; it stays below 64 MiB.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Silence after which a server is left. Another one is asked for the same chunk after 700 ms
    /// already.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between two questions to the index after a server failed.</summary>
    public TimeSpan AskAgain { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long the index is asked for another server.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Waits for as long as so many bytes that came are to take; null to take them as fast as they
    /// come.</summary>
    internal Func<int, CancellationToken, ValueTask>? Pace { get; init; }
}

/// <summary>Where one index listens.</summary>
/// <param name="Host">Its host name or address.</param>
/// <param name="Port">Its line port, 1 to 65535.</param>
public sealed record IndexEndPoint(string Host, int Port);
