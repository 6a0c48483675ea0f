using System.Buffers;
using System.Net;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Tells the monitor every few seconds that this server lives, from its UDP port and on a thread of its
/// own.</summary>
/// <remarks>
/// The thread does nothing else: no name is resolved, nothing is locked, nothing is allocated on it, since a beat that
/// comes late looks to the monitor like a death.
/// </remarks>
internal sealed partial class Heart(
    ContentOptions options, IDatagrams datagrams, TimeProvider time, ILogger logger, Func<(int Load, int Files)> facts)
    : IDisposable
{
    private static readonly TimeSpan ResolveAgain = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ResolveSoon = TimeSpan.FromSeconds(1);
    private readonly ArrayBufferWriter<byte> _beat = new(Limits.DatagramBytes);
    private readonly IDatagramPort _port = datagrams.Bind(new IPEndPoint(options.Bind, options.UdpPort));
    private volatile Target? _target;
    private bool _saidUnaimed;

    /// <summary>Beats until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await AimAsync(cancellationToken).ConfigureAwait(false);
        _port.Every(options.HeartbeatInterval, Beat);
        while (true)
        {
            // A monitor's name may move to another address.
            await Task.Delay(_target is null ? ResolveSoon : ResolveAgain, time, cancellationToken)
                .ConfigureAwait(false);
            await AimAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose() => _port.Dispose();

    private void Beat()
    {
        if (_target is not { } target) return;
        (int load, int files) = facts();
        _beat.ResetWrittenCount();
        _beat.Write("HEARTBEAT "u8);
        _beat.WriteText(options.Id.Value);
        _beat.Write(" "u8);
        _beat.WriteText(target.OwnAddress);
        _beat.Write(" "u8);
        _beat.WriteNumber(options.TcpPort);
        _beat.Write(" "u8);
        _beat.WriteNumber(load);
        _beat.Write(" "u8);
        _beat.WriteNumber(files);
        _port.Send(_beat.WrittenSpan, target.EndPoint);
    }

    private async Task AimAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (IPAddress address in
                await datagrams.ResolveAsync(options.MonitorHost, cancellationToken).ConfigureAwait(false))
            {
                IPEndPoint endPoint = new(address, options.MonitorUdpPort);
                if (!Reaches(address) || _port.LocalAddressTo(endPoint) is not { } own) continue;
                _target = new Target(endPoint, WireAddress.Format(own));
                return;
            }
            SayUnaimed($"{options.MonitorHost} has no address that can be reached from {options.Bind}");
        }
        catch (IOException exception)
        {
            SayUnaimed(exception.Message);
        }
    }

    // A port bound to one address reaches others of its family alone.
    private bool Reaches(IPAddress address) => options.Bind.Equals(IPAddress.Any)
        || options.Bind.Equals(IPAddress.IPv6Any) || options.Bind.AddressFamily == address.AddressFamily;

    private void SayUnaimed(string reason)
    {
        if (_target is null && !_saidUnaimed) LogUnaimed(reason);
        _saidUnaimed = true;
    }

    private sealed record Target(IPEndPoint EndPoint, string OwnAddress);

    [LoggerMessage(4020, LogLevel.Warning, "no heartbeats can be sent yet: {Reason}")]
    private partial void LogUnaimed(string reason);
}
