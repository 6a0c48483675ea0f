using System.Net;
using MicroCdn.Client;
using MicroCdn.Content;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Verbs;

namespace MicroCdn.Doctor;

/// <summary>Where an index and its monitors are, by the settings that the index itself tells.</summary>
/// <param name="Index">Its line port; null when it does not say.</param>
/// <param name="Monitors">The monitors that it goes by; none when it does not say.</param>
internal sealed record KnownPlaces(IndexEndPoint? Index, IReadOnlyList<MonitorAddress> Monitors)
{
    /// <summary>Nothing is known.</summary>
    public static readonly KnownPlaces None = new(null, []);

    /// <summary>Reads them.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="host">Where the index was asked: what it calls localhost is there.</param>
    public static KnownPlaces Of(IReadOnlyList<SettingView> settings, string host)
    {
        string? Value(string key) => settings.FirstOrDefault(setting => setting.Key == key)?.Value;

        List<MonitorAddress> monitors = [];
        if (Flags.TryPort(Value("monitorTcpPort") ?? "", out int first))
        {
            monitors.Add(new MonitorAddress(From(Value("monitorHost") ?? host, host), first, 0));
        }
        foreach (string word in (Value("monitor") ?? "").Split(' '))
        {
            if (!Flags.TryHostAndPort(word, out string other, out int port)) continue;
            monitors.Add(new MonitorAddress(From(other, host), port, 0));
        }
        return new KnownPlaces(Flags.TryPort(Value("port") ?? Value("indexPort") ?? "", out int line)
            ? new IndexEndPoint(host, line) : null, monitors);
    }

    private static string From(string told, string host) =>
        told == "localhost" || (IPAddress.TryParse(told, out IPAddress? address) && IPAddress.IsLoopback(address))
            ? host : told;
}
