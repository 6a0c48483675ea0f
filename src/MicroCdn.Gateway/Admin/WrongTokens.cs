using System.Net;
using System.Net.Sockets;

namespace MicroCdn.Gateway.Admin;

/// <summary>Slows down whoever shows wrong tokens: each further one of an address within a minute is answered a tenth
/// of a second later, at most two seconds.</summary>
/// <remarks>A right token is never slowed: otherwise whoever shares an address with a guesser would be kept out. No
/// thread waits; of the answers that wait there are so many at once and no more.</remarks>
internal sealed class WrongTokens(TimeProvider time)
{
    /// <summary>Most answers that wait: each holds a connection.</summary>
    public const int MostHeld = 256;

    private const int MostAddresses = 4_096;
    private const int MostSteps = 20;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, (int Count, long At)> _addresses = [];
    private int _held;

    /// <summary>Takes note of a wrong token; null when too many wait already, else how long its answer has to wait, and
    /// <see cref="Release"/> is due then.</summary>
    public TimeSpan? Hold(IPAddress address)
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            IPAddress key = NetworkOf(address);
            if (_addresses.Count >= MostAddresses && !_addresses.ContainsKey(key)) Forget(now);
            (int count, long at) = _addresses.GetValueOrDefault(key);
            count = count > 0 && time.GetElapsedTime(at, now) < Memory ? Math.Min(count + 1, MostSteps) : 1;
            if (_addresses.Count >= MostAddresses && !_addresses.ContainsKey(key)) count = MostSteps;
            else _addresses[key] = (count, now);
            if (_held >= MostHeld) return null;
            _held++;
            return count * Step;
        }
    }

    /// <summary>An answer waits no more.</summary>
    public void Release()
    {
        lock (_lock) _held--;
    }

    private void Forget(long now)
    {
        foreach ((IPAddress key, (_, long at)) in _addresses)
        {
            if (time.GetElapsedTime(at, now) >= Memory) _addresses.Remove(key);
        }
    }

    // Who has one address of IPv6 has 2^64 of them.
    private static IPAddress NetworkOf(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.IsIPv4MappedToIPv6) return address;
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
