namespace MicroCdn.Protocol;

/// <summary>Every bound that the wire puts on its peers, each with its reason.</summary>
public static class Limits
{
    /// <summary>Longest line on TCP in bytes, LF included: what one hostile connection may make us hold.</summary>
    public const int LineBytes = 8 * 1024;

    /// <summary>Longest datagram in bytes: a heartbeat needs a tenth of it.</summary>
    public const int DatagramBytes = 1024;

    /// <summary>Longest decoded file name in bytes: a quarter of PATH_MAX, so that folder plus name always
    /// opens.</summary>
    public const int NameBytes = 1024;

    /// <summary>Longest server id in bytes: ids are labels in logs and tables.</summary>
    public const int ServerIdBytes = 64;

    /// <summary>Longest host name in bytes (RFC 1035, section 2.3.4).</summary>
    public const int HostBytes = 253;

    /// <summary>Longest public URL in bytes: with a file name behind it, it must fit the lines of any HTTP
    /// peer.</summary>
    public const int UrlBytes = 1024;

    /// <summary>Longest name of a zone in bytes: like an id, it is a label.</summary>
    public const int ZoneBytes = 64;

    /// <summary>Longest prefix of paths that a server pulls, in bytes: with it, all of them and the longest URL still
    /// fit a line, however they have to be encoded.</summary>
    public const int PrefixBytes = 128;

    /// <summary>Most prefixes that a server says it pulls: a site has few origins, and every path that is no file is
    /// held against each.</summary>
    public const int Prefixes = 16;

    /// <summary>Largest weight of a server; the smallest is 1, and <see cref="UsualWeight"/> is what nothing said
    /// means.</summary>
    public const int Weight = 1000;

    /// <summary>The weight of a server that says nothing of it, so that half of it can be said too.</summary>
    public const int UsualWeight = 100;

    /// <summary>Latest time of a file in seconds since 1970, the end of the year 9999: the last a calendar can
    /// show.</summary>
    public const long UnixSeconds = 253_402_300_799;

    /// <summary>The greatest revision: a million changes a second for two thousand years.</summary>
    public const long Revision = (1L << 56) - 1;

    /// <summary>Most servers that an index or a monitor keeps: a thousand times the fleet we build for would
    /// fit.</summary>
    public const int Servers = 10_000;

    /// <summary>Most files in one server's list: ten million is the largest library we promise.</summary>
    public const int FilesPerServer = 10_000_000;

    /// <summary>Most different names an index knows: six times the largest library we promise.</summary>
    public const int Names = 60_000_000;

    /// <summary>Most copies of one published file: more than a fleet of fifty needs, and few enough for a
    /// byte.</summary>
    public const int Replicas = 64;

    /// <summary>Longest URL, prefix or tag of a purge in bytes: percent-encoded, it still fits a line.</summary>
    public const int PurgeBytes = 2 * 1024;

    /// <summary>Most indexes one monitor tells of failures.</summary>
    public const int Indexes = 64;

    /// <summary>How long a connection may take to complete its first line, or any later line from its first
    /// byte.</summary>
    public static readonly TimeSpan LineTime = TimeSpan.FromSeconds(10);

    /// <summary>How long a peer may leave HELLO 2 unanswered before it counts as one of version 1.</summary>
    public static readonly TimeSpan GreetingTime = TimeSpan.FromSeconds(2);

    /// <summary>How long a connection that never registered may be idle.</summary>
    public static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(60);

    /// <summary>How long a peer may leave every byte of an answer unread: as long as it may be idle.</summary>
    public static readonly TimeSpan StallTime = TimeSpan.FromSeconds(60);

    /// <summary>How often a content server of version 2 beats, if it says nothing else: what 350 ms of silence are
    /// counted in.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(100);

    /// <summary>The shortest time between two beats that a monitor takes: a hundred servers of this kind cost it as
    /// much as a thousand usual ones.</summary>
    public static readonly TimeSpan ShortestBeat = TimeSpan.FromMilliseconds(10);

    /// <summary>The longest: that of version 1.</summary>
    public static readonly TimeSpan LongestBeat = TimeSpan.FromSeconds(3);
}
