using MicroCdn.Protocol;

namespace MicroCdn.Index.Figures;

/// <summary>What is counted of a server, or of all: an amount, or an amount a second.</summary>
/// <param name="Requests">HTTP requests that were answered.</param>
/// <param name="Errors">Of these with a status of 500 and above.</param>
/// <param name="Bytes">Bytes of bodies that were sent.</param>
/// <param name="Hits">Requests that a copy answered.</param>
/// <param name="Misses">Requests for which an origin was asked.</param>
/// <param name="FilledBytes">Bytes that came from origins.</param>
/// <param name="SavedBytes">Bytes that clients got of copies and that came neither from an origin nor from another
/// cache: less than none while copies are filled that nobody has asked for again.</param>
public readonly record struct FigureCounts(double Requests, double Errors, double Bytes, double Hits, double Misses,
    double FilledBytes, double SavedBytes)
{
    /// <summary>What a server told.</summary>
    internal static FigureCounts Of(ServerFigures told) => new(told.Requests, told.Errors, told.Bytes, told.Hits,
        told.Misses, told.FilledBytes, (double)told.CachedBytes - told.FilledBytes - told.ParentBytes);

    /// <summary>Both together.</summary>
    public FigureCounts Plus(in FigureCounts more) => new(Requests + more.Requests, Errors + more.Errors,
        Bytes + more.Bytes, Hits + more.Hits, Misses + more.Misses, FilledBytes + more.FilledBytes,
        SavedBytes + more.SavedBytes);

    /// <summary>So many times as much.</summary>
    public FigureCounts Times(double factor) => new(Requests * factor, Errors * factor, Bytes * factor, Hits * factor,
        Misses * factor, FilledBytes * factor, SavedBytes * factor);

    /// <summary>What was counted since.</summary>
    public FigureCounts Since(in FigureCounts before) => Plus(before.Times(-1));
}

/// <summary>What a content server told last.</summary>
/// <param name="Figures">What it said.</param>
/// <param name="Age">How long ago.</param>
/// <param name="Rates">What it does a second, over the last five; null when it told nothing lately.</param>
public sealed record ToldFigures(ServerFigures Figures, TimeSpan Age, FigureCounts? Rates);

/// <summary>What all servers do a second, over the last five.</summary>
/// <param name="Rates">What they do.</param>
/// <param name="Downloads">Downloads that are under way now.</param>
/// <param name="Servers">How many servers told lately.</param>
public sealed record FleetTotal(FigureCounts Rates, int Downloads, int Servers);

/// <summary>The last hour of all servers together.</summary>
/// <param name="Begin">The time of the first value.</param>
/// <param name="Step">The time between two.</param>
/// <param name="Points">What they did a second in each step, the oldest first; null where nobody told.</param>
public sealed record FigureHistory(DateTimeOffset Begin, TimeSpan Step, IReadOnlyList<FigureCounts?> Points);
