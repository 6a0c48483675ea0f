using System.Buffers;
using System.Net;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Tells every monitor again and again that this server lives, from its UDP port and on a thread of its
/// own.</summary>
/// <remarks>
/// <para>The thread does nothing else: no name is resolved, nothing is locked, nothing is allocated on it, since a beat
/// that comes late looks to the monitor like a death. Each beat says how long ago the one before was: a monitor can
/// tell a process that was paused from a network that loses.</para>
/// <para>What a monitor gets is its <see cref="MonitorLink"/>'s word: the numbered beat ten times a second once it is
/// tethered, else exactly the line of version 1 every three seconds.</para>
/// </remarks>
internal sealed partial class Heart : IDisposable
{
    // What programs of version 1 expect.
    private static readonly TimeSpan Version1Interval = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ResolveAgain = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ResolveSoon = TimeSpan.FromSeconds(1);

    private readonly ContentOptions _options;
    private readonly IDatagrams _datagrams;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Func<(int Load, int Files)> _facts;
    private readonly long _incarnation;
    private readonly TimeSpan _interval;
    private readonly IDatagramPort _port;
    private readonly Target[] _targets;
    private readonly Probes _probes;
    private readonly ArrayBufferWriter<byte> _beat = new(Limits.DatagramBytes);
    private long _sequence;
    private long _lastAt;

    public Heart(ContentOptions options, IReadOnlyList<MonitorLink> monitors, long incarnation, IDatagrams datagrams,
        TimeProvider time, ILogger logger, Complaints complaints, Func<(int Load, int Files)> facts)
    {
        (_options, _incarnation, _datagrams, _time) = (options, incarnation, datagrams, time);
        (_logger, _facts) = (logger, facts);
        _interval = options.HeartbeatInterval < Version1Interval ? options.HeartbeatInterval : Version1Interval;
        _targets = [.. monitors.Select(monitor => new Target(monitor))];
        _port = datagrams.Bind(new IPEndPoint(options.Bind, options.UdpPort));
        _probes = new Probes(options, incarnation, _port, complaints,
            address => Array.Exists(_targets, target => address.Equals(target.Way?.Address)))
        {
            Seals = () => monitors.Select(monitor => monitor.Seal).OfType<DatagramSeal>(),
        };
    }

    /// <summary>Beats until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        _port.Receive(_probes.Take);
        Task[] aiming = [.. _targets.Select(target => KeepAimedAsync(target, cancellationToken))];
        // Behind the first look at the names: where they are known at once, the first beat leaves at once.
        _port.Every(_interval, Beat);
        return Tasks.UntilFirstFailure(aiming);
    }

    public void Dispose() => _port.Dispose();

    private void Beat()
    {
        long now = _time.GetTimestamp();
        TimeSpan gap = _sequence == 0 ? TimeSpan.Zero : _time.GetElapsedTime(_lastAt, now);
        _lastAt = now;
        _sequence++;
        (int load, int files) = _facts();
        foreach (Target target in _targets)
        {
            if (target.Way is not { } way) continue;
            MonitorSpeech speech = target.Monitor.Speech;
            if (speech == MonitorSpeech.Silence || (speech == MonitorSpeech.Version1 && !IsDue(target, now))) continue;
            _beat.ResetWrittenCount();
            _beat.Write(way.Beginning);
            _beat.WriteNumber(load);
            _beat.Write(" "u8);
            _beat.WriteNumber(files);
            if (speech == MonitorSpeech.Version2)
            {
                WriteNumbers(gap);
                target.Monitor.Seal?.Append(_beat);
            }
            way.Send(_beat.WrittenSpan);
        }
    }

    // All that a beat of version 2 has behind that of version 1, but the seal at its end.
    private void WriteNumbers(TimeSpan gap)
    {
        _beat.Write(" inc="u8);
        _beat.WriteNumber(_incarnation);
        _beat.Write(" seq="u8);
        _beat.WriteNumber(_sequence);
        _beat.Write(" gap="u8);
        _beat.WriteNumber((long)Math.Min(gap.TotalMilliseconds, int.MaxValue));
    }

    // Counted from when it was due, so that delays do not add up; what is due before the next tick is half over is due.
    private bool IsDue(Target target, long now)
    {
        if (target.Version1Due != 0 && _time.GetElapsedTime(now, target.Version1Due) > _interval / 2) return false;
        long interval = (long)(Version1Interval.TotalSeconds * _time.TimestampFrequency);
        long next = target.Version1Due + interval;
        target.Version1Due = next > now ? next : now + interval;
        return true;
    }

    private async Task KeepAimedAsync(Target target, CancellationToken cancellationToken)
    {
        while (true)
        {
            await AimAsync(target, cancellationToken).ConfigureAwait(false);
            // A monitor's name may move to another address.
            await Task.Delay(target.Way is null ? ResolveSoon : ResolveAgain, _time, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private async Task AimAsync(Target target, CancellationToken cancellationToken)
    {
        MonitorAddress monitor = target.Monitor.Address;
        try
        {
            foreach (IPAddress address in
                await _datagrams.ResolveAsync(monitor.Host, cancellationToken).ConfigureAwait(false))
            {
                IPEndPoint endPoint = new(address, monitor.UdpPort);
                if (!Reaches(address) || _port.LocalAddressTo(endPoint) is not { } own) continue;
                target.Way = new Way(WireAddress.Plain(address), _port.Toward(endPoint), Beginning(own));
                return;
            }
            SayUnaimed(target, $"{monitor.Host} has no address that can be reached from {_options.Bind}");
        }
        catch (IOException exception)
        {
            SayUnaimed(target, exception.Message);
        }
    }

    private byte[] Beginning(IPAddress own) =>
        Encoding.UTF8.GetBytes($"HEARTBEAT {_options.Id} {WireAddress.Format(own)} {_options.TcpPort} ");

    // A port bound to one address reaches others of its family alone.
    private bool Reaches(IPAddress address) => _options.Bind.Equals(IPAddress.Any)
        || _options.Bind.Equals(IPAddress.IPv6Any) || _options.Bind.AddressFamily == address.AddressFamily;

    private void SayUnaimed(Target target, string reason)
    {
        if (target.Way is null && !target.SaidUnaimed) LogUnaimed(reason);
        target.SaidUnaimed = true;
    }

    private sealed class Target(MonitorLink monitor)
    {
        private volatile Way? _way;

        public MonitorLink Monitor => monitor;

        public Way? Way
        {
            get => _way;
            set => _way = value;
        }

        public bool SaidUnaimed { get; set; }

        // When a line of version 1 is next due; 0 before the first.
        public long Version1Due { get; set; }
    }

    private sealed record Way(IPAddress Address, DatagramSending Send, byte[] Beginning);

    [LoggerMessage(4020, LogLevel.Warning, "no heartbeats can be sent yet: {Reason}")]
    private partial void LogUnaimed(string reason);
}
