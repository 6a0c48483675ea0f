using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.Origin;

/// <summary>Where an origin is: what its operator wrote as one URL.</summary>
public sealed record OriginAddress
{
    private OriginAddress(bool isSecure, string host, int port, string basePath)
    {
        (IsSecure, Host, Port, BasePath) = (isSecure, host, port, basePath);
        string shown = IPAddress.TryParse(host, out IPAddress? address)
            && address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{host}]" : host;
        Authority = port == (isSecure ? 443 : 80) ? shown : $"{shown}:{port}";
    }

    /// <summary>True for https.</summary>
    public bool IsSecure { get; }

    /// <summary>The host name in lower case (as A-labels), or the address without brackets.</summary>
    public string Host { get; }

    /// <summary>The port.</summary>
    public int Port { get; }

    /// <summary>What stands before each path, without a slash at its end; mostly empty.</summary>
    public string BasePath { get; }

    /// <summary>Host and port as the Host field says them: without the scheme's own port (RFC 9110, section
    /// 7.2).</summary>
    public string Authority { get; }

    /// <summary>Reads a URL.</summary>
    /// <param name="text">Such as <c>https://origin.example/base</c>.</param>
    /// <param name="address">What it says.</param>
    /// <param name="wrong">One sentence when it cannot be used.</param>
    public static bool TryParse(string text, out OriginAddress? address, out string? wrong)
    {
        address = null;
        bool secure = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        bool clear = text.StartsWith("http://", StringComparison.OrdinalIgnoreCase);
        if (!secure && !clear) return Refuse("must start with http:// or https://", out wrong);
        // Uri repairs these silently, and then the origin would be another than the one that was written.
        if (text.AsSpan().IndexOfAnyExceptInRange('!', '\uFFFF') >= 0 || text.Contains('\\', StringComparison.Ordinal))
        {
            return Refuse("must have no spaces and no '\\'", out wrong);
        }
        if (text.Contains('?', StringComparison.Ordinal)) return Refuse("must have no query ('?')", out wrong);
        if (text.Contains('#', StringComparison.Ordinal)) return Refuse("must have no fragment ('#')", out wrong);
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.IdnHost.Length == 0)
        {
            return Refuse("has no host that can be read", out wrong);
        }
        if (text.AsSpan(secure ? 8 : 7).Slice(0, Authorities(text, secure ? 8 : 7)).Contains('@'))
        {
            return Refuse("must have no user or password ('@')", out wrong);
        }
        if (uri.Port is < 1 or > ushort.MaxValue) return Refuse("needs a port from 1 to 65535", out wrong);
        if (text.Contains("%2e", StringComparison.OrdinalIgnoreCase))
        {
            return Refuse("must have no dots in percent-encoding", out wrong);
        }
        wrong = null;
        address = new OriginAddress(secure, uri.IdnHost.ToLowerInvariant(), uri.Port, uri.AbsolutePath.TrimEnd('/'));
        return true;

        bool Refuse(string why, out string? sentence)
        {
            sentence = $"The origin '{text}' {why}.";
            return false;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{(IsSecure ? "https" : "http")}://{Authority}{BasePath}";

    internal byte[] BasePathBytes() => Encoding.ASCII.GetBytes(BasePath);

    private static int Authorities(string text, int from)
    {
        int slash = text.IndexOf('/', from);
        return (slash < 0 ? text.Length : slash) - from;
    }
}
