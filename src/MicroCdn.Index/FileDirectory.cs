using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>The index for callers in its own process: what a file is, who has it, and who gets the next
/// client.</summary>
/// <remarks>Every call may be made from any thread, takes no lock and waits for nothing. Names are decoded: what an
/// HTTP path says after its percent-encoding is undone, once.</remarks>
public sealed class FileDirectory
{
    private readonly Candidates _candidates;
    private readonly Router _router;
    private readonly Reports? _reports;

    internal FileDirectory(Router router, Reports? reports = null) =>
        (_router, _candidates, _reports) = (router, new Candidates(router), reports);

    /// <summary>For how long this index, one of several, cannot tell whether it knows what is published; null when it
    /// can.</summary>
    public TimeSpan? Behind => BehindBy();

    internal Func<TimeSpan?> BehindBy { get; init; } = () => null;

    internal Func<Publishing.PolicyTable> Policies { private get; init; } = () => Publishing.PolicyTable.Empty;

    /// <summary>How many files have a holder, alive or not.</summary>
    public int Count => _router.Catalog.Count;

    /// <summary>How often what decided who gets a client, by <see cref="Decision"/>.</summary>
    internal long[] Decisions => _router.Decisions.Snapshot();

    /// <summary>Every server that ever registered or was announced, in the order they came.</summary>
    public IReadOnlyList<Server> Servers => _router.Fleet.Servers;

    /// <summary>How long ago monitors heard the last heartbeat of each server, by the one that heard it last, at most a
    /// second more than it is (5 s in fleets of more than 1,000); nothing of those of whom no monitor told
    /// that.</summary>
    public IReadOnlyDictionary<ServerId, TimeSpan> HeartbeatAges() => _router.Fleet.HeartbeatAges();

    /// <summary>What is known of a file; false when no server has it, not even a dead one. Allocates nothing.</summary>
    public bool TryFind(ReadOnlySpan<byte> decodedName, out FileEntry entry)
    {
        Catalog.View view = _router.Catalog.Now;
        int row = view.Names.Find(decodedName);
        entry = default;
        if (row < 0) return false;
        _router.Popularity.Note(row);
        ushort[] holders = view.Holders(row, _router.Fleet.Servers, out FileState state);
        // Taken after the holders: a server is in the table before it holds anything.
        entry = new FileEntry(state, holders, _router.Fleet.Servers);
        return entry.Count > 0;
    }

    /// <summary>What is published under a name; false when nothing is.</summary>
    public bool TryFindPublished(ReadOnlySpan<byte> decodedName, out PublishedEntry entry)
    {
        bool isFound = _router.Catalog.Now.TryPublished(decodedName, out Publishing.PublishedName name);
        entry = new PublishedEntry(name.Revision, name.State.Size, name.State.Digest, name.State.UnixSeconds,
            FileFinder.WantedOf(decodedName, name, Policies()));
        return isFound;
    }

    /// <summary>The first files that somebody looks for, in the order of their names. Walks over all names: not for an
    /// event loop.</summary>
    public IReadOnlyList<FoundFile> Search(FileSearch search, out bool hasMore) =>
        new FileFinder(_router, Policies).Find(search, out hasMore);

    /// <summary>Who pulls a path from an origin; false when nobody does. Size and digest are not known. Allocates
    /// nothing.</summary>
    /// <param name="path">The path as it came, still percent-encoded.</param>
    /// <param name="entry">The servers that pull it.</param>
    public bool TryFindPulled(ReadOnlySpan<byte> path, out FileEntry entry)
    {
        PulledPaths pulled = _router.Fleet.Pulled;
        // Taken after the paths: a server is in the table before it pulls anything.
        Server[] servers = _router.Fleet.Servers;
        bool isFound = pulled.TryFind(path, servers, out ushort[] pullers);
        entry = new FileEntry(new FileState(-1), pullers, servers);
        return isFound;
    }

    /// <summary>The server that the line protocol's GET would name now, which counts as its next download; null when
    /// no live server has the file. Allocates nothing.</summary>
    /// <param name="decodedName">The file.</param>
    /// <param name="overIPv4">The client came over IPv4, and is sent to IPv4 addresses alone.</param>
    public Server? Choose(ReadOnlySpan<byte> decodedName, bool overIPv4) =>
        Choose(decodedName, new Asker(null, overIPv4));

    /// <summary>The same for a client of whom more is known.</summary>
    public Server? Choose(ReadOnlySpan<byte> decodedName, in Asker asker)
    {
        Catalog.View view = _router.Catalog.Now;
        return _router.Choose(view, view.Names.Find(decodedName), asker, out _, out _);
    }

    /// <summary>Where a client is taken to be, for who asks why it got what it got.</summary>
    public Location Locate(IPAddress? client)
    {
        Locations locations = _router.Fleet.Locations;
        Place place = locations.PlaceOf(client);
        return new Location(locations.ZoneOf(place), place.Country, place.Continent);
    }

