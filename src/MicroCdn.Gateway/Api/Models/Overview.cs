namespace MicroCdn.Gateway.Api.Models;

/// <summary>What an operator wants to know first.</summary>
/// <param name="Time">Now.</param>
/// <param name="Version">The version of this index.</param>
/// <param name="Started">When this index began.</param>
/// <param name="Leads">Whether this index, of several, writes.</param>
/// <param name="Writer">Where the one that writes listens, when it is another and known.</param>
/// <param name="BehindSeconds">For how long it cannot tell whether it knows what is published; null when it
/// can.</param>
/// <param name="Problems">What is wrong, the worst first; at most 100.</param>
/// <param name="Servers">Content servers by state.</param>
/// <param name="Files">Files that some server has.</param>
/// <param name="Copies">Copies of what is published; null until they were counted.</param>
/// <param name="Figures">What the fleet does, a second.</param>
/// <param name="SavedBytes">Bytes of the last hour that were served from copies and not asked of origins.</param>
/// <param name="LatestEvent">The id of the newest event; 0 when there is none.</param>
public sealed record Overview(DateTimeOffset Time, string Version, DateTimeOffset Started, bool Leads, string? Writer,
    double? BehindSeconds, IReadOnlyList<Concern> Problems, IReadOnlyDictionary<string, int> Servers, long Files,
    CopyCounts? Copies, Figures Figures, long SavedBytes, long LatestEvent);

/// <summary>Something that is wrong now.</summary>
/// <param name="Severity"><c>error</c> or <c>warning</c>.</param>
/// <param name="Kind">What it is about, by the words of <c>/events</c>.</param>
/// <param name="Subject">Which one: a server's id, an origin, a file; may be empty.</param>
/// <param name="Text">One sentence.</param>
public sealed record Concern(string Severity, string Kind, string Subject, string Text);

/// <summary>Copies of what is published.</summary>
/// <param name="Names">Names that are published.</param>
/// <param name="Wanted">Copies that there should be.</param>
/// <param name="There">Copies that there are.</param>
/// <param name="Making">Copies that are being made.</param>
/// <param name="Missing">Copies that are missing.</param>
/// <param name="Stuck">Names that miss copies that no server can take.</param>
/// <param name="Lost">Names that nobody can give now.</param>
/// <param name="BytesLeft">Bytes that are still to be copied.</param>
/// <param name="BytesPerSecond">Bytes that were copied in a second, lately.</param>
public sealed record CopyCounts(long Names, long Wanted, long There, long Making, long Missing, long Stuck, long Lost,
    long BytesLeft, long BytesPerSecond);

/// <summary>What a server, or all of them, do; each a second, over the last five.</summary>
/// <param name="Requests">HTTP requests that were answered.</param>
/// <param name="Errors">Of these with a status of 500 and above.</param>
/// <param name="Bytes">Bytes of bodies that were sent.</param>
/// <param name="Hits">Requests that a copy answered.</param>
/// <param name="Misses">Requests for which an origin was asked.</param>
/// <param name="FilledBytes">Bytes that came from origins.</param>
/// <param name="Downloads">Downloads that are under way; not a second, but now.</param>
public sealed record Figures(double Requests, double Errors, double Bytes, double Hits, double Misses,
    double FilledBytes, int Downloads);

/// <summary>The last hour, of all servers together.</summary>
/// <param name="Begin">The time of the first value.</param>
/// <param name="Step">Seconds between two values.</param>
/// <param name="Requests">Requests a second; null where nobody told.</param>
/// <param name="Errors">Of these with a status of 500 and above.</param>
/// <param name="Bytes">Bytes of bodies sent a second.</param>
/// <param name="Hits">Requests that a copy answered, a second.</param>
/// <param name="Misses">Requests for which an origin was asked, a second.</param>
/// <param name="FilledBytes">Bytes from origins a second.</param>
public sealed record History(DateTimeOffset Begin, int Step, IReadOnlyList<double?> Requests,
    IReadOnlyList<double?> Errors, IReadOnlyList<double?> Bytes, IReadOnlyList<double?> Hits,
    IReadOnlyList<double?> Misses, IReadOnlyList<double?> FilledBytes);
