using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Doctor;

/// <summary>What a look at a fleet from one machine found; what it means is not said here.</summary>
/// <param name="Now">When it was looked, by this machine's clock.</param>
/// <param name="Indexes">The line ports of the indexes that were named.</param>
/// <param name="Admin">The admin port.</param>
/// <param name="Monitors">The line ports of the monitors.</param>
/// <param name="Servers">The content servers that the index knows.</param>
/// <param name="Disk">The disk of this machine's state folder; null where there is none.</param>
/// <param name="OpenFiles">How many files and connections a process started here may have open.</param>
internal sealed record FleetFacts(DateTimeOffset Now, IReadOnlyList<IndexFact> Indexes, AdminFact Admin,
    IReadOnlyList<DoorFact> Monitors, IReadOnlyList<ServerFact> Servers, DiskFact? Disk, int OpenFiles);

/// <summary>A line port.</summary>
/// <param name="Place">Host and port.</param>
/// <param name="Trouble">Why it is of no use, as the end of a sentence; null when it welcomed us in version 2.</param>
internal sealed record DoorFact(string Place, string? Trouble);

/// <summary>An index.</summary>
/// <param name="Door">Its line port.</param>
/// <param name="Writer">Who it says writes: its own place, another's, or empty for nobody; null when it was not
/// asked.</param>
internal sealed record IndexFact(DoorFact Door, string? Writer);

/// <summary>The admin port.</summary>
/// <param name="Place">Its URL.</param>
/// <param name="Trouble">A sentence that says why nothing was told there; null when all was.</param>
/// <param name="Now">The fleet, as the index sees it.</param>
/// <param name="ClockAhead">How far its clock is ahead of ours; null when it did not say.</param>
internal sealed record AdminFact(string Place, string? Trouble, Overview? Now, TimeSpan? ClockAhead)
{
    /// <summary>Whether nothing answered there at all.</summary>
    public bool IsAway { get; init; }
}

/// <summary>A content server.</summary>
/// <param name="View">As the index sees it.</param>
/// <param name="Door">Its line port, from here.</param>
/// <param name="Web">Its HTTP port, from here; null when it has none.</param>
internal sealed record ServerFact(ServerView View, DoorFact Door, WebFact? Web);

/// <summary>An HTTP port.</summary>
/// <param name="Url">Where.</param>
/// <param name="Trouble">Why nothing was answered; null when something was, whatever its status.</param>
/// <param name="ClockAhead">How far its clock is ahead of ours; null when it did not say.</param>
/// <param name="CertificateEnds">When its certificate ends; null without one.</param>
/// <param name="TlsTrouble">Why its certificate is not believed; null when it is, or there is none.</param>
internal sealed record WebFact(string Url, string? Trouble, TimeSpan? ClockAhead, DateTimeOffset? CertificateEnds,
    string? TlsTrouble);

/// <summary>A disk.</summary>
/// <param name="Folder">A folder on it.</param>
/// <param name="Free">Bytes that are free.</param>
/// <param name="Size">Its size.</param>
internal sealed record DiskFact(string Folder, long Free, long Size);