    /// <summary>The servers that have a file in the order in which a client should ask them, the excluded last with the
    /// reason. Who is sent to the first one notes it with <see cref="Server.CountAnswer"/>.</summary>
    /// <returns>How many there are; those that do not fit are left out.</returns>
    public int Rank(in FileEntry entry, in Asker asker, Span<Candidate> ranked) =>
        _candidates.Rank(entry, asker, ranked);

    /// <summary>The servers that pull a path in the order in which a client should ask them: the nearest of those in
    /// the best state, of these the one that the path belongs to, or the next when that one has far more to do than the
    /// others.</summary>
    /// <returns>How many there are; the room must suffice for all.</returns>
    public int RankPulled(in FileEntry entry, ReadOnlySpan<byte> path, in Asker asker, Span<Candidate> ranked) =>
        _candidates.RankPulled(entry, path, asker, ranked);

    /// <summary>Takes what a client reports of a server that failed it, as REPORT of the line protocol
    /// does.</summary>
    /// <returns>False when this address reports too much.</returns>
    public bool TryReport(ReadOnlySpan<byte> decodedName, ServerId server, Trouble reason, IPAddress client) =>
        _reports?.TryTake(decodedName, server, reason, client) ?? true;

    /// <summary>The copies that are not offered, since most live servers hold another size or other bytes.</summary>
    public IReadOnlyList<OtherCopy> NotOffered(ReadOnlySpan<byte> decodedName)
    {
        Catalog.View view = _router.Catalog.Now;
        int row = view.Names.Find(decodedName);
        return row < 0 ? [] : [.. NotOffered(view, row)];
    }

    internal IEnumerable<OtherCopy> NotOffered(Catalog.View view, int row)
    {
        view.Holders(row, _router.Fleet.Servers, out FileState offered);
        foreach ((FileState state, ushort[] holders) in view.Claims(row))
        {
            if (state.Size == offered.Size && (state.Digest.IsNone || state.HasBytesOf(offered))) continue;
            Server[] servers = _router.Fleet.Servers;
            foreach (ushort holder in holders) yield return new OtherCopy(servers[holder], state.Size, state.Digest);
        }
    }
}

/// <summary>A file as the index offers it at one moment.</summary>
public readonly struct FileEntry
{
    private readonly ushort[] _holders;
    private readonly Server[] _servers;
    private readonly FileDigest _toldRoot;

    internal FileEntry(in FileState state, ushort[] holders, Server[] servers)
    {
        (Size, Digest, UnixSeconds, _toldRoot) = (state.Size, state.Digest, state.UnixSeconds, state.ToldRoot);
        (_holders, _servers) = (holders, servers);
    }

    /// <summary>Its length in bytes.</summary>
    public long Size { get; }

    /// <summary>SHA-256 of its bytes, or <see cref="FileDigest.None"/> while no server told it.</summary>
    public FileDigest Digest { get; }

    /// <summary>Last change of its bytes in seconds since 1970, -1 when unknown; never known without a
    /// digest.</summary>
    public long UnixSeconds { get; }

    /// <summary>The chunk root (<see cref="Chunks"/>) of its bytes, or <see cref="FileDigest.None"/> while no server
    /// told it.</summary>
    public FileDigest ChunkRoot => new FileState(Size, Digest, UnixSeconds, _toldRoot).Root;

    /// <summary>How many servers hold it, dead ones included.</summary>
    public int Count => _holders.Length;

    /// <summary>One of its holders, by 0 to <see cref="Count"/> - 1; its state and load are those of this
    /// moment.</summary>
    public Server this[int holder] => _servers[_holders[holder]];

    internal ReadOnlySpan<ushort> Holders => _holders;

    internal Server[] Servers => _servers;
}

/// <summary>What the book says of a name.</summary>
/// <param name="Revision">The number of the change that published it.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Digest">SHA-256 of its bytes.</param>
/// <param name="UnixSeconds">Last change of its bytes in seconds since 1970; -1 when unknown.</param>
/// <param name="Wanted">Copies that there should be.</param>
public readonly record struct PublishedEntry(
    long Revision, long Size, FileDigest Digest, long UnixSeconds, int Wanted);

/// <summary>Where a client is taken to be; null for what is not known.</summary>
/// <param name="Zone">The zone of its network in the settings.</param>
/// <param name="Country">Its country, two capital letters.</param>
/// <param name="Continent">Its continent, two capital letters.</param>
public readonly record struct Location(string? Zone, string? Country, string? Continent);

/// <summary>A copy that is not offered, since it is not what most live servers hold.</summary>
/// <param name="Server">Who holds it.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Digest">SHA-256 of its bytes, or none.</param>
public sealed record OtherCopy(Server Server, long Size, FileDigest Digest);
