using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>One line in the log for every change of a server's state, with what led to it.</summary>
internal sealed partial class StateLog(ILogger logger)
{
    public void Add(Server server)
    {
        string why = server.Why.Length == 0 ? "it is heard" : server.Why;
        long incarnation = server.Contact?.Incarnation ?? 0;
        if (incarnation == 0) LogState(server.Id, server.State.Text(), why);
        else LogState2(server.Id, server.State.Text(), why, incarnation);
    }

    [LoggerMessage(2001, LogLevel.Information, "{Id} is {State}: {Why}")]
    private partial void LogState(ServerId id, string state, string why);

    [LoggerMessage(2010, LogLevel.Information, "{Id} is {State}: {Why} (start {Incarnation})")]
    private partial void LogState2(ServerId id, string state, string why, long incarnation);
}
