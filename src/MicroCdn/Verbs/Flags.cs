using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using MicroCdn.Content;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary>The flags that several verbs share, and how their values are read; a malformed one is a sentence.</summary>
internal static class Flags
{
    /// <summary>The port heartbeats come to, where nothing else is said.</summary>
    public const int UsualHeartbeatPort = 6000;

    private const string WantedPort = "a port from 1 to 65535";

    public static Option<int?> OptionalPort(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "PORT",
        CustomParser = result => Read<int>(result, name, WantedPort, TryPort),
    };

    public static Option<int> Port(string name, int fallback, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => fallback,
        HelpName = "PORT",
        CustomParser = result => Read<int>(result, name, WantedPort, TryPort),
    };

    public static Option<int> Number(string name, int fallback, int least, int most, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => fallback,
        HelpName = "N",
        CustomParser = result => Read<int>(result, name, $"a number from {least} to {most}",
            (string text, out int number) =>
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
                && number >= least && number <= most),
    };

    /// <summary>A text that must be of some kind; null when it is left out.</summary>
    public static Option<string?> Text(
        string name, string helpName, string description, string wanted, Func<string, bool> isValid) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result => Read<string>(result, name, wanted, (string text, out string? value) =>
        {
            value = text;
            return isValid(text);
        }),
    };

    /// <summary>Further monitors, by line port and, where it is not the usual one, heartbeat port.</summary>
    public static Option<MonitorAddress[]> Monitors(string description) => new("--monitor")
    {
        Description = description,
        HelpName = "HOST:TCP[:UDP]",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token => Read<MonitorAddress>(result, token, "--monitor",
            "HOST:TCP or HOST:TCP:UDP, such as 10.0.0.6:6001", TryMonitor))],
    };

    // An IPv6 address stands in brackets.
    private static bool TryMonitor(string text, out MonitorAddress monitor)
    {
        monitor = default;
        int end = text.StartsWith('[') ? text.IndexOf(']') + 1 : text.IndexOf(':');
        if (end <= 0 || end == text.Length || text[end] != ':') return false;
        string[] ports = text[(end + 1)..].Split(':');
        int udp = UsualHeartbeatPort;
        bool valid = ports.Length <= 2 & TryPort(ports[0], out int tcp)
            && (ports.Length == 1 || TryPort(ports[1], out udp));
        string host = text[..end].Trim('[', ']');
        monitor = new MonitorAddress(host, tcp, udp);
        return valid && host.Length > 0;
    }

    public static Option<TimeSpan> Seconds(
        string name, double fallback, string description, int most = 86_400) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => TimeSpan.FromSeconds(fallback),
        HelpName = "TIME",
        CustomParser = result => Read<TimeSpan>(result, name,
            $"a time such as 30s or 5m, from 1ms to {TimeText.Of(TimeSpan.FromSeconds(most))}",
            (string text, out TimeSpan time) => TrySeconds(text, most, out time)),
    };

    public static Option<string> Host(string name, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => "localhost",
        HelpName = "HOST",
        CustomParser = result => Read<string>(result, name, "a host name or address", TryHost)!,
    };

    public static Option<IPAddress> Bind() => new("--bind")
    {
        Description = "The address to listen on; all addresses by default.",
        DefaultValueFactory = _ => IPAddress.Any,
        HelpName = "ADDRESS",
        CustomParser = result =>
            Read<IPAddress>(result, "--bind", "an IP address, such as 127.0.0.1", IPAddress.TryParse),
    };

    public static Option<IPNetwork[]> Trust() =>
        Networks("--trust", "A network that control messages are taken from, beside loopback; repeatable.");

    public static Option<IPNetwork[]> Networks(string name, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => [],
        HelpName = "CIDR",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => [.. result.Tokens.Select(token => Read<IPNetwork>(
            result, token, name, "a network such as 10.0.0.0/8", TryNetwork))],
    };

    public static Option<ByteCount?> Size(string name, ByteCount? fallback, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        DefaultValueFactory = _ => fallback,
        CustomParser = result => Read<ByteCount>(
            result, name, "a size such as 512MiB or 10GiB", ByteCount.TryParse),
    };

    public static Option<string?> Data(string description = "The folder for this role's own state.") =>
        Path(new Option<string?>("--data") { Description = description, HelpName = "DIR" });

    /// <summary>Refuses an empty value: it names no file and no folder.</summary>
    public static Option<T> Path<T>(Option<T> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.All(token => token.Value.Length > 0)) return;
            result.AddError($"{option.Name} wants a path, not ''.");
        });
        return option;
    }

    public static Option<bool> Json() => new("--json") { Description = "Print JSON for scripts." };

    /// <summary>The same of what does something: each thing done is an object in a line.</summary>
    public static Option<bool> JsonLines() =>
        new("--json") { Description = "Print a JSON object in a line for each, for scripts." };

    public delegate bool TryParse<T>(string text, out T? value);

    public static T? Read<T>(ArgumentResult result, string name, string wanted, TryParse<T> parse) =>
        Read(result, result.Tokens[0], name, wanted, parse);

    public static T? Read<T>(ArgumentResult result, Token token, string name, string wanted, TryParse<T> parse)
    {
        if (parse(token.Value, out T? value)) return value;
        result.AddError($"{name} wants {wanted}, not '{Table.Word(token.Value)}'.");
        return default;
    }

    /// <summary>Reads HOST:PORT; the port follows the last colon, so that an IPv6 address may be written in
    /// brackets.</summary>
    public static bool TryHostAndPort(string text, out string host, out int port)
    {
        int colon = text.LastIndexOf(':');
        host = colon < 0 ? "" : text[..colon].Trim('[', ']');
        return TryPort(text[(colon + 1)..], out port) && host.Length > 0;
    }

    private static bool TryHost(string text, out string? host) => (host = text).Length > 0;

    public static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
        && port is > 0 and <= ushort.MaxValue;

    private static bool TrySeconds(string text, int most, out TimeSpan time) =>
        TimeText.TryParse(text, out time) && time >= TimeSpan.FromMilliseconds(1) && time <= TimeSpan.FromSeconds(most);

    public static bool TryNetwork(string text, out IPNetwork network) =>
        IPNetwork.TryParse(text, out network)
        || (IPAddress.TryParse(text, out IPAddress? address)
            && IPNetwork.TryParse($"{address}/{address.GetAddressBytes().Length * 8}", out network));
}
