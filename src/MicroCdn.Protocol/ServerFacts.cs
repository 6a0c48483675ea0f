using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace MicroCdn.Protocol;

/// <summary>What a content server says of itself in a version 2 REGISTER, beside its line ports.</summary>
public sealed record ServerFacts
{
    // RFC 3986, section 2, without what would begin a query or a fragment.
    private static readonly SearchValues<byte> UrlBytes = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/[]@!$&'()*+,;=%"u8);

    // RFC 3986, section 3.3, percent-encoding included: a prefix is compared with paths as they come.
    private static readonly SearchValues<byte> PathBytes = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;=:@%"u8);

    /// <summary>Nothing said: what every version 1 server says.</summary>
    public static ServerFacts None { get; } = new();

    /// <summary>The port of its HTTP server.</summary>
    public int? HttpPort { get; init; }

    /// <summary>The port of its HTTPS server.</summary>
    public int? HttpsPort { get; init; }

    /// <summary>The host name or address by which clients are to reach it.</summary>
    public string? Host { get; init; }

    /// <summary>The URL to which a file's name is appended, instead of one made from host and port.</summary>
    public string? Url { get; init; }

    /// <summary>Where it stands, in the operator's words.</summary>
    public string? Zone { get; init; }

    /// <summary>The country it stands in: two capital letters (ISO 3166-1).</summary>
    public string? Country { get; init; }

    /// <summary>How much it can take against others, 1 to <see cref="Limits.Weight"/>.</summary>
    public int Weight { get; init; } = Limits.UsualWeight;

    /// <summary>How often it was started, counted on its own disk; 0 when it does not say. The later of two processes
    /// of one id has the higher one.</summary>
    public long Incarnation { get; init; }

    /// <summary>What the paths begin with that it pulls from origins when it has no file of their name, as they stand
    /// in a request, percent-encoded; each once, at most <see cref="Limits.Prefixes"/>.</summary>
    public IReadOnlyList<string> Pulls { get; init; } = [];

    /// <summary>Reads <c>key=value</c> words; unknown keys are ignored, a malformed value of a known one is
    /// refused.</summary>
    public static bool TryParse(Words words, out ServerFacts facts)
    {
        facts = None;
        while (words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (!facts.TryWith(key, value, out facts)) return false;
        }
        return words.AtEnd;
    }

    /// <summary>Appends what is known as <c>key=value</c> words, each with a space before it.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        Write(output, " http="u8, HttpPort);
        Write(output, " https="u8, HttpsPort);
        Write(output, " host="u8, Host);
        Write(output, " url="u8, Url);
        Write(output, " zone="u8, Zone);
        Write(output, " country="u8, Country);
        if (Weight != Limits.UsualWeight) Write(output, " weight="u8, Weight);
        foreach (string prefix in Pulls) Write(output, " pull="u8, prefix);
        if (Incarnation > 0) Write(output, " inc="u8, Incarnation);
    }

    /// <summary>True for a host name or an address.</summary>
    public static bool IsHost(string text) =>
        text.Length <= Limits.HostBytes && Heartbeat.IsHost(Encoding.UTF8.GetBytes(text))
        && Uri.CheckHostName(text) is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6;

    /// <summary>True for an absolute http or https URL without user, query and fragment.</summary>
    public static bool IsUrl(string text) =>
        text.Length <= Limits.UrlBytes && !Encoding.UTF8.GetBytes(text).AsSpan().ContainsAnyExcept(UrlBytes)
        && Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
        && IsHost(url.IdnHost) && url.UserInfo.Length == 0;

    /// <summary>True for one word of at most <see cref="Limits.ZoneBytes"/> bytes, spaces allowed within.</summary>
    public static bool IsZone(string text) => text.Length > 0
        && Encoding.UTF8.GetByteCount(text) <= Limits.ZoneBytes && !text.Any(char.IsControl) && text.Trim() == text;

    /// <summary>True for two letters.</summary>
    public static bool IsCountry(string text) => text.Length == 2 && text.All(char.IsAsciiLetter);

    /// <summary>True for what a path can begin with: a slash, and what may stand in a path behind it.</summary>
    public static bool IsPrefix(string text) => text is ['/', ..] && text.Length <= Limits.PrefixBytes
        && !Encoding.UTF8.GetBytes(text).AsSpan().ContainsAnyExcept(PathBytes);

    private bool TryWith(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, out ServerFacts facts)
    {
        facts = this;
        if (key.SequenceEqual("http"u8))
        {
            return Port(value, out int port) && Is(this with { HttpPort = port }, out facts);
        }
        if (key.SequenceEqual("https"u8))
        {
            return Port(value, out int port) && Is(this with { HttpsPort = port }, out facts);
        }
        if (key.SequenceEqual("host"u8))
        {
            return Text(value, out string text) && IsHost(text) && Is(this with { Host = text }, out facts);
        }
        if (key.SequenceEqual("url"u8))
        {
            return Text(value, out string text) && IsUrl(text) && Is(this with { Url = text }, out facts);
        }
        if (key.SequenceEqual("zone"u8))
        {
            return Text(value, out string text) && IsZone(text) && Is(this with { Zone = text }, out facts);
        }
        if (key.SequenceEqual("country"u8))
        {
            return Text(value, out string text) && IsCountry(text)
                && Is(this with { Country = text.ToUpperInvariant() }, out facts);
        }
        if (key.SequenceEqual("pull"u8))
        {
            return Text(value, out string text) && IsPrefix(text) && TryWithPrefix(text, out facts);
        }
        if (key.SequenceEqual("inc"u8))
        {
            return Words.IsNumber(value, out long incarnation) && incarnation > 0
                && Is(this with { Incarnation = incarnation }, out facts);
        }
        if (!key.SequenceEqual("weight"u8)) return true;
        return Words.IsNumber(value, out long weight) && weight is >= 1 and <= Limits.Weight
            && Is(this with { Weight = (int)weight }, out facts);
    }

    private bool TryWithPrefix(string prefix, out ServerFacts facts)
    {
        facts = this;
        if (Pulls.Contains(prefix)) return true;
        return Pulls.Count < Limits.Prefixes && Is(this with { Pulls = [.. Pulls, prefix] }, out facts);
    }

    private static bool Is(ServerFacts value, out ServerFacts facts)
    {
        facts = value;
        return true;
    }

    private static bool Port(ReadOnlySpan<byte> value, out int port)
    {
        bool valid = Words.IsNumber(value, out long number) & number is > 0 and <= ushort.MaxValue;
        port = valid ? (int)number : 0;
        return valid;
    }

    // Decoded, a value may hold anything; each key says what it allows. No value needs more than the longest URL.
    private static bool Text(ReadOnlySpan<byte> value, out string text)
    {
        text = "";
        if (value.Length > 3 * Limits.UrlBytes) return false;
        Span<byte> decoded = stackalloc byte[3 * Limits.UrlBytes];
        decoded = decoded[..PercentText.Decode(value, decoded)];
        if (!Utf8.IsValid(decoded)) return false;
        text = Encoding.UTF8.GetString(decoded);
        return true;
    }

    private static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> key, long? value)
    {
        if (value is not { } number) return;
        output.Write(key);
        output.WriteNumber(number);
    }

    private static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> key, string? value)
    {
        if (value is null) return;
        output.Write(key);
        PercentText.Encode(Encoding.UTF8.GetBytes(value), output);
    }
}
