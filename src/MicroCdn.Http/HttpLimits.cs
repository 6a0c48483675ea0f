namespace MicroCdn.Http;

/// <summary>Every bound that HTTP puts on its peers, each with its reason.</summary>
public static class HttpLimits
{
    /// <summary>Longest request head in bytes: what one hostile connection may make us hold. nginx takes 8 KiB for a
    /// line; browsers with many cookies stay below 16.</summary>
    public const int HeadBytes = 16 * 1024;

    /// <summary>Longest request target in bytes: RFC 9110, section 4.1 asks for 8,000 at least.</summary>
    public const int TargetBytes = 8 * 1024;

    /// <summary>Most field lines in a head: an attacker's thousand would cost more to read than to send.</summary>
    public const int Fields = 100;

    /// <summary>Longest head of another server's response that is passed on, in bytes: four times what a request may
    /// have.</summary>
    public const int RelayedHeadBytes = 64 * 1024;

    /// <summary>Longest interim response that is passed on, in bytes: they hold a few links.</summary>
    public const int InterimBytes = 8 * 1024;

    /// <summary>How long a head may take, from the connection's start or its first byte.</summary>
    public static readonly TimeSpan HeadTime = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may be idle between two requests.</summary>
    public static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(60);

    /// <summary>The stretch over which the slowness of a reader is judged, and of who sends a body.</summary>
    public static readonly TimeSpan ReadTime = TimeSpan.FromSeconds(30);

    /// <summary>What a reader must take, and the sender of a body send, in each <see cref="ReadTime"/>: 1 KiB a
    /// second.</summary>
    public const int ReadBytes = 30 * 1024;

    /// <summary>Most connections of one address, unless it is a trusted proxy: a household or an office behind one
    /// address stays far below.</summary>
    public const int ConnectionsPerAddress = 1024;
}
