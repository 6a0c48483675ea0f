using System.Net;
using System.Net.Sockets;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>What clients report of servers that failed them: anybody may, so it weighs little.</summary>
/// <remarks>A report counts only where the server is said to hold the file, asks the server last for half a minute, and
/// makes the index look for itself. It removes nobody.</remarks>
internal sealed class Reports(Router router, Complaints complaints)
{
    private readonly ReportBudget _budget = new();

    /// <summary>Takes one report; a refusal when this address reports too much.</summary>
    public WireError? Take(in TroubleReport report, IPeer peer)
    {
        if (!_budget.TryTake(peer.Remote, router.Fleet.Time)) return WireErrors.LimitReached;
        ServerId.TryCreate(report.Id, out ServerId id);
        Catalog.View view = router.Catalog.Now;
        Take(view, view.Find(report.Name), id, report.Reason, peer.Remote);
        return null;
    }

    /// <summary>The same for who came through another door; false when this address reports too much.</summary>
    public bool TryTake(ReadOnlySpan<byte> decodedName, ServerId id, Trouble reason, IPAddress from)
    {
        if (!_budget.TryTake(from, router.Fleet.Time)) return false;
        Catalog.View view = router.Catalog.Now;
        Take(view, view.Names.Find(decodedName), id, reason, from);
        return true;
    }

    private void Take(Catalog.View view, int row, ServerId id, Trouble reason, IPAddress from)
    {
        if (row < 0 || router.Fleet.Find(id) is not { Contact: not null } server) return;
        if (!IsHolder(view, row, server)) return;
        if (reason == Trouble.Wrong)
        {
            complaints.Add($"{id} is reported for wrong bytes of '{Encoding.UTF8.GetString(view.NameOf(row))}' by "
                + $"{WireAddress.Format(from)}");
        }
        router.Fleet.Report(server, reason);
    }

    private static bool IsHolder(Catalog.View view, int row, Server server)
    {
        foreach ((_, ushort[] holders) in view.Claims(row))
        {
            if (holders.AsSpan().Contains((ushort)server.Number)) return true;
        }
        return false;
    }
}

/// <summary>How often one address may report.</summary>
internal sealed class ReportBudget
{
    /// <summary>Reports that one address may make in <see cref="Window"/>; an IPv6 client counts with its whole
    /// /64.</summary>
    public const int Most = 10;

    // Addresses remembered at once; when they are more, nobody new may report until the window is over.
    private const int MostAddresses = 10_000;

    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<(ulong, ulong), int> _made = [];
    private long _began;

    public bool TryTake(IPAddress address, TimeProvider time)
    {
        (ulong, ulong) key = KeyOf(WireAddress.Plain(address));
        lock (_lock)
        {
            if (_made.Count > 0 && time.GetElapsedTime(_began) >= Window) _made.Clear();
            if (_made.Count == 0) _began = time.GetTimestamp();
            if (!_made.TryGetValue(key, out int made) && _made.Count >= MostAddresses) return false;
            if (made >= Most) return false;
            _made[key] = made + 1;
            return true;
        }
    }

    private static (ulong, ulong) KeyOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        bool isIPv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        return (BitConverter.ToUInt64(bytes), isIPv6 ? 1UL : 0UL);
    }
}
