using MicroCdn.Index.Events;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>One line in the log, and an event, for every change of a server's state, with what led to it.</summary>
internal sealed partial class StateLog(ILogger logger, EventLog events)
{
    public void Add(Server server)
    {
        string why = server.Why.Length == 0 ? "it is heard" : server.Why;
        events.Add(EventKind.Server, SeverityOf(server.State), server.Id.Value,
            $"{server.Id} is {server.State.Text()}: {why}");
        long incarnation = server.Contact?.Incarnation ?? 0;
        if (incarnation == 0) LogState(server.Id, server.State.Text(), why);
        else LogState2(server.Id, server.State.Text(), why, incarnation);
    }

    private static Severity SeverityOf(ServerState state) => state switch
    {
        ServerState.Dead => Severity.Error,
        ServerState.Suspect or ServerState.Unknown => Severity.Warning,
        _ => Severity.Info,
    };

    [LoggerMessage(2001, LogLevel.Information, "{Id} is {State}: {Why}")]
    private partial void LogState(ServerId id, string state, string why);

    [LoggerMessage(2010, LogLevel.Information, "{Id} is {State}: {Why} (start {Incarnation})")]
    private partial void LogState2(ServerId id, string state, string why, long incarnation);
}
