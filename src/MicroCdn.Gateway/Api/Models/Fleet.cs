namespace MicroCdn.Gateway.Api.Models;

/// <summary>A page of a list.</summary>
/// <param name="Items">What is on it.</param>
/// <param name="Next">The cursor of the next page, for <c>?after=</c>; null on the last one.</param>
/// <typeparam name="T">What the list is of.</typeparam>
public sealed record Listing<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>A content server.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State"><c>alive</c>, <c>returning</c>, <c>unknown</c>, <c>suspect</c>, <c>draining</c> or
/// <c>dead</c>.</param>
/// <param name="Why">Who says so, and why; empty for one that is well.</param>
/// <param name="IsAsked">Whether clients may be sent there, be it last.</param>
/// <param name="IsRetired">Whether an operator retired it.</param>
/// <param name="Address">Where it registered from, with its line port.</param>
/// <param name="Url">The URL that clients are sent to; null when it speaks no HTTP.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Country">Its country, two letters.</param>
/// <param name="Weight">How much it can take against others, 1 to 1000.</param>
/// <param name="Load">Downloads that are under way there, by its last heartbeat.</param>
/// <param name="Pulls">What paths begin with that it pulls from origins.</param>
/// <param name="Copies">Published files that it keeps.</param>
/// <param name="Capacity">Bytes of published files that it may keep; null when it did not say.</param>
/// <param name="Free">Bytes that it may still take of them.</param>
/// <param name="Left">Of a retired one: files that are not safe elsewhere yet.</param>
/// <param name="IsFull">Whether a file found no room there.</param>
/// <param name="Wrong">Copies there that have other bytes.</param>
/// <param name="Told">What it told of itself last; null when it told nothing.</param>
/// <param name="Figures">What it does, a second; null when it told nothing lately.</param>
/// <param name="HeartbeatAge">Seconds since its last heartbeat, by the monitor that heard it last; at most a second
/// more than it is, 5 s in fleets of more than 1,000. Null when no monitor tells it.</param>
public sealed record ServerView(string Id, string State, string Why, bool IsAsked, bool IsRetired, string? Address,
    string? Url, string? Zone, string? Country, int Weight, int Load, IReadOnlyList<string> Pulls, long Copies,
    long? Capacity, long? Free, long? Left, bool IsFull, int Wrong, ServerTold? Told, Figures? Figures,
    double? HeartbeatAge = null);

/// <summary>What a content server tells of itself once a second.</summary>
/// <param name="AgeSeconds">How long ago that was.</param>
/// <param name="Version">The version of its program.</param>
/// <param name="DiskFree">Bytes that are free on the disk of its published files.</param>
/// <param name="DiskSize">The size of that disk.</param>
/// <param name="StoreBytes">What its cache takes on disk.</param>
/// <param name="CertificateEnds">When its certificate ends; null without one.</param>
public sealed record ServerTold(double AgeSeconds, string? Version, long? DiskFree, long? DiskSize, long? StoreBytes,
    DateTimeOffset? CertificateEnds);

/// <summary>An origin, as one content server has it.</summary>
/// <param name="Server">The content server's id.</param>
/// <param name="Origin">The host and path prefix that is pulled.</param>
/// <param name="IsDown">Whether it failed the last request.</param>
/// <param name="Why">How it failed, by the words of docs/origins.md; null when it did not.</param>
/// <param name="Hits">Requests that a copy answered, since the server began.</param>
/// <param name="Misses">Requests for which the origin was asked.</param>
/// <param name="Failures">Requests that it failed.</param>
/// <param name="FilledBytes">Bytes that came from it.</param>
public sealed record OriginView(string Server, string Origin, bool IsDown, string? Why, long Hits, long Misses,
    long Failures, long FilledBytes);

/// <summary>Something that happened.</summary>
/// <param name="Id">Its number; later ones have greater ones, also over a restart.</param>
/// <param name="Time">When.</param>
/// <param name="Kind"><c>server</c>, <c>copies</c>, <c>origin</c>, <c>disk</c>, <c>certificate</c>, <c>index</c>,
/// <c>purge</c>, <c>release</c>, <c>policy</c>, <c>token</c> or <c>test</c>.</param>
/// <param name="Severity"><c>info</c>, <c>warning</c> or <c>error</c>.</param>
/// <param name="Subject">Which one: a server's id, an origin, a release; may be empty.</param>
/// <param name="Text">One sentence.</param>
public sealed record EventView(long Id, DateTimeOffset Time, string Kind, string Severity, string Subject, string Text);

/// <summary>A setting as it counts.</summary>
/// <param name="Verb">The role that has it.</param>
/// <param name="Key">Its key in the settings file.</param>
/// <param name="Flag">Its flag.</param>
/// <param name="Value">What counts, in words; secrets stand in files, so none is here.</param>
/// <param name="Source">Where that comes from: <c>default</c>, <c>command line</c>, or the settings file's
/// name.</param>
/// <param name="Meaning">What it is for.</param>
public sealed record SettingView(string Verb, string Key, string Flag, string Value, string Source, string Meaning);

/// <summary>Finished downloads of a file on a day.</summary>
/// <param name="Day">The day, UTC.</param>
/// <param name="Name">The file.</param>
/// <param name="Count">How often its bytes were fetched whole; ranges of one download count once.</param>
/// <param name="Bytes">Bytes that were sent of it.</param>
public sealed record DownloadView(DateOnly Day, string Name, long Count, long Bytes);

/// <summary>An entry of the audit log.</summary>
/// <param name="Time">When.</param>
/// <param name="Token">The id of the token.</param>
/// <param name="From">The address of who had it.</param>
/// <param name="Action">Method and path.</param>
/// <param name="Status">The status of the answer.</param>
/// <param name="Detail">What came of it, in words.</param>
public sealed record AuditEntry(DateTimeOffset Time, string Token, string From, string Action, int Status,
    string Detail);
