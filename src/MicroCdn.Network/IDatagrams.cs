using System.Net;

namespace MicroCdn.Network;

/// <summary>Takes one datagram.</summary>
/// <param name="datagram">Its bytes, valid during the call.</param>
/// <param name="sender">The raw bytes of the sender's address, 4 or 16.</param>
/// <param name="port">The sender's port.</param>
public delegate void DatagramHandler(ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> sender, int port);

/// <summary>Sends one datagram to a target that is settled.</summary>
public delegate void DatagramSending(ReadOnlySpan<byte> datagram);

/// <summary>Opens UDP ports; the tests have one on a fake network that loses and doubles datagrams.</summary>
public interface IDatagrams
{
    /// <summary>Binds a port.</summary>
    /// <exception cref="PortUnavailableException">The port is in use, or the address is not ours.</exception>
    IDatagramPort Bind(IPEndPoint endPoint);

    /// <summary>The addresses of a host, IPv4 first.</summary>
    /// <exception cref="IOException">The name is unknown.</exception>
    ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken);
}

/// <summary>One UDP port with threads of its own, which load on the thread pool cannot delay.</summary>
public interface IDatagramPort : IDisposable
{
    /// <summary>The port bound, which tells its number when 0 was asked for.</summary>
    IPEndPoint Local { get; }

    /// <summary>Sends one datagram; one that cannot be sent is lost, as any datagram may be.</summary>
    void Send(ReadOnlySpan<byte> datagram, IPEndPoint target);

    /// <summary>The way to a target that is sent to again and again; on a real socket, using it allocates
    /// nothing.</summary>
    DatagramSending Toward(IPEndPoint target) => datagram => Send(datagram, target);

    /// <summary>Our address on the way to a target, or null when there is no route.</summary>
    IPAddress? LocalAddressTo(IPEndPoint target);

    /// <summary>Hands every datagram to the handler, on one thread of its own, until the port is disposed.</summary>
    void Receive(DatagramHandler handler);

    /// <summary>Calls <paramref name="beat"/> now and then once an interval, on one thread of its own, until
    /// disposed.</summary>
    void Every(TimeSpan interval, Action beat);

    /// <summary>Calls <paramref name="step"/> at once and then again after each time that it returns, on one thread of
    /// its own, until disposed.</summary>
    void Repeat(Func<TimeSpan> step);
}
