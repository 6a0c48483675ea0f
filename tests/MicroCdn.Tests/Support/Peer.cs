using System.Net;
using MicroCdn.Network;

namespace MicroCdn.Tests.Support;

/// <summary>The other end of a connection, by its addresses alone.</summary>
internal sealed record Peer(IPAddress Remote, IPAddress Local) : IPeer
{
    public static Peer Loopback { get; } = From("127.0.0.1", "127.0.0.1");

    public static Peer From(string remote, string local) => new(IPAddress.Parse(remote), IPAddress.Parse(local));
}
