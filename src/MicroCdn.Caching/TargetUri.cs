using System.Text;

namespace MicroCdn.Caching;

/// <summary>Finds the key that a reference in a response means (RFC 3986, section 5.2).</summary>
internal static class TargetUri
{
    /// <summary>The key; null when the reference is none to http or https, or too long.</summary>
    public static CacheKey? Resolve(CacheKey target, ReadOnlySpan<byte> reference, CachePolicy policy)
    {
        string text = Encoding.Latin1.GetString(reference.Trim(Tokens.Blanks));
        if (text.Length > CacheKey.MostBytes) return null;
        int fragment = text.IndexOf('#', StringComparison.Ordinal);
        if (fragment >= 0) text = text[..fragment];
        (string scheme, string authority, string path, string query) = Split(target.Text);
        int colon = SchemeLength(text);
        if (colon > 0)
        {
            if (!text.AsSpan(colon).StartsWith("://")) return null;
            (scheme, authority, path, query) = Split(text);
        }
        else if (text.StartsWith("//", StringComparison.Ordinal))
        {
            (_, authority, path, query) = Split($"{scheme}:{text}");
        }
        else if (text.Length > 0)
        {
            int mark = text.IndexOf('?', StringComparison.Ordinal);
            string relative = mark < 0 ? text : text[..mark];
            query = mark < 0 ? "" : text[(mark + 1)..];
            if (relative.StartsWith('/')) path = relative;
            else if (relative.Length > 0) path = path[..(path.LastIndexOf('/') + 1)] + relative;
        }
        return CacheKeys.Of(Bytes(scheme), Bytes(authority), Bytes(WithoutDots(path)), Bytes(query), policy);
    }

    /// <summary>True when two keys are of one scheme, host and port (RFC 9110, section 4.3.1).</summary>
    public static bool AreOfOneOrigin(CacheKey one, CacheKey other)
    {
        (string scheme, string authority, _, _) = Split(one.Text);
        (string otherScheme, string otherAuthority, _, _) = Split(other.Text);
        return scheme == otherScheme && authority == otherAuthority;
    }

    private static (string Scheme, string Authority, string Path, string Query) Split(string uri)
    {
        int colon = uri.IndexOf("://", StringComparison.Ordinal);
        string rest = uri[(colon + 3)..];
        int mark = rest.IndexOf('?', StringComparison.Ordinal);
        string query = mark < 0 ? "" : rest[(mark + 1)..];
        if (mark >= 0) rest = rest[..mark];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        return (uri[..colon], slash < 0 ? rest : rest[..slash], slash < 0 ? "/" : rest[slash..], query);
    }

    // How many letters of a scheme a text begins with; 0 when it is a relative reference.
    private static int SchemeLength(string text)
    {
        int length = 0;
        while (length < text.Length && (char.IsAsciiLetterOrDigit(text[length]) || text[length] is '+' or '-' or '.'))
        {
            length++;
        }
        return length > 0 && length < text.Length && text[length] == ':' && char.IsAsciiLetter(text[0]) ? length : 0;
    }

    // RFC 3986, section 5.2.4.
    private static string WithoutDots(string path)
    {
        if (!path.Contains("/.", StringComparison.Ordinal)) return path;
        List<string> kept = [];
        string[] segments = path.Split('/');
        for (int at = 1; at < segments.Length; at++)
        {
            bool isDot = segments[at] is "." or "..";
            if (segments[at] == ".." && kept.Count > 0) kept.RemoveAt(kept.Count - 1);
            if (!isDot) kept.Add(segments[at]);
            else if (at == segments.Length - 1) kept.Add("");
        }
        return "/" + string.Join('/', kept);
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
