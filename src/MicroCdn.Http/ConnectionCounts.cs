using System.Collections.Concurrent;
using System.Net;
using MicroCdn.Network;

namespace MicroCdn.Http;

/// <summary>Counts the open connections of each address, so that one client cannot take them all.</summary>
internal sealed class ConnectionCounts(int most, TrustedNetworks exempt)
{
    private readonly ConcurrentDictionary<IPAddress, int> _counts = [];

    /// <summary>Counts one more; false when it is one too many. Each call is followed by one
    /// <see cref="Release"/>.</summary>
    public bool Take(IPAddress address) =>
        _counts.AddOrUpdate(address, 1, static (_, count) => count + 1) <= most || exempt.Contains(address);

    /// <summary>Counts one less.</summary>
    public void Release(IPAddress address)
    {
        while (_counts.TryGetValue(address, out int count))
        {
            bool done = count == 1 ? _counts.TryRemove(new(address, 1)) : _counts.TryUpdate(address, count - 1, count);
            if (done) return;
        }
    }
}
