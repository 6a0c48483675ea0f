using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MicroCdn.Network;

/// <summary>How sockets are bound here: both address families at once where no address is asked for.</summary>
internal static unsafe partial class Sockets
{
    private const int OpenFiles = 7;

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

    /// <summary>The process's limit of open file descriptors.</summary>
    public static long DescriptorLimit()
    {
        ulong* limit = stackalloc ulong[2];
        return getrlimit(OpenFiles, limit) == 0 ? (long)Math.Min(limit[0], int.MaxValue) : 1024;
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limit);
}
