using System.Diagnostics;

namespace MicroCdn.Access;

/// <summary>Whose requests are counted together.</summary>
public enum Share
{
    /// <summary>Those of one client: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer
    /// has.</summary>
    Client,

    /// <summary>Those of a neighbourhood: 24 bits of IPv4, 48 of IPv6.</summary>
    Network,

    /// <summary>All of them.</summary>
    All,
}

/// <summary>How many requests are let through in a time, for each client by itself (generic cell rate algorithm, ITU-T
/// I.371, appendix 1).</summary>
/// <remarks>
/// Of each client a single number is kept: when it will have paid for what it had. The table has a fixed size; a client
/// for whom there is no place takes that of the one in its set who has paid for most, so strangers with many addresses
/// make the memory of others shorter, and never larger. Nothing is allocated.
/// </remarks>
internal sealed class RateLimit
{
    private const int Ways = 8;
    private const int Locks = 64;

    private readonly Slot[] _slots;
    private readonly Lock[] _locks = [.. Enumerable.Range(0, Locks).Select(_ => new Lock())];
    private readonly ulong _seed;
    private readonly long _interval;
    private readonly long _tolerance;
    private readonly Share _share;

    /// <summary>Makes a table.</summary>
    /// <param name="interval">What one request costs: the time between two when they come steadily.</param>
    /// <param name="burst">How many may come at once, 1 or more.</param>
    /// <param name="share">Whose requests are counted together.</param>
    /// <param name="seed">Something that strangers do not know, so that none can choose whom to crowd out.</param>
    /// <param name="clients">For how many clients there is room; a power of two, 8 or more.</param>
    public RateLimit(TimeSpan interval, int burst, Share share, ulong seed, int clients = 65_536)
    {
        Debug.Assert(clients >= Ways && (clients & (clients - 1)) == 0);
        _slots = new Slot[share == Share.All ? Ways : clients];
        (_interval, _share, _seed) = (interval.Ticks, share, seed | 1);
        _tolerance = (burst - 1) * _interval;
    }

    /// <summary>Counts a request, if it is let through.</summary>
    /// <param name="address">The client's address.</param>
    /// <param name="now">A time that only grows, in ticks of 100 ns.</param>
    /// <param name="counts">False to ask only.</param>
    /// <returns>0 when it is let through, else how many ticks later it would be.</returns>
    public long Take(UInt128 address, long now, bool counts = true)
    {
        UInt128 key = KeyOf(address);
        int set = SetOf(key);
        Span<Slot> ways = _slots.AsSpan(set * Ways, Ways);
        lock (_locks[set % Locks])
        {
            int at = Find(ways, key, now);
            ref Slot slot = ref ways[at];
            // A stranger's slot is as good as an empty one.
            long due = slot.Key == key ? Math.Max(slot.Due, now) : now;
            if (due - now > _tolerance) return due - now - _tolerance;
            if (counts) slot = new Slot(key, due + _interval);
            return 0;
        }
    }

    private static int Find(Span<Slot> ways, UInt128 key, long now)
    {
        int oldest = 0;
        for (int at = 0; at < ways.Length; at++)
        {
            if (ways[at].Key == key) return at;
            if (Math.Max(ways[at].Due, now) < Math.Max(ways[oldest].Due, now)) oldest = at;
        }
        return oldest;
    }

    private UInt128 KeyOf(UInt128 address) => _share switch
    {
        Share.All => UInt128.One,
        Share.Client => AddressBits.IsV4(address) ? address : address & AddressBits.Mask(64),
        _ => address & AddressBits.Mask(AddressBits.IsV4(address) ? 96 + 24 : 48),
    };

    // Multiplied by odd numbers that nobody else knows, of which the upper bits are taken.
    private int SetOf(UInt128 key)
    {
        ulong mixed = ((ulong)key ^ ((ulong)(key >> 64) * 0x9E37_79B9_7F4A_7C15)) * _seed;
        mixed = (mixed ^ (mixed >> 32)) * 0xD6E8_FEB8_6659_FD93;
        return (int)((mixed >> 32) % (uint)(_slots.Length / Ways));
    }

    private readonly record struct Slot(UInt128 Key, long Due);
}
