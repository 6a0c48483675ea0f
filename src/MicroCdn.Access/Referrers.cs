using System.Text;

namespace MicroCdn.Access;

/// <summary>Hosts of pages that may lead here.</summary>
internal sealed class Referrers
{
    private readonly byte[][] _hosts;
    private readonly byte[][] _above;
    private readonly bool _takesNone;

    /// <summary>Takes hosts in small letters; <c>*.</c> in front means those below, <c>none</c> that no page is
    /// named.</summary>
    public Referrers(IEnumerable<string> hosts)
    {
        ILookup<bool, string> wild = hosts.Where(host => host != "none").ToLookup(host => host.StartsWith('*'));
        _takesNone = hosts.Contains("none");
        _hosts = [.. wild[false].Select(Encoding.ASCII.GetBytes)];
        // With the dot, so that no other name ends so.
        _above = [.. wild[true].Select(host => Encoding.ASCII.GetBytes(host[1..]))];
    }

    /// <summary>True when a field Referer names one of them (RFC 9110, section 10.1.3).</summary>
    public bool Has(ReadOnlySpan<byte> referrer)
    {
        ReadOnlySpan<byte> host = HostOf(referrer);
        if (host.IsEmpty) return _takesNone && referrer.IsEmpty;
        foreach (byte[] one in _hosts)
        {
            if (Ascii.EqualsIgnoreCase(host, one)) return true;
        }
        foreach (byte[] one in _above)
        {
            if (host.Length > one.Length && Ascii.EqualsIgnoreCase(host[^one.Length..], one)) return true;
        }
        return false;
    }

    private static ReadOnlySpan<byte> HostOf(ReadOnlySpan<byte> referrer)
    {
        int start = referrer.IndexOf("://"u8);
        if (start < 0) return default;
        ReadOnlySpan<byte> host = referrer[(start + 3)..];
        int end = host.IndexOfAny("/?#"u8);
        if (end >= 0) host = host[..end];
        // What stands before an at sign is a name of somebody, not of a host.
        host = host[(host.LastIndexOf((byte)'@') + 1)..];
        int port = host.LastIndexOf((byte)':');
        return port > host.LastIndexOf((byte)']') ? host[..port] : host;
    }
}
