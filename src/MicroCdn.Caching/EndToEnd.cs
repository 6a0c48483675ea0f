using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Tells the fields that travel from end to end from those of one connection (RFC 9110, section 7.6.1; RFC
/// 9111, section 3.1).</summary>
public static class EndToEnd
{
    private static readonly byte[][] HopByHop = All("Connection", "Keep-Alive", "Proxy-Connection",
        "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "HTTP2-Settings");

    // Connection may not name what is meant for everybody (RFC 9110, section 7.6.1). A peer that does so would have
    // the cache forget who may see a response, or the origin forget who asks.
    private static readonly byte[][] Protected = All("Age", "Authorization", "Cache-Control", "CDN-Cache-Control",
        "CDN-Loop", "Content-Encoding", "Content-Length", "Content-Location", "Content-Range", "Content-Type", "Cookie",
        "Date", "ETag", "Expires", "Host", "Last-Modified", "Location", "Pragma", "Set-Cookie", "Vary", "Via",
        "Surrogate-Key", "Cache-Tag");

    /// <summary>True when a field belongs to one connection by its name alone.</summary>
    public static bool IsOfConnection(ReadOnlySpan<byte> name) => IsOneOf(HopByHop, name);

    /// <summary>The fields of a message that go on to the next: all but those of the connection that it came
    /// over.</summary>
    public static HeaderFields Of(HeaderFields message)
    {
        HeaderFields.Builder builder = new();
        ReadOnlySpan<byte> named = message.Joined("Connection"u8);
        for (int line = 0; line < message.Count; line++)
        {
            if (GoesOn(message.NameAt(line), named)) builder.Add(message, line);
        }
        return builder.Build();
    }

    /// <summary>The fields of a response that are stored: those from end to end, without Age, which is made anew, and
    /// without what private and no-cache name.</summary>
    public static HeaderFields ForStorage(HeaderFields response, Directives directives)
    {
        HeaderFields.Builder builder = new();
        ReadOnlySpan<byte> named = response.Joined("Connection"u8);
        ReadOnlySpan<byte> notStored = Encoding.ASCII.GetBytes(directives.FieldsNotStored);
        for (int line = 0; line < response.Count; line++)
        {
            ReadOnlySpan<byte> name = response.NameAt(line);
            if (!GoesOn(name, named) || Ascii.EqualsIgnoreCase(name, "Age"u8)) continue;
            if (!notStored.IsEmpty && Tokens.Names(notStored, name) && !IsRule(name)) continue;
            builder.Add(response, line);
        }
        return builder.Build();
    }

    internal static bool GoesOn(ReadOnlySpan<byte> name, ReadOnlySpan<byte> named) => !IsOfConnection(name)
        && (named.IsEmpty || IsOneOf(Protected, name) || !Tokens.Names(named, name));

    // What would make a response be used differently if it were forgotten.
    private static bool IsRule(ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(name, "Cache-Control"u8)
        || Ascii.EqualsIgnoreCase(name, "CDN-Cache-Control"u8) || Ascii.EqualsIgnoreCase(name, "Vary"u8)
        || Ascii.EqualsIgnoreCase(name, "Expires"u8);

    internal static bool IsOneOf(byte[][] names, ReadOnlySpan<byte> name)
    {
        foreach (byte[] other in names)
        {
            if (other.Length == name.Length && Ascii.EqualsIgnoreCase(other, name)) return true;
        }
        return false;
    }

    internal static byte[][] All(params IEnumerable<string> names) => [.. names.Select(Encoding.ASCII.GetBytes)];
}
