using MicroCdn.Gateway.Api.Models;
using MicroCdn.Index.Figures;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>What content servers told, as the API shows it.</summary>
internal static class FigureViews
{
    /// <summary>What the fleet does.</summary>
    public static Models.Figures Of(FleetTotal total) => Of(total.Rates, total.Downloads);

    /// <summary>What a server does; null when it told nothing lately.</summary>
    public static Models.Figures? Of(ToldFigures? told) =>
        told?.Rates is { } rates ? Of(rates, told.Figures.Downloads) : null;

    /// <summary>What a server told of itself; null when it told nothing.</summary>
    public static ServerTold? ToldOf(ToldFigures? told) => told is null ? null : new ServerTold(
        Math.Round(told.Age.TotalSeconds, 3), told.Figures.Version, told.Figures.DiskFree, told.Figures.DiskSize,
        told.Figures.StoreBytes, told.Figures.CertificateEnds is { } ends and >= 0 and <= Limits.UnixSeconds
            ? DateTimeOffset.FromUnixTimeSeconds(ends) : null);

    /// <summary>The last hour.</summary>
    public static History Of(FigureHistory history) => new(history.Begin, (int)history.Step.TotalSeconds,
        Line(history, one => one.Requests), Line(history, one => one.Errors), Line(history, one => one.Bytes),
        Line(history, one => one.Hits), Line(history, one => one.Misses), Line(history, one => one.FilledBytes));

    /// <summary>An origin.</summary>
    public static OriginView Of(OriginFigures origin) => new(
        origin.Server.Value, origin.Origin, origin.Down is not null,
        origin.Down, origin.Hits, origin.Misses, origin.Failures, origin.FilledBytes);

    private static Models.Figures Of(FigureCounts rates, int downloads) => new(Round(rates.Requests),
        Round(rates.Errors), Round(rates.Bytes), Round(rates.Hits), Round(rates.Misses), Round(rates.FilledBytes),
        downloads);

    private static double?[] Line(FigureHistory history, Func<FigureCounts, double> value) =>
        [.. history.Points.Select(point => point is { } there ? Round(value(there)) : (double?)null)];

    // Finer than that is noise, and a tenth of the text.
    private static double Round(double value) => Math.Round(Math.Max(0, value), 2);
}
