using System.Net;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>All indexes that are told of deaths, each by a worker of its own: none waits for another.</summary>
internal sealed partial class IndexNotices(Roster roster, IDialer dialer, TimeProvider time, ILogger logger)
{
    private const string Localhost = "localhost";

    private readonly Lock _lock = new();
    private readonly List<IndexNotifier> _indexes = [];
    private CancellationToken? _running;

    /// <summary>Adds an index that subscribed; one that calls itself <c>localhost</c> on another machine means that
    /// machine.</summary>
    public bool Add(IndexAddress index, IPAddress peer) =>
        Add(IsThisMachine(index.Host) && !IPAddress.IsLoopback(peer)
            ? index with { Host = WireAddress.Format(peer) } : index);

    /// <summary>Adds an index to tell; false when there are too many already.</summary>
    public bool Add(IndexAddress index)
    {
        IndexAddress plain = IsThisMachine(index.Host) ? index with { Host = Localhost } : index;
        lock (_lock)
        {
            if (_indexes.Exists(known => known.Index == plain)) return true;
            if (_indexes.Count >= Limits.Indexes) return false;
            IndexNotifier notifier = new(plain, roster, dialer, time, logger);
            _indexes.Add(notifier);
            if (_running is { } token) _ = RunOneAsync(notifier, token);
        }
        LogAdded(plain);
        return true;
    }

    /// <summary>Tells every index that a server is dead.</summary>
    public void Tell(Member member, long unixSeconds)
    {
        lock (_lock)
        {
            foreach (IndexNotifier index in _indexes) index.Tell(member, unixSeconds);
        }
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _running = cancellationToken;
            foreach (IndexNotifier index in _indexes) _ = RunOneAsync(index, cancellationToken);
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
    }

    private async Task RunOneAsync(IndexNotifier index, CancellationToken cancellationToken)
    {
        try
        {
            await Tasks.UntilFirstFailure(
                index.ExpectServersAsync(cancellationToken), index.RunAsync(cancellationToken)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The monitor is ending.
        }
        catch (Exception exception)
        {
            LogFault(index.Index, exception);
        }
    }

    // The names that a peer may use for itself one after the other. 127.0.0.2 is another index, bound to that address.
    private static bool IsThisMachine(string host) => host is "127.0.0.1" or "::1"
        || host.Equals(Localhost, StringComparison.OrdinalIgnoreCase);

    [LoggerMessage(3010, LogLevel.Information, "failures are told to the index at {Index}")]
    private partial void LogAdded(IndexAddress index);

    [LoggerMessage(3014, LogLevel.Error, "telling the index at {Index} failed")]
    private partial void LogFault(IndexAddress index, Exception exception);
}
