using System.Globalization;
using System.Net;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>Asks all Sentinels which Redis is the master, and believes the latest election.</summary>
/// <remarks>The library can follow Sentinel by itself, but takes an old master that comes back for one as long as it
/// calls itself so; that is some seconds, in which its log is not the one that counts.</remarks>
internal sealed class Sentinels(string master, Func<ConfigurationOptions> options) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private ConnectionMultiplexer? _multiplexer;

    /// <summary>The master now; null when no Sentinel answers. One caller at a time.</summary>
    /// <exception cref="RecordStoreException">The Sentinels know no such master.</exception>
    public async Task<EndPoint?> FindAsync()
    {
        if (_multiplexer is null)
        {
            ConfigurationOptions sentinel = options();
            sentinel.CommandMap = CommandMap.Sentinel;
            _multiplexer = await ConnectionMultiplexer.SentinelConnectAsync(sentinel).ConfigureAwait(false);
        }
        Named?[] named = await Task.WhenAll(_multiplexer.GetServers().Where(server => server.IsConnected)
            .Select(AskAsync)).ConfigureAwait(false);
        if (named.Length > 0 && Array.TrueForAll(named, name => name is { EndPoint: null }))
        {
            throw new RecordStoreException($"the Sentinels know no master called '{master}'");
        }
        return named.Where(name => name?.EndPoint is not null).MaxBy(name => name!.Epoch)?.EndPoint;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_multiplexer is { } multiplexer) await multiplexer.DisposeAsync().ConfigureAwait(false);
    }

    // Null: no answer. Without an end: it knows none of that name.
    private async Task<Named?> AskAsync(IServer server)
    {
        try
        {
            KeyValuePair<string, string>[] pairs =
                await server.SentinelMasterAsync(master).WaitAsync(Patience).ConfigureAwait(false);
            Dictionary<string, string> facts = new(pairs);
            CultureInfo culture = CultureInfo.InvariantCulture;
            if (!int.TryParse(facts.GetValueOrDefault("port"), culture, out int port)) return null;
            if (!long.TryParse(facts.GetValueOrDefault("config-epoch"), culture, out long epoch)) return null;
            if (facts.GetValueOrDefault("ip") is not { Length: > 0 } host) return null;
            return new Named(IPAddress.TryParse(host, out IPAddress? address)
                ? new IPEndPoint(address, port)
                : new DnsEndPoint(host, port), epoch);
        }
        catch (RedisServerException)
        {
            return new Named(null, 0);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            return null;
        }
    }

    private sealed record Named(EndPoint? EndPoint, long Epoch);
}
