using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MicroCdn.Network;

namespace MicroCdn.Http;

/// <summary>Counts the open connections of each address, so that one client cannot take them all.</summary>
/// <remarks>Of IPv6 the first 64 bits count: one household has all addresses behind them.</remarks>
internal sealed class ConnectionCounts(int most, TrustedNetworks exempt)
{
    private readonly ConcurrentDictionary<IPAddress, int> _counts = [];
    private TrustedNetworks _exempt = exempt;

    /// <summary>Whose connections are counted and never too many.</summary>
    public TrustedNetworks Exempt
    {
        set => Volatile.Write(ref _exempt, value);
    }

    /// <summary>Counts one more; false when it is one too many. Each call is followed by one
    /// <see cref="Release"/>.</summary>
    public bool Take(IPAddress address) =>
        _counts.AddOrUpdate(KeyOf(address), 1, static (_, count) => count + 1) <= most
        || Volatile.Read(ref _exempt).Contains(address);

    /// <summary>Counts one less.</summary>
    public void Release(IPAddress address)
    {
        IPAddress key = KeyOf(address);
        while (_counts.TryGetValue(key, out int count))
        {
            bool done = count == 1 ? _counts.TryRemove(new(key, 1)) : _counts.TryUpdate(key, count - 1, count);
            if (done) return;
        }
    }

    private static IPAddress KeyOf(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(bytes.Length / 2).Clear();
        return new IPAddress(bytes);
    }
}
