using System.Globalization;
using System.Net;

namespace MicroCdn.Records.Redis;

/// <summary>Where a Redis or Valkey is, as a URL says it: <c>redis://host:port/db?sentinel=NAME</c>. It holds no
/// secret.</summary>
/// <remarks><c>rediss</c> is TLS. A user may stand before the host, a password may not. <c>sentinel</c> names the
/// master; the hosts, separated by commas, are Sentinels then. <c>replicas</c> is how many must have a change before
/// it counts, <c>prefix</c> what all keys begin with.</remarks>
public sealed class RedisAddress
{
    private const int Port = 6379, SentinelPort = 26379, MostHosts = 16, MostReplicas = 8, MostDatabase = 1023;
    private readonly string _text;

    private RedisAddress(string text) => _text = text;

    internal EndPoint[] Hosts { get; private set; } = [];

    internal bool IsTls { get; private init; }

    internal string? User { get; private set; }

    internal string? Sentinel { get; private set; }

    internal int Database { get; private set; }

    /// <summary>How many replicas must have a change; null: one of those that there are, if any.</summary>
    internal int? Replicas { get; private set; }

    internal string Prefix { get; private set; } = "microcdn";

    /// <summary>Reads a URL.</summary>
    /// <param name="text">The URL.</param>
    /// <param name="why">What is wrong with it; it does not repeat what may be a password.</param>
    /// <returns>Null when it cannot be used.</returns>
    public static RedisAddress? Parse(string text, out string why)
    {
        why = "";
        int end = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = end < 0 ? "" : text[..end];
        if (scheme is not ("redis" or "rediss"))
        {
            why = "it must begin with redis:// or rediss://";
            return null;
        }
        string rest = text[(end + 3)..];
        string[] halves = rest.Split('?', 2);
        string[] place = halves[0].Split('/', 2);
        RedisAddress address = new(text) { IsTls = scheme == "rediss" };
        why = address.ReadUser(ref place[0]) ?? address.ReadQuery(halves.ElementAtOrDefault(1) ?? "")
            ?? address.ReadHosts(place[0]) ?? address.ReadDatabase(place.ElementAtOrDefault(1) ?? "") ?? "";
        return why == "" ? address : null;
    }

    /// <inheritdoc/>
    public override string ToString() => _text;

    private string? ReadUser(ref string place)
    {
        int at = place.LastIndexOf('@');
        if (at < 0) return null;
        string user = place[..at];
        place = place[(at + 1)..];
        if (user.Contains(':')) return "a password does not belong in the URL, where everyone can read it: use a file";
        User = Uri.UnescapeDataString(user);
        return User == "" ? "there is no user before the @" : null;
    }

    private string? ReadHosts(string list)
    {
        string[] hosts = list.Split(',');
        if (hosts.Length > MostHosts) return $"it names more than {MostHosts} hosts";
        if (hosts.Length > 1 && Sentinel is null) return "several hosts are Sentinels: add ?sentinel=NAME";
        int port = Sentinel is null ? Port : SentinelPort;
        EndPoint?[] read = [.. hosts.Select(host => ReadHost(host, port))];
        int bad = Array.IndexOf(read, null);
        if (bad >= 0) return hosts[bad] == "" ? "a host is missing" : $"'{hosts[bad]}' is no host or host:port";
        Hosts = read!;
        return null;
    }

    private static EndPoint? ReadHost(string text, int standard)
    {
        if (!Uri.TryCreate($"tcp://{text}", UriKind.Absolute, out Uri? uri) || uri.Host == "") return null;
        if (uri.PathAndQuery is not ("" or "/") || uri.Fragment != "" || uri.UserInfo != "") return null;
        int port = uri.Port < 0 ? standard : uri.Port;
        if (port == 0) return null;
        return IPAddress.TryParse(uri.Host.Trim('[', ']'), out IPAddress? address)
            ? new IPEndPoint(address, port)
            : new DnsEndPoint(uri.Host, port);
    }

    private string? ReadDatabase(string text)
    {
        if (text == "") return null;
        if (!TryNumber(text, MostDatabase, out int database)) return $"'{text}' is no number of a database";
        Database = database;
        return null;
    }

    private string? ReadQuery(string query)
    {
        int? replicas = null;
        foreach (string part in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = part.Split('=', 2);
            string value = Uri.UnescapeDataString(pair.ElementAtOrDefault(1) ?? "");
            switch (pair[0])
            {
                case "sentinel" when value != "":
                    Sentinel = value;
                    break;
                case "prefix" when value != "" && value.All(IsPlain):
                    Prefix = value;
                    break;
                case "replicas" when TryNumber(value, MostReplicas, out int number):
                    replicas = number;
                    break;
                case "sentinel" or "prefix" or "replicas":
                    return $"'{value}' does not fit {pair[0]}=";
                default:
                    return $"'{pair[0]}' is none of sentinel, replicas and prefix";
            }
        }
        Replicas = replicas ?? (Sentinel is null ? null : 1);
        return null;
    }

    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_';

    private static bool TryNumber(string text, int most, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most;
}
