using System.Net;
using MicroCdn.Index.Events;
using MicroCdn.Index.Figures;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>The index: which server has which file, and which one gets this client.</summary>
public sealed partial class IndexRole : IRole, IDisposable
{
    private readonly IRecordStore _records;
    private readonly Applied _applied;
    private readonly MonitorWatch[] _monitors;
    private readonly Tide _tide;
    private readonly Witness _witness;
    private readonly CountryWatch? _countries;
    private readonly PurgeDesk _purges;
    private readonly OrderDesk _orders;
    private readonly Scribe _scribe;
    private readonly HolderHint? _hint;
    private readonly Foretold? _foretold;
    private readonly Healer _healer;

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <param name="options">What it is told.</param>
    /// <param name="dialer">How it reaches the monitor.</param>
    /// <param name="time">The clock.</param>
    /// <param name="chance">Seeds the name table, so that nobody can choose names that collide, and the draws of the
    /// routing.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <exception cref="UnusableCountryFileException">The country file cannot be used.</exception>
    /// <exception cref="RecordStoreException">What is published cannot be read.</exception>
    public IndexRole(IndexOptions options, IDialer dialer, TimeProvider time, Random chance, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger("index");
        RetiredServers retired = new();
        Fleet fleet = new(time, new Locations(options.ZoneNetworks))
        {
            Retired = retired,
            Takes = key => options.Credentials.Keys?.Accepts(key) != false,
        };
        Catalog catalog = new(chance.NextInt64());
        Router router = new(catalog, fleet, new Chance(chance.NextInt64()));
        if (options.CountryFile is { } path) _countries = new CountryWatch(path, fleet, time, logger);
        _applied = new Applied(router, logger);
        _witness = new Witness(fleet, dialer, time);
        fleet.Look = _witness.Look;
        fleet.Changed = new StateLog(logger, Events = new EventLog(time)).Add;
        (_watch, _time) = (new FleetWatch(Events, time), time);
        _tide = new Tide(fleet, time);
        _monitors = [.. options.AllMonitors.Select(
            monitor => new MonitorWatch(options, monitor, fleet, dialer, time, logger))];
        Complaints complaints = new(logger, time);
        _purges = new PurgeDesk(PurgesOf(options, chance, time, logger), fleet, time, logger);
        Book book = new(catalog, chance.NextInt64()) { Retired = retired };
        retired.Changed = fleet.Reconsider;
        _records = options.Records ?? new MemoryRecordStore();
        // Nobody is answered before it is known what is published: an old copy would be taken for the file.
        Load(book, options, logger);
        _hint = HintOf(options, catalog, fleet, time, logger);
        _hint?.Read();
        _orders = new OrderDesk(fleet, time);
        Liars liars = new();
        Strays strays = _applied.Strays = new Strays(book, catalog, _orders, fleet, liars);
        Succession? succession = null;
        if (_records is ISharedRecordStore shared)
        {
            _foretold = new(book, catalog, fleet, time) { Follows = () => !_scribe!.Leads, Removed = strays.Await };
            succession = new Succession(shared, options.Address, book, _foretold, _applied, time, logger);
        }
        _applied.Foretold = _foretold;
        _scribe = new Scribe(_records, book, _applied, logger, succession) { TookOver = strays.LookAgain };
        _healer = new Healer(book, _scribe, _orders, router, liars, options.HealAfter, time, logger);
        Tokens = new TokenDesk(book.Tokens, _scribe, time, logger);
        Func<TimeSpan?> behindBy = () => succession?.Behind;
        IndexService service = new(router, new TrustedNetworks(options.Trust), _applied, complaints, logger)
        {
            Credentials = options.Credentials,
            Figures = Figures = new FleetFigures(time),
            Downloads = Downloads,
            Purges = _purges,
            Orders = _orders,
            Tokens = Tokens,
            Operators = new OperatorDesk(book, _scribe, fleet, liars, _healer.Progress, logger),
            Publishing = new PublishDesk(book, _scribe, _orders, router, time, logger),
            Whereabouts = new Whereabouts(router) { BehindBy = behindBy },
            Admission = new Admission(options.Credentials, new UsedTokens(options.State), time, complaints, logger),
        };
        Directory = new(router, service.Reports) { BehindBy = behindBy, Policies = () => book.Policies };
        Listeners = [new Listener(new IPEndPoint(options.Bind, options.Port), service)];
    }

