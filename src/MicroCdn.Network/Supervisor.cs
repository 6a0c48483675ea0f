using System.Globalization;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Network;

/// <summary>Tells who started the process, such as systemd, how it is: by datagrams to the socket that is named in the
/// environment (sd_notify(3), sd_watchdog_enabled(3)).</summary>
[SupportedOSPlatform("linux")]
public sealed partial class Supervisor : IDisposable
{
    private readonly Socket _socket;
    private readonly TimeSpan? _watchdog;

    private Supervisor(Socket socket, TimeSpan? watchdog) => (_socket, _watchdog) = (socket, watchdog);

    /// <summary>The one of this process; null when nobody wants to hear anything.</summary>
    public static Supervisor? OfProcess(ILogger logger) => Open(Environment.GetEnvironmentVariable, logger);

    /// <summary>The one that variables name.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <param name="logger">Hears that there is no such socket.</param>
    public static Supervisor? Open(Func<string, string?> variable, ILogger logger)
    {
        if (variable("NOTIFY_SOCKET") is not { Length: > 1 } path || path[0] is not ('/' or '@')) return null;
        Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            // An at sign stands for the NUL before an abstract name.
            socket.Connect(new UnixDomainSocketEndPoint(path[0] == '@' ? $"\0{path[1..]}" : path));
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            socket.Dispose();
            LogNobody(logger, path, exception.Message);
            return null;
        }
        bool isWatched = long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None,
            CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0;
        string? pid = variable("WATCHDOG_PID");
        isWatched &= string.IsNullOrEmpty(pid) || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return new Supervisor(socket, isWatched ? TimeSpan.FromMicroseconds(microseconds) : null);
    }

    /// <summary>All ports are listened on.</summary>
    public void Ready() => Tell($"READY=1\nMAINPID={Environment.ProcessId}");

    /// <summary>It was told to end, and is about to.</summary>
    public void Stopping() => Tell("STOPPING=1");

    /// <summary>Tells that it lives, twice in the time that is allowed, as long as its event loops take
    /// turns.</summary>
    public async Task WatchAsync(EventLoops loops, TimeProvider time, CancellationToken cancellationToken)
    {
        if (_watchdog is not { } allowed) return;
        using PeriodicTimer timer = new(allowed / 2, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            // Answered by every loop: one that hangs keeps us silent here, and the process is started anew.
            await loops.CountSendingAsync().WaitAsync(cancellationToken);
            Tell("WATCHDOG=1");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Tell(string state)
    {
        try
        {
            _socket.Send(Encoding.UTF8.GetBytes(state));
        }
        catch (SocketException)
        {
            // Who does not listen any more wants to hear nothing.
        }
    }

    [LoggerMessage(1090, LogLevel.Warning, "nobody hears at the socket {Path} that NOTIFY_SOCKET names: {Reason}")]
    private static partial void LogNobody(ILogger logger, string path, string reason);
}
