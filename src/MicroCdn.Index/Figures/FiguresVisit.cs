using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Figures;

/// <summary>A content server that tells its figures on one connection: downloads and origins first, then what is to be
/// noted of all.</summary>
internal sealed class FiguresVisit(FleetFigures figures, FleetDownloads downloads, Guard guard, TimeProvider time)
{
    // Of all servers together in a second: some percent of a processor.
    private const int LinesASecond = 20_000;

    private readonly List<OriginFigures> _origins = [];
    private int _lines;

    /// <summary>True for the verbs that are heard here.</summary>
    public static bool Knows(ReadOnlySpan<byte> verb) =>
        verb.SequenceEqual("FIGURES"u8) || verb.SequenceEqual("ORIGIN_FIGURES"u8)
        || verb.SequenceEqual("DOWNLOADS"u8);

    /// <summary>Takes a line.</summary>
    /// <param name="verb">Its verb.</param>
    /// <param name="words">What follows.</param>
    /// <param name="answer">Where the answer goes.</param>
    /// <param name="isSilent">True when a refusal is not told: FIGURES after it is answered.</param>
    public WireError? Handle(ReadOnlySpan<byte> verb, Words words, Answer answer, out bool isSilent)
    {
        isSilent = !verb.SequenceEqual("FIGURES"u8);
        if (isSilent) return verb.SequenceEqual("DOWNLOADS"u8) ? AddDownloads(words) : Add(words);
        if (!ServerFigures.TryParse(words, out ServerFigures? told)) return WireErrors.Malformed;
        OriginFigures[] origins = [.. _origins.Where(origin => origin.Server == told!.Server)];
        _origins.Clear();
        _lines = 0;
        if (guard.Refuses(PeerRole.Content, told!.Server) is { } refusal) return refusal;
        if (!figures.Take(told, origins)) return WireErrors.LimitReached;
        ServerFigures.WriteNoted(answer, told.AsksRoom ? Room : null);
        return null;
    }

    // A month of a server that has ten thousand files a day is told again in minutes, and of fifty in a quarter of an
    // hour; with two hundred each tells a little.
    private int Room => Math.Clamp(
        LinesASecond / Math.Max(1, figures.Total.Servers), DownloadCount.UsualLines, DownloadCount.MostLines);

    private WireError? AddDownloads(Words words)
    {
        if (!DownloadCount.TryParse(words, out DownloadCount? count)) return WireErrors.Malformed;
        if (guard.Refuses(PeerRole.Content, count!.Server) is { } refusal) return refusal;
        if (++_lines > DownloadCount.MostLines) return WireErrors.LimitReached;
        return downloads.Take(count, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)) ? null
            : WireErrors.OutOfRange;
    }

    private WireError? Add(Words words)
    {
        if (!OriginFigures.TryParse(words, out OriginFigures? origin)) return WireErrors.Malformed;
        if (guard.Refuses(PeerRole.Content, origin!.Server) is { } refusal) return refusal;
        if (_origins.Count >= OriginFigures.MostOrigins) return WireErrors.LimitReached;
        _origins.Add(origin);
        return null;
    }
}
