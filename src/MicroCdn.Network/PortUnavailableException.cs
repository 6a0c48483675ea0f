using System.Net;
using System.Net.Sockets;

namespace MicroCdn.Network;

/// <summary>A port cannot be bound; the message says which and why.</summary>
public sealed class PortUnavailableException(string transport, IPEndPoint endPoint, SocketException inner)
    : IOException($"{transport} port {endPoint.Port} on {endPoint.Address} {Reason(inner.SocketErrorCode)}", inner)
{
    private static string Reason(SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => "is already in use: stop what uses it, or choose another port",
        SocketError.AccessDenied => "needs rights that this user has not: choose a port above 1023",
        SocketError.AddressNotAvailable => "cannot be bound: this machine has no such address",
        _ => $"cannot be bound: {error}",
    };
}
