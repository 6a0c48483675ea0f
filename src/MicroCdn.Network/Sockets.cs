using System.Net;
using System.Net.Sockets;

namespace MicroCdn.Network;

/// <summary>How sockets are bound here: both address families at once where no address is asked for.</summary>
internal static class Sockets
{
    private const int UserTimeoutOption = 18;

    // A peer whose machine or cable is gone says nothing: 5 s of silence, then three probes. The kernel's own two hours
    // would leave a content server registered with an index that no longer exists.
    private const int SilentSeconds = 5;
    private const int ProbeSeconds = 2;
    private const int Probes = 3;

    /// <summary>Lets the kernel ask after a silent peer, and end the connection when nobody is there.</summary>
    public static void KeepAlive(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, SilentSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, ProbeSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }

    /// <summary>Ends the connection too when what we sent is not acknowledged for as long as the probes take.</summary>
    /// <remarks>While something is unacknowledged the kernel sends no probes, and tries again for a quarter of an hour.
    /// Not for accepted connections: their clients may leave an answer unread for longer.</remarks>
    public static void BoundUnacknowledged(Socket socket)
    {
        // Elsewhere the system's own bounds hold, and our clients have shorter ones of their own.
        if (!OperatingSystem.IsLinux()) return;
        const int milliseconds = (SilentSeconds + (ProbeSeconds * Probes)) * 1000;
        socket.SetRawSocketOption((int)ProtocolType.Tcp, UserTimeoutOption, BitConverter.GetBytes(milliseconds));
    }

    /// <exception cref="PortUnavailableException">The port is in use, or the address is not ours.</exception>
    public static Socket Bind(IPEndPoint endPoint, SocketType type)
    {
        bool any = endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any);
        bool dual = any && Socket.OSSupportsIPv6;
        AddressFamily family = dual ? AddressFamily.InterNetworkV6 : endPoint.AddressFamily;
        ProtocolType protocol = type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp;
        Socket socket = new(family, type, protocol);
        try
        {
            if (dual) socket.DualMode = true;
            socket.Bind(dual ? new IPEndPoint(IPAddress.IPv6Any, endPoint.Port) : endPoint);
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new PortUnavailableException(protocol.ToString().ToUpperInvariant(), endPoint, exception);
        }
    }
}
