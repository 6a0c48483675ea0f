using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>Sessions of browsers, each a cookie that says who came and until when, with a mac that only this index can
/// make: nothing is kept, and a restart ends none.</summary>
/// <remarks>The cookie's value is <c>ID.ENDS.MAC</c>: the token's id, seconds since 1970, and HMAC-SHA256 (RFC 2104) of
/// both and of the hash of the token's secret, so that it ends with the token. Its CSRF token is a second mac over the
/// same. A browser sends the one by itself to whoever asks, the other only a page that could read it.</remarks>
internal sealed class Sessions(byte[] key, TokenDesk tokens, int port, TimeProvider time)
{
    /// <summary>How long one lasts.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromHours(12);

    // Indexes of one machine share a host, and so all cookies of it.
    private readonly string _name = $"microcdn_{port}";

    /// <summary>Begins one for who has shown a token.</summary>
    /// <returns>The cookie's value.</returns>
    public string Begin(TokenGrant grant)
    {
        long ends = (time.GetUtcNow() + Length).ToUnixTimeSeconds();
        return $"{grant.Id}.{ends}.{MacOf("cookie", grant, ends)}";
    }

    /// <summary>Whose session a cookie is; null when it is none, or over.</summary>
    public Session? Find(string cookie)
    {
        string[] parts = cookie.Split('.');
        if (parts.Length != 3 || !AccessToken.IsId(Encoding.UTF8.GetBytes(parts[0]))) return null;
        if (!long.TryParse(parts[1], out long ends) || ends < time.GetUtcNow().ToUnixTimeSeconds()) return null;
        if (tokens.Find(parts[0]) is not { } grant || !IsSame(parts[2], MacOf("cookie", grant, ends))) return null;
        return new Session(grant, MacOf("csrf", grant, ends), DateTimeOffset.FromUnixTimeSeconds(ends));
    }

    /// <summary>The cookie's value among those of a request; null when it is not there.</summary>
    public string? ValueIn(ReadOnlySpan<byte> cookies)
    {
        if (cookies.Length > 4_096) return null;
        foreach (string one in Encoding.Latin1.GetString(cookies).Split(';', StringSplitOptions.TrimEntries))
        {
            if (one.StartsWith(_name, StringComparison.Ordinal) && one.Length > _name.Length
                && one[_name.Length] == '=') return one[(_name.Length + 1)..];
        }
        return null;
    }

    /// <summary>The field that gives the cookie to a browser.</summary>
    public string FieldOf(string cookie) => $"Set-Cookie: {_name}={cookie}; Max-Age={(long)Length.TotalSeconds}; "
        + $"Path={ApiRoute.Root}/; HttpOnly; SameSite=Strict\r\n";

    /// <summary>The field that takes it back.</summary>
    public string EndField =>
        $"Set-Cookie: {_name}=; Max-Age=0; Path={ApiRoute.Root}/; HttpOnly; SameSite=Strict\r\n";

    /// <summary>True when two texts are the same; takes as long for a near miss as for any.</summary>
    public static bool IsSame(string one, string other) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));

    private string MacOf(string what, TokenGrant grant, long ends)
    {
        byte[] about = Encoding.ASCII.GetBytes($"{what} {grant.Id} {ends} {grant.Hash}");
        return Base64Url.EncodeToString(HMACSHA256.HashData(key, about));
    }
}

/// <summary>A browser's session.</summary>
/// <param name="Grant">Whose it is.</param>
/// <param name="Csrf">What every change must carry.</param>
/// <param name="Ends">When it ends.</param>
internal sealed record Session(TokenGrant Grant, string Csrf, DateTimeOffset Ends);
