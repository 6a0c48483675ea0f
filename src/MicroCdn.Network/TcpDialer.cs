using System.Net;
using System.Net.Sockets;

namespace MicroCdn.Network;

/// <summary>Dials over TCP, IPv4 addresses of a name first: some version 1 peers know no others.</summary>
public sealed class TcpDialer(TimeProvider time) : IDialer
{
    /// <summary>How long one address may take to accept: three retransmissions of a lost SYN would take 7 s.</summary>
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(5);

    /// <summary>Makes a socket; it fails where the process has no descriptors left.</summary>
    internal Func<AddressFamily, Socket> Open { get; init; } = family =>
        new Socket(family, SocketType.Stream, ProtocolType.Tcp);

    /// <inheritdoc/>
    public async ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        foreach (IPAddress address in await Resolve(host, cancellationToken).ConfigureAwait(false))
        {
            Socket? socket = null;
            using CancellationTokenSource limit = new(ConnectTime, time);
            using CancellationTokenSource either =
                CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                socket = Open(address.AddressFamily);
                socket.NoDelay = true;
                Sockets.KeepAlive(socket);
                Sockets.BoundUnacknowledged(socket);
                await socket.ConnectAsync(new IPEndPoint(address, port), either.Token).ConfigureAwait(false);
                return new LineConnection(new NetworkStream(socket, ownsSocket: true), Address(socket.LocalEndPoint),
                    address);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                socket?.Dispose();
                cancellationToken.ThrowIfCancellationRequested();
                failure = exception;
            }
        }
        string reason = failure is SocketException { SocketErrorCode: var code } ? Reason(code) : "no answer in 5 s";
        string message = $"{host}:{port} cannot be reached: {reason}";
        throw failure is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
            ? new ConnectionRefusedException(message, failure) : new IOException(message, failure);
    }

    /// <summary>The addresses of a host, IPv4 first.</summary>
    /// <exception cref="IOException">The name is unknown.</exception>
    public static async ValueTask<IPAddress[]> Resolve(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out IPAddress? address)) return [address];
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
            return [.. addresses.OrderBy(a => a.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)];
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            // A name that is too long is an argument error.
            throw new IOException($"the host name '{host}' is unknown", exception);
        }
    }

    private static IPAddress Address(EndPoint? endPoint) => ((IPEndPoint)endPoint!).Address;

    internal static string Reason(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "nothing listens there (connection refused)",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "no route to it",
        SocketError.TimedOut => "no answer",
        SocketError.TooManyOpenSockets => "this process has no file descriptors left",
        _ => error.ToString(),
    };
}
