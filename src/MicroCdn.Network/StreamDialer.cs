using System.Net;
using System.Net.Sockets;

namespace MicroCdn.Network;

/// <summary>Opens plain byte streams to settled addresses; the tests have one that refuses or never answers.</summary>
public interface IStreamDialer
{
    /// <summary>The addresses of a host, in the order in which they are to be tried.</summary>
    /// <exception cref="IOException">The name is unknown.</exception>
    ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken);

    /// <summary>Connects to one address. No time limit but the token's.</summary>
    /// <exception cref="IOException">Nobody answers there; the message is the reason alone.</exception>
    ValueTask<Stream> DialAsync(IPEndPoint target, CancellationToken cancellationToken);
}

/// <summary>Opens TCP connections as streams; disposing one closes it, also while it is read.</summary>
public sealed class StreamDialer : IStreamDialer
{
    /// <inheritdoc/>
    public ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
        TcpDialer.Resolve(host, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<Stream> DialAsync(IPEndPoint target, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            Sockets.KeepAlive(socket);
            Sockets.BoundUnacknowledged(socket);
            await socket.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException exception)
        {
            socket?.Dispose();
            throw new IOException(TcpDialer.Reason(exception.SocketErrorCode), exception);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }
}
