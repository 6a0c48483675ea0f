using System.Diagnostics.Metrics;

namespace MicroCdn.Network;

/// <summary>A role that can be looked at while it runs.</summary>
public interface IWatched
{
    /// <summary>The id of the content server that it belongs to, and that all its instruments are labelled with; null
    /// for none.</summary>
    string? ServerName { get; }

    /// <summary>Adds its instruments, by the names of docs/metrics.md; they are read from any thread, at most once a
    /// second.</summary>
    /// <param name="meter">Where they are added.</param>
    /// <param name="inFull">True for a collector, which gets all that is known; false for /metrics, where fifty servers
    /// are to have two thousand series at most.</param>
    void Measure(Meter meter, bool inFull);

    /// <summary>The histograms that it counts itself, by the names of docs/metrics.md; read as its instruments
    /// are.</summary>
    IEnumerable<WatchedHistogram> Histograms() => [];

    /// <summary>What has to hold before anybody is sent here, each with what is wrong, or null when it holds.</summary>
    IEnumerable<ReadyCheck> Checks();
}

/// <summary>One thing that has to hold before a role is of use.</summary>
/// <param name="What">A word for it.</param>
/// <param name="Trouble">What is wrong, in a sentence's end; null when it holds.</param>
public readonly record struct ReadyCheck(string What, string? Trouble);
