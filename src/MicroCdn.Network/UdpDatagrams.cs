using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>UDP on real sockets.</summary>
public sealed class UdpDatagrams : IDatagrams
{
    /// <inheritdoc/>
    public IDatagramPort Bind(IPEndPoint endPoint) => new UdpPort(Sockets.Bind(endPoint, SocketType.Dgram));

    /// <inheritdoc/>
    public ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
        TcpDialer.Resolve(host, cancellationToken);
}

/// <summary>One bound UDP socket.</summary>
internal sealed class UdpPort : IDatagramPort
{
    // Room for every server's beat while our thread is paused: ten thousand servers for about four seconds.
    private const int ReceiveBuffer = 4 * 1024 * 1024;
    private readonly Socket _socket;
    private readonly ManualResetEventSlim _stop = new();

    public UdpPort(Socket socket)
    {
        _socket = socket;
        _socket.ReceiveBufferSize = ReceiveBuffer;
    }

    public IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    public void Send(ReadOnlySpan<byte> datagram, IPEndPoint target)
    {
        try
        {
            _socket.SendTo(datagram, SocketFlags.None, Target(target));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // A datagram may always be lost; the receiver's silence rule is what notices.
        }
    }

    public DatagramSending Toward(IPEndPoint target)
    {
        SocketAddress address = Target(target).Serialize();
        return datagram =>
        {
            try
            {
                _socket.SendTo(datagram, SocketFlags.None, address);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // As above.
            }
        };
    }

    public IPAddress? LocalAddressTo(IPEndPoint target)
    {
        try
        {
            using Socket probe = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            probe.Connect(target);
            return ((IPEndPoint)probe.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public void Receive(DatagramHandler handler) => Start("microcdn-datagrams", () =>
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(2 * Limits.DatagramBytes, pinned: true);
        SocketAddress from = new(_socket.AddressFamily);
        while (!_stop.IsSet)
        {
            try
            {
                int length = _socket.ReceiveFrom(buffer, SocketFlags.None, from);
                handler(buffer.AsSpan(0, length), SenderBytes(from), SenderPort(from));
            }
            catch (SocketException)
            {
                // An ICMP error of an earlier send, or a datagram larger than the buffer: neither is ours to answer.
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    });

    public void Every(TimeSpan interval, Action beat) => Start("microcdn-heartbeat", () =>
    {
        // The next beat is counted from the planned time of the last one, so that delays do not add up.
        long planned = Stopwatch.GetTimestamp();
        do
        {
            beat();
            planned += (long)(interval.TotalSeconds * Stopwatch.Frequency);
            long now = Stopwatch.GetTimestamp();
            if (planned < now) planned = now;
        }
        while (!_stop.Wait(PauseUntil(planned, Stopwatch.GetTimestamp())));
    });

    /// <summary>How long there is to wait; no time where that moment is over: a busy machine may stop a thread between
    /// any two looks at the clock.</summary>
    /// <param name="planned">The moment, as <see cref="Stopwatch"/> counts.</param>
    /// <param name="now">Now.</param>
    internal static TimeSpan PauseUntil(long planned, long now) =>
        planned <= now ? TimeSpan.Zero : Stopwatch.GetElapsedTime(now, planned);

    public void Repeat(Func<TimeSpan> step) => Start("microcdn-looks", () =>
    {
        while (!_stop.Wait(step()))
        {
            // The next step.
        }
    });

    public void Dispose()
    {
        _stop.Set();
        _socket.Dispose();
    }

    // A dual-stack socket reaches an IPv4 target through its mapped address.
    private IPEndPoint Target(IPEndPoint target) =>
        _socket.AddressFamily == AddressFamily.InterNetworkV6 && target.AddressFamily == AddressFamily.InterNetwork
            ? new IPEndPoint(target.Address.MapToIPv6(), target.Port) : target;

    // The address inside a sockaddr_in or sockaddr_in6.
    private static ReadOnlySpan<byte> SenderBytes(SocketAddress from) => from.Family == AddressFamily.InterNetwork
        ? from.Buffer.Span.Slice(4, 4) : from.Buffer.Span.Slice(8, 16);

    // The port stands behind the family in both, highest byte first.
    private static int SenderPort(SocketAddress from) => BinaryPrimitives.ReadUInt16BigEndian(from.Buffer.Span[2..]);

    // .NET's own priorities mean nothing on Linux.
    private static void Start(string name, Action body) => new Thread(() =>
    {
        if (OperatingSystem.IsLinux()) Libc.BeUrgent();
        body();
    })
    { Name = name, IsBackground = true }.Start();
}
