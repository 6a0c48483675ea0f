using System.Net;
using MicroCdn.Client;
using MicroCdn.Content.Figures;
using MicroCdn.Content.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>A content server: a library, its line server, its announcements and its heartbeats.</summary>
public sealed partial class ContentRole : ILeavingRole, IDisposable
{
    // Handles kept open between downloads; where descriptors are few, most of them are for connections.
    private const int MostOpenFiles = 512;
    private const int OneOfDescriptors = 4;

    // A peer that takes longer to hear that we leave finds out by itself.
    private static readonly TimeSpan TellTime = TimeSpan.FromSeconds(1);

    // An index knows at once; clients it answered just before are still on their way.
    private static readonly TimeSpan NewsTravel = TimeSpan.FromMilliseconds(250);

    private readonly ContentOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly OpenFiles _openFiles;
    private readonly LibraryKeeper _keeper;
    private readonly DigestKeeper _digests;
    private readonly Scrubber _scrubber;
    private readonly BlobKeeper _blobs;
    private readonly BlobSweep _sweep;
    private readonly DigestDownload _downloads;
    private readonly OrderWork _orders;
    private readonly IndexTie[] _indexes;
    private readonly MonitorLink[] _monitors;
    private readonly Heart _heart;
    private readonly StoreHealth _health;
    private readonly OwnFigures _figures;
    private readonly DownloadKeeper _counted;
    private int _catchingUp;
    private volatile bool _isScanned;

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder to serve does not exist.</exception>
    /// <exception cref="PortUnavailableException">The heartbeat port is in use.</exception>
    public ContentRole(
        ContentOptions options, IDialer dialer, IDatagrams datagrams, TimeProvider time, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger("content");
        (_options, _time, _logger) = (options, time, logger);
        ServedFolder folder = new(options.Files);
        StoreHealth health = _health = new(trouble => LogReadOnly(logger, trouble));
        _blobs = new BlobKeeper(options, folder, health, time, logger, () => Announce(LibraryChange.Announced));
        _openFiles = new OpenFiles(folder.Open, Math.Min(MostOpenFiles, Descriptors.Limit / OneOfDescriptors),
            _blobs.OpenFile);
        _blobs.Gone = _openFiles.Drop;
        _keeper = new LibraryKeeper(folder, time, logger, NoticeChange,
            new Withdrawals(options.State, folder, health, logger), _blobs.Published);
        ChunkLists chunks = new(options.State, folder, health, logger);
        _sweep = new BlobSweep(options, _blobs, chunks, time, logger);
        _scrubber = new Scrubber(options, folder, _keeper, _blobs, new ScrubPosition(options.State, folder, health),
            time, logger);
        _digests = new DigestKeeper(options, folder, _keeper, chunks, health, time, logger,
            () => Announce(LibraryChange.Inside), _blobs.Roots);
        // Counted before anybody hears of this start.
        long incarnation = StartCounter.Next(
            options.State is { } state ? Path.Combine(state, "starts") : null, time, out string? trouble, health);
        if (trouble is not null) LogUncounted(trouble);
        _indexes = [.. options.AllIndexes.Select(
            index => new IndexTie(options, index, incarnation, dialer, time, logger, () => _keeper.Library))];
        _monitors = [.. options.Monitors.Select(
            monitor => new MonitorLink(options, monitor, incarnation, dialer, time, logger))];
        Complaints complaints = new(logger, time);
        _heart = new Heart(options, _monitors, incarnation, datagrams, time, logger, complaints,
            () => (_openFiles.Active, _keeper.Library.Count + _blobs.Published.Count));
        ContentService service = new(() => _keeper.Library, _openFiles, new ContentChunks(chunks, Miss), complaints,
            _keeper.Ring)
        {
            Uploads = new Uploads(_blobs, chunks, logger) { Stored = TellStored },
            Credentials = options.Credentials,
            Trust = new TrustedNetworks(options.Trust),
        };
        _blobs.Lost = digest => Tell(new Receipt(ReceiptKind.Lost, options.Id) { Digest = digest });
        _downloads = new DigestDownload(dialer, time,
            options.FetchRate == 0 ? null : new FetchPace(options.FetchRate, time).WaitAsync, options.AtDisk);
        _orders = new OrderWork(options, _blobs, chunks, _downloads, logger);
        _counted = new DownloadKeeper(options.State, _openFiles, health, options.AtDisk, time, logger);
        _openFiles.Closed = _counted.Leave;
        _figures = new OwnFigures(options, incarnation, () => _openFiles.Active)
        {
            Downloads = _counted.Tally, LineBytes = () => _openFiles.LineBytes,
        };
        Files = new ServedFiles(() => _keeper.Library, _openFiles, _keeper.Ring, health);
        Listeners = [new Listener(new IPEndPoint(options.Bind, options.TcpPort), service)];
    }

