namespace MicroCdn.Origin;

/// <summary>Every bound that is put on an origin and on what is asked of it, each with its reason.</summary>
public static class OriginLimits
{
    /// <summary>Longest head in bytes: the largest that browsers take is 256 KiB, the largest seen in earnest
    /// 32.</summary>
    public const int HeadBytes = 64 * 1024;

    /// <summary>Most field lines in a head; each costs a place, however short it is.</summary>
    public const int Fields = 1_000;

    /// <summary>Most interim heads before the final one: an origin could hold a request for ever with them.</summary>
    public const int InterimHeads = 20;

    /// <summary>Longest line between chunks in bytes: 16 digits, and extensions that nobody uses.</summary>
    public const int ChunkLineBytes = 1024;

    /// <summary>Longest trailer section in bytes; it is dropped.</summary>
    public const int TrailerBytes = 16 * 1024;

    /// <summary>Most addresses of a host that are tried; more would outlast every client's patience.</summary>
    public const int Addresses = 8;

    /// <summary>How long addresses are believed: a name server's own answer may say less, which the system does not
    /// tell.</summary>
    public static readonly TimeSpan AddressTime = TimeSpan.FromSeconds(30);

    /// <summary>How long old addresses serve while no name server answers.</summary>
    public static readonly TimeSpan OldAddressTime = TimeSpan.FromMinutes(10);

    /// <summary>How long an address that failed is asked last.</summary>
    public static readonly TimeSpan FailedAddressTime = TimeSpan.FromSeconds(30);

    /// <summary>The head start of one address over the next (RFC 8305, section 5, recommends 250 ms).</summary>
    public static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(300);

    /// <summary>What is read at once where nobody gave room: a TLS record.</summary>
    internal const int BufferBytes = 16 * 1024;
}
