using System.Net;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>The monitor: hears heartbeats, notices silence, and tells the indexes.</summary>
public sealed partial class MonitorRole : IRole, IDisposable
{
    private readonly MonitorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IDialer _dialer;
    private readonly Watch _watch;
    private readonly IndexNotices _notices;
    private readonly TrustedNetworks _trust;
    private readonly Complaints _complaints;
    private readonly IDatagramPort _port;

    /// <summary>Builds the role and binds its heartbeat port; nothing runs yet.</summary>
    /// <exception cref="PortUnavailableException">The heartbeat port is in use.</exception>
    public MonitorRole(
        MonitorOptions options, IDialer dialer, IDatagrams datagrams, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _dialer, _time, _logger) = (options, dialer, time, loggers.CreateLogger("monitor"));
        Roster roster = new(time, options.Timeout, options.CheckInterval);
        Detector detector = new(
            options.Profile == DetectionKind.Wan ? DetectionProfile.Wan : DetectionProfile.Lan, DrawNonce);
        DrainedServers drained = new(options.State, _logger);
        detector.Drained.UnionWith(drained.Read());
        _watch = new Watch(roster, detector, time, _logger);
        _notices = new IndexNotices(options.Self, _watch, dialer, time, _logger);
        _trust = new TrustedNetworks(options.Trust);
        _complaints = new Complaints(_logger, time);
        _port = datagrams.Bind(new IPEndPoint(options.Bind, options.UdpPort));
        MonitorService service = new(_watch, _notices, _trust, _complaints)
        {
            Id = options.Id, Credentials = options.Credentials, Drained = drained,
        };
        Listeners = [new Listener(new IPEndPoint(options.Bind, options.TcpPort), service)];
    }

    /// <inheritdoc/>
    public string Name => "monitor";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (IndexAddress index in _options.Indexes) _notices.Add(index);
        _watch.Begin(new Prober(_port, _dialer, _time), _notices.Tell, cancellationToken);
        _port.Receive(Hear);
        _port.Repeat(_watch.Look);
        return Tasks.UntilFirstFailure(SweepAsync(cancellationToken), _notices.RunAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public void Dispose() => _port.Dispose();

    private void Hear(ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> sender, int port)
    {
        bool isProofAsked = _options.Credentials.Mode == AuthMode.Required;
        if (_options.Credentials.AreThere && DatagramSeal.IsAtTheEndOf(datagram))
        {
            // It is genuine or it is nothing, wherever it comes from; only of a server that proved nothing, whose seal
            // nobody can check, the network decides.
            if (!HearSealed(datagram, !isProofAsked && _trust.Contains(sender))) _complaints.Count();
            return;
        }
        if (isProofAsked)
        {
            _complaints.Add(
                $"dropped a datagram from {new IPAddress(sender)}: it has no proof of the cluster key (--key-file)");
            return;
        }
        if (!_trust.Contains(sender))
        {
            _complaints.Add(
                $"dropped a heartbeat from {new IPAddress(sender)}: not in a trusted network (see --trust)");
            return;
        }
        if (datagram.Length > Limits.DatagramBytes) Drop(datagram, "it is too long");
        else if (Heartbeat.TryParse(datagram, out Heartbeat beat)) Hear(beat);
        else if (NumberedHeartbeat.TryParse(datagram, out NumberedHeartbeat numbered))
        {
            // Late ones, and doubled ones, are the network's doing: counted, and nobody's fault.
            if (!_watch.Hear(numbered, datagram, isTrusted: true)) _complaints.Count();
            else if (_options.Verbose) LogHeartbeat(numbered.Plain);
        }
        else if (Pong.TryParse(datagram, out Pong pong))
        {
            if (!_watch.Hear(pong, datagram, isTrusted: true)) _complaints.Count();
        }
        else
        {
            Drop(datagram, "it is no heartbeat");
        }
    }

    // False when it counts for nothing.
    private bool HearSealed(ReadOnlySpan<byte> datagram, bool isTrusted)
    {
        if (datagram.Length > Limits.DatagramBytes) return false;
        if (Pong.TryParse(datagram, out Pong pong)) return _watch.Hear(pong, datagram, isTrusted);
        if (!NumberedHeartbeat.TryParse(datagram, out NumberedHeartbeat numbered)) return false;
        if (!_watch.Hear(numbered, datagram, isTrusted)) return false;
        if (_options.Verbose) LogHeartbeat(numbered.Plain);
        return true;
    }

    private void Hear(in Heartbeat beat)
    {
        if (_watch.Hear(beat, out _) is not { } taken) _complaints.Count();
        else if (!taken) _complaints.Add($"dropped a heartbeat: {Limits.Servers} servers are known already");
        else if (_options.Verbose) LogHeartbeat(beat);
    }

    private void Drop(ReadOnlySpan<byte> datagram, string why) =>
        _complaints.Add($"dropped a datagram of {datagram.Length} bytes: {why}");

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(_options.CheckInterval, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            _watch.Sweep(_options.Timeout);
        }
    }

    // Nobody but who was asked may know it: it is what a PONG is believed by.
    private static ulong DrawNonce()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    private void LogHeartbeat(in Heartbeat beat) => LogHeartbeat(Encoding.UTF8.GetString(beat.Id),
        Encoding.UTF8.GetString(beat.Host), beat.TcpPort, beat.Load, beat.Files);

    [LoggerMessage(3004, LogLevel.Information, "heartbeat of {Id} at {Host}:{Port}, load {Load}, {Files} files")]
    private partial void LogHeartbeat(string id, string host, int port, int load, int files);
}
