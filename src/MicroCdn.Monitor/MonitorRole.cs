using System.Net;
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
    private readonly Roster _roster;
    private readonly IndexNotices _notices;
    private readonly TrustedNetworks _trust;
    private readonly Complaints _complaints;
    private readonly IDatagramPort _port;

    /// <summary>Builds the role and binds its heartbeat port; nothing runs yet.</summary>
    /// <exception cref="PortUnavailableException">The heartbeat port is in use.</exception>
    public MonitorRole(
        MonitorOptions options, IDialer dialer, IDatagrams datagrams, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _time, _logger) = (options, time, loggers.CreateLogger("monitor"));
        _roster = new Roster(time, options.Timeout, options.CheckInterval);
        _notices = new IndexNotices(_roster, dialer, time, _logger);
        _trust = new TrustedNetworks(options.Trust);
        _complaints = new Complaints(_logger, time);
        _port = datagrams.Bind(new IPEndPoint(options.Bind, options.UdpPort));
        MonitorService service = new(_roster, _notices, _trust, _complaints) { Credentials = options.Credentials };
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
        _port.Receive(Hear);
        return Tasks.UntilFirstFailure(SweepAsync(cancellationToken), _notices.RunAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public void Dispose() => _port.Dispose();

    private void Hear(ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> sender, int port)
    {
        if (!_trust.Contains(sender))
        {
            _complaints.Add(
                $"dropped a heartbeat from {new IPAddress(sender)}: not in a trusted network (see --trust)");
            return;
        }
        if (datagram.Length > Limits.DatagramBytes || !Heartbeat.TryParse(datagram, out Heartbeat beat))
        {
            _complaints.Add($"dropped a datagram of {datagram.Length} bytes: it is no heartbeat");
            return;
        }
        Change? change;
        Member? member;
        lock (_roster.Lock) change = _roster.Record(beat, _time.GetTimestamp(), out member);
        if (member is null) _complaints.Add($"dropped a heartbeat: {Limits.Servers} servers are known already");
        else if (change is { } news) LogAlive(member.Id, news, Encoding.UTF8.GetString(member.Host), member.Port);
        if (_options.Verbose && member is not null)
        {
            LogHeartbeat(member.Id, Encoding.UTF8.GetString(member.Host), member.Port, member.Load, member.Files);
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(_options.CheckInterval, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            IReadOnlyList<Member> dead;
            lock (_roster.Lock) dead = _roster.Sweep(_time.GetTimestamp());
            foreach (Member member in dead)
            {
                LogDead(member.Id, Encoding.UTF8.GetString(member.Host), member.Port, _options.Timeout.TotalSeconds);
                _notices.Tell(member, _time.GetUtcNow().ToUnixTimeSeconds());
            }
        }
    }

    private void LogAlive(ServerId id, Change change, string host, int port)
    {
        if (change == Change.Appeared) LogAppeared(id, host, port);
        else LogReturned(id, host, port);
    }

    [LoggerMessage(3001, LogLevel.Information, "{Id} is alive at {Host}:{Port}")]
    private partial void LogAppeared(ServerId id, string host, int port);

    [LoggerMessage(3002, LogLevel.Information, "{Id} is alive again at {Host}:{Port}")]
    private partial void LogReturned(ServerId id, string host, int port);

    [LoggerMessage(3003, LogLevel.Warning, "{Id} is dead: nothing heard from {Host}:{Port} for {Seconds} s")]
    private partial void LogDead(ServerId id, string host, int port, double seconds);

    [LoggerMessage(3004, LogLevel.Information, "heartbeat of {Id} at {Host}:{Port}, load {Load}, {Files} files")]
    private partial void LogHeartbeat(ServerId id, string host, int port, int load, int files);
}