    /// <inheritdoc/>
    public string Name => "content";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <summary>The files it serves, for other servers in its process.</summary>
    public ServedFiles Files { get; }

    /// <summary>What purges are applied to; null when there are no copies beside it. Set before it runs.</summary>
    public IPurgeTarget? Copies { get; set; }

    /// <summary>What is served beside it over HTTP; null when nothing is. Set before it runs.</summary>
    public ITraffic? Traffic
    {
        set => _figures.Traffic = value;
    }

    /// <inheritdoc/>
    public int Transfers => _openFiles.Active;

    /// <inheritdoc/>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        LogLeaving(_options.Id, Transfers);
        using (CancellationTokenSource late = new(TellTime, _time))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken))
        {
            await Task.WhenAll([.. _monitors.Select(monitor => monitor.LeaveAsync(either.Token)),
                .. _indexes.Select(index => index.Announcer.LeaveAsync(either.Token))])
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await Task.Delay(NewsTravel, _time, cancellationToken).ConfigureAwait(false);
        _openFiles.End();
    }

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Beats come before the first scan: a large folder takes a while, and the server is alive meanwhile.
        Task heart = _heart.RunAsync(cancellationToken);
        Task monitors = Tasks.UntilFirstFailure(
            [.. _monitors.Select(monitor => monitor.RunAsync(cancellationToken))]);
        Task purges = Copies is { } copies ? FollowPurgesAsync(copies, cancellationToken)
            : Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken);
        await Task.Run(_blobs.Open, cancellationToken).ConfigureAwait(false);
        await _keeper.StartAsync(cancellationToken).ConfigureAwait(false);
        _isScanned = true;
        await _digests.StartAsync().ConfigureAwait(false);
        await Tasks.UntilFirstFailure(heart, monitors, purges, _keeper.RunAsync(cancellationToken),
            RunAllAsync(index => index.Announcer.RunAsync(cancellationToken)), _digests.RunAsync(cancellationToken),
            _scrubber.RunAsync(cancellationToken), _sweep.RunAsync(cancellationToken),
            FollowOrdersAsync(cancellationToken), TellFiguresAsync(cancellationToken),
            _counted.RunAsync(cancellationToken))
            .ConfigureAwait(false);
    }

    // Not after the first scan either: requests for copies wait for it.
    private Task FollowPurgesAsync(IPurgeTarget copies, CancellationToken cancellationToken)
    {
        _catchingUp = _indexes.Length;
        return RunAllAsync(index => index.FollowPurgesAsync(copies, _health, () =>
        {
            if (Interlocked.Decrement(ref _catchingUp) == 0) copies.CatchUp();
        }, cancellationToken));
    }

    private Task FollowOrdersAsync(CancellationToken cancellationToken) => !_blobs.IsOpen || !_options.TakesOrders
        ? Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken)
        : RunAllAsync(index => index.FollowOrdersAsync(_blobs, _orders, cancellationToken));

    private Task TellFiguresAsync(CancellationToken cancellationToken) => !_options.TellsFigures
        ? Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken)
        : RunAllAsync(index => index.TellFiguresAsync(_figures, cancellationToken));

    private Task RunAllAsync(Func<IndexTie, Task> run) => Tasks.UntilFirstFailure([.. _indexes.Select(run)]);

    private void TellStored(string put, Blob blob) => Tell(new Receipt(ReceiptKind.Stored, _options.Id)
    {
        Word = put, Digest = blob.Digest, Size = blob.Size, Root = blob.Root,
    });

    // What nobody ordered concerns all.
    private void Tell(Receipt receipt)
    {
        foreach (IndexTie index in _indexes) index.Receipts.Tell(receipt);
    }

    private void Miss(FileDigest root)
    {
        _digests.Miss(root);
        _sweep.Miss(root);
    }

    private void NoticeChange(LibraryChange change)
    {
        Announce(change);
        _digests.Ring();
    }

    private void Announce(LibraryChange change)
    {
        foreach (IndexTie index in _indexes)
        {
            if (change == LibraryChange.Announced) index.Announcer.Announce();
            else index.Announcer.AnnounceDigests();
        }
    }

    [LoggerMessage(4070, LogLevel.Critical, "the state is read-only until the program is started anew: {Trouble}")]
    private static partial void LogReadOnly(ILogger logger, string trouble);

    /// <inheritdoc/>
    public void Dispose()
    {
        _heart.Dispose();
        _scrubber.Dispose();
        _keeper.Dispose();
        _counted.Dispose();
        _openFiles.Dispose();
        _blobs.Dispose();
        _orders.Dispose();
        _downloads.Dispose();
    }

    [LoggerMessage(4006, LogLevel.Warning, "{Trouble}")]
    private partial void LogUncounted(string trouble);

    [LoggerMessage(4007, LogLevel.Information,
        "{Id} leaves: {Transfers} transfers under way may end, nothing new begins; a second signal ends it at once")]
    private partial void LogLeaving(ServerId id, int transfers);
}
