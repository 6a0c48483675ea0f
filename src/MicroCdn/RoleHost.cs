using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn;

/// <summary>Attaches roles to the real network and runs them until they are told to stop.</summary>
internal static class RoleHost
{
    /// <summary>Builds and runs roles; trouble at start is one sentence and exit code 2.</summary>
    /// <param name="build">Makes the roles, with their log.</param>
    /// <param name="started">Called once everything listens.</param>
    public static async Task<int> RunAsync(Func<RoleParts, IReadOnlyList<IRole>> build, Action? started = null)
    {
        using Interruption interruption = new();
        using ILoggerFactory loggers = LineLog.CreateFactory();
        IReadOnlyList<IRole> roles = [];
        try
        {
            roles = build(new RoleParts(new TcpDialer(TimeProvider.System), new UdpDatagrams(), TimeProvider.System,
                loggers));
            using EventLoops loops = new(loggers, TimeProvider.System);
            foreach (IRole role in roles)
            {
                foreach (Listener listener in role.Listeners)
                {
                    string address = WireAddress.Format(listener.EndPoint.Address);
                    Say(loggers, role, $"listens on {address}:{loops.Listen(listener).Port}");
                }
            }
            started?.Invoke();
            await RunUntilStopped(roles, loops, interruption.Token);
            return ExitCode.Done;
        }
        catch (Exception exception) when (exception is PortUnavailableException or DirectoryNotFoundException)
        {
            Console.Error.WriteLine($"microcdn: {exception.Message}");
            return ExitCode.Usage;
        }
        finally
        {
            foreach (IDisposable role in roles.OfType<IDisposable>()) role.Dispose();
        }
    }

    private static async Task RunUntilStopped(IReadOnlyList<IRole> roles, EventLoops loops, CancellationToken stopped)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(stopped);
        Task[] running = [.. roles.Select(role => role.RunAsync(all.Token)),
            MemoryKeeper.RunAsync(loops, TimeProvider.System, all.Token)];
        try
        {
            await Tasks.UntilFirstFailure(running);
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            // Asked to stop.
        }
        finally
        {
            await all.CancelAsync();
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static void Say(ILoggerFactory loggers, IRole role, string what)
    {
        ILogger logger = loggers.CreateLogger(role.Name);
        if (logger.IsEnabled(LogLevel.Information)) logger.Log(LogLevel.Information, 0, what, null, (text, _) => text);
    }
}

/// <summary>What every role is built from.</summary>
internal sealed record RoleParts(IDialer Dialer, IDatagrams Datagrams, TimeProvider Time, ILoggerFactory Loggers);
