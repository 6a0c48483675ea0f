using System.Net;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

// What the log is told: one line for each change, with enough in it to judge the verdict afterwards.
internal sealed partial class Watch
{
    private readonly ILogger _logger = logger;

    private void LogAlive(ServerId id, Change change, string host, int port)
    {
        if (change == Change.Appeared) LogAppeared(id, host, port);
        else LogReturned(id, host, port);
    }

    private void Log(Watched server, ServerState state, string reason)
    {
        double silent = Math.Round((Now - server.HeardAt).TotalMilliseconds);
        LogLevel level = state is ServerState.Suspect or ServerState.Dead ? LogLevel.Warning : LogLevel.Information;
        string word = state.Text();
        LogState(level, server.Id, word, reason, server.Incarnation, server.Address, server.TcpPort, silent);
    }

    [LoggerMessage(3001, LogLevel.Information, "{Id} is alive at {Host}:{Port}")]
    private partial void LogAppeared(ServerId id, string host, int port);

    [LoggerMessage(3002, LogLevel.Information, "{Id} is alive again at {Host}:{Port}")]
    private partial void LogReturned(ServerId id, string host, int port);

    [LoggerMessage(3003, LogLevel.Warning, "{Id} is dead: nothing heard from {Host}:{Port} for {Seconds} s")]
    private partial void LogSilent(ServerId id, string host, int port, double seconds);

    [LoggerMessage(EventId = 3005, Message = "{Id} is {State}: {Reason} (start {Incarnation} at {Host}:{Port}, heard "
        + "{Milliseconds} ms ago)")]
    private partial void LogState(LogLevel level, ServerId id, string state, string reason, long incarnation,
        IPAddress host, int port, double milliseconds);

    [LoggerMessage(3006, LogLevel.Error, "two processes go by {Id}: start {Held} at {Host}:{Port} is watched, start "
        + "{Refused} at {OtherHost}:{OtherPort} was refused")]
    private partial void LogTwin(ServerId id, IPAddress host, int port, long held, IPAddress otherHost, int otherPort,
        long refused);

    [LoggerMessage(3007, LogLevel.Error, "degraded: {Reason}, which is likelier our own trouble; nobody is removed")]
    private partial void LogDoubt(string reason);

    [LoggerMessage(3008, LogLevel.Warning, "no longer degraded: {Reason}")]
    private partial void LogTrust(string reason);
}
