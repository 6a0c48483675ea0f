using System.Net;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Http;

/// <summary>Finds out which address a client has, also behind a proxy.</summary>
/// <param name="proxies">The proxies that are believed. Loopback is not among them unless it is named: on this machine
/// too a stranger may write what he likes.</param>
public sealed class ClientAddresses(IReadOnlyList<IPNetwork> proxies)
{
    /// <summary>No proxy is believed.</summary>
    public static ClientAddresses AsTheyCome { get; } = new([]);

    /// <summary>The client's address.</summary>
    public IPAddress Of(in Request request, IPeer peer) =>
        !request.Has(Field.XForwardedFor) || !IsProxy(peer.Remote) ? peer.Remote
        : Forwarded(System.Text.Encoding.ASCII.GetString(request[Field.XForwardedFor]), peer.Remote);

    // Each proxy appends whom it heard: from the right, the first that is no proxy of ours is the client. What stands
    // left of it, the client may have written itself.
    private IPAddress Forwarded(string list, IPAddress nearest)
    {
        string[] hops = list.Split(',', StringSplitOptions.TrimEntries);
        for (int hop = hops.Length - 1; hop >= 0 && IsProxy(nearest); hop--)
        {
            if (!IPEndPoint.TryParse(hops[hop], out IPEndPoint? heard)) return nearest;
            nearest = WireAddress.Plain(heard.Address);
        }
        return nearest;
    }

    private bool IsProxy(IPAddress address)
    {
        foreach (IPNetwork proxy in proxies)
        {
            if (proxy.Contains(address)) return true;
        }
        return false;
    }
}