    private static PurgeLog PurgesOf(IndexOptions options, Random chance, TimeProvider time, ILogger logger)
    {
        // Indexes of one machine may share a folder, but no port.
        string? remembered = options.State is { } state ? Path.Combine(state, $"purges-{options.Port}") : null;
        PurgeLog purges = new(remembered, (ulong)chance.NextInt64(1, long.MaxValue), time, out string? trouble);
        if (trouble is not null) LogPurgesLost(logger, trouble);
        return purges;
    }

    private static HolderHint? HintOf(
        IndexOptions options, Catalog catalog, Fleet fleet, TimeProvider time, ILogger logger)
    {
        if (options.State is not { } folder) return null;
        // Who proved nothing, or by a key that is gone, was let in by other rules than those of now.
        Credentials credentials = options.Credentials;
        return new HolderHint(Path.Combine(folder, $"holders-{options.Port}"), catalog, fleet,
            key => key is { } by ? credentials.Keys?.Accepts(by) == true
                : credentials.Mode != AuthMode.Required, time, logger);
    }

    // A shared store may be away: other indexes answer meanwhile, and this one begins when it is back.
    private void Load(Book book, IndexOptions options, ILogger logger)
    {
        for (bool isFirst = true; ; isFirst = false)
        {
            try
            {
                List<RecordRow> rows = [];
                RowTaker take = isFirst ? book.Load
                    : (kind, key, value) => rows.Add(new RecordRow(kind, key.ToArray(), value.ToArray()));
                long number = _records.LoadAsync(take, options.Stopping).GetAwaiter().GetResult();
                if (isFirst) book.Loaded(number);
                else book.Replace(number, rows);
                return;
            }
            catch (RecordStoreException exception) when (exception.IsAway)
            {
                LogWaits(logger, exception.Message);
            }
        }
    }

    /// <inheritdoc/>
    public string Name => "index";

    /// <summary>The same catalog that the line protocol answers from, for other doors to it.</summary>
    public FileDirectory Directory { get; }

    /// <summary>What happened.</summary>
    public EventLog Events { get; }

    /// <summary>What content servers tell of themselves.</summary>
    public FleetFigures Figures { get; }

    /// <summary>What they tell of downloads by file and day.</summary>
    public FleetDownloads Downloads { get; } = new();

    /// <summary>The tokens of those who come over HTTP.</summary>
    public TokenDesk Tokens { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <inheritdoc/>
    public Task RunAsync(CancellationToken cancellationToken) => Tasks.UntilFirstFailure(
    [
        _applied.RunAsync(cancellationToken),
        _tide.RunAsync(cancellationToken),
        WatchAsync(cancellationToken),
        _purges.RunAsync(cancellationToken),
        _orders.RunAsync(cancellationToken),
        _hint?.RunAsync(cancellationToken) ?? Task.CompletedTask,
        _scribe.RunAsync(cancellationToken),
        _foretold?.RunAsync(_applied, cancellationToken) ?? Task.CompletedTask,
        _healer.RunAsync(cancellationToken),
        _witness.RunAsync(cancellationToken),
        _countries?.RunAsync(cancellationToken) ?? Task.CompletedTask,
        .. _monitors.Select(monitor => monitor.RunAsync(cancellationToken)),
    ]);

    /// <inheritdoc/>
    public void Dispose()
    {
        _hint?.Write();
        _records.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    [LoggerMessage(2044, LogLevel.Error, "the index begins when it can read what is published, trying on: {Trouble}")]
    private static partial void LogWaits(ILogger logger, string trouble);

    [LoggerMessage(2043, LogLevel.Warning, "{Trouble}")]
    private static partial void LogPurgesLost(ILogger logger, string trouble);
}
