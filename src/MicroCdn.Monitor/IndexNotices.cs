using System.Net;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>All indexes that are told of what happens, each by a worker of its own: none waits for another.</summary>
internal sealed partial class IndexNotices(
    Identity self, Watch watch, IDialer dialer, TimeProvider time, ILogger logger)
{
    private const string Localhost = "localhost";
    // What failed once may fail at once again, and each time stands in the log.
    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly List<IndexContact> _indexes = [];
    private readonly Links _links = new();
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
            if (_indexes.Find(known => known.Index == plain) is { } contact)
            {
                contact.Subscribe();
                return true;
            }
            if (_indexes.Count >= Limits.Indexes) return false;
            contact = new IndexContact(plain, self, watch, _links, dialer, time, logger);
            _indexes.Add(contact);
            if (_running is { } token) _ = RunOneAsync(contact, token);
        }
        LogAdded(plain);
        return true;
    }

    /// <summary>There is news to tell every index.</summary>
    public void Tell()
    {
        lock (_lock)
        {
            foreach (IndexContact index in _indexes) index.Wake();
        }
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _running = cancellationToken;
            foreach (IndexContact index in _indexes) _ = RunOneAsync(index, cancellationToken);
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
    }

    // Whatever goes wrong with one index, it is not given up: it would never hear of a death again.
    private async Task RunOneAsync(IndexContact index, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                try
                {
                    await index.RunAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    LogFault(index.Index, exception);
                }
                await Task.Delay(PauseAfterFault, time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The monitor is ending.
        }
    }

    // The names that a peer may use for itself one after the other. 127.0.0.2 is another index, bound to that address.
    private static bool IsThisMachine(string host) => host is "127.0.0.1" or "::1"
        || host.Equals(Localhost, StringComparison.OrdinalIgnoreCase);

    [LoggerMessage(3010, LogLevel.Information, "failures are told to the index at {Index}")]
    private partial void LogAdded(IndexAddress index);

    [LoggerMessage(3014, LogLevel.Error, "telling the index at {Index} failed, trying on")]
    private partial void LogFault(IndexAddress index, Exception exception);
}
