using System.Net;

namespace MicroCdn.Testing;

/// <summary>Two directions of bytes between two hosts.</summary>
internal sealed class FakeConnection
{
    public FakeConnection(FakeNetwork network, FakeHost client, FakeHost server, bool loopback)
    {
        (Client, Server) = (client, server);
        (ClientAddress, ServerAddress) = loopback
            ? (IPAddress.Loopback, IPAddress.Loopback) : (client.Address, server.Address);
        Link up = network.LinkOf(client.Name, server.Name);
        Link down = network.LinkOf(server.Name, client.Name);
        ToServer = new Flow(network, up, server, client, up.NextConnectionChance()) { Cut = Break };
        ToClient = new Flow(network, down, client, server, down.NextConnectionChance()) { Cut = Break };
    }

    public FakeHost Client { get; }

    public FakeHost Server { get; }

    public IPAddress ClientAddress { get; }

    public IPAddress ServerAddress { get; }

    public Flow ToServer { get; }

    public Flow ToClient { get; }

    /// <summary>Breaks the connection for both sides.</summary>
    public void Break()
    {
        ToServer.Break();
        ToClient.Break();
    }
}
