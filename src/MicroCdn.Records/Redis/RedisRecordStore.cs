using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>Keeps the rows of several indexes on one Redis or Valkey: a log, and a snapshot before it.</summary>
/// <remarks>Loading comes before all else. Who follows may ask for the writer and claim to be it meanwhile. Who got the
/// <see cref="WriterLease"/> follows up to its last number, ends following, and commits. A commit that fails as
/// uncertain is repeated as it was, or its number is looked for by following. See
/// docs/decisions/0019-several-indexes.md.</remarks>
public sealed partial class RedisRecordStore : ISharedRecordStore
{
    /// <summary>The largest change in bytes: a release of 100,000 files. Redis does nothing else for some 50 ms while
    /// it takes one.</summary>
    public const int MostChangeBytes = 32 << 20;

    // A smaller log is read in a moment, and a snapshot costs as much as all rows. It is tried at most so often.
    private const long SmallLog = 16 << 20;
    private const int PartOfSnapshot = 8;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1), LookAgain = TimeSpan.FromSeconds(1);

    private readonly RedisLink _link;
    private readonly RedisLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _over = new();
    private KnownChange _last;
    private WriterLease? _lease;
    private long _logBytes, _snapshotBytes, _triedAt;
    private long _sureAt;
    private bool _isChecked;
    private int _isDisposed;

    /// <summary>A store; nothing is asked before something is wanted of it.</summary>
    public RedisRecordStore(RedisAddress address, RedisCredentials credentials, TimeProvider time, ILogger logger)
        : this(new RedisLink(address, credentials, time, logger), time, logger)
    {
    }

    internal RedisRecordStore(RedisLink link, TimeProvider time, ILogger logger) =>
        (_link, _log, _time, _logger) = (link, new RedisLog(link), time, logger);

    /// <summary>The log is allowed to be so long.</summary>
    internal long LogAllowed { get; init; } = SmallLog;

    /// <summary>The snapshot that is being made, or the last one that was.</summary>
    internal Task Snapshot { get; private set; } = Task.CompletedTask;

    /// <inheritdoc/>
    public TimeSpan Silence => _time.GetElapsedTime(Math.Max(Volatile.Read(ref _sureAt),
        _lease is { Lost.IsCompleted: false } lease ? lease.Renewed : 0));

    /// <inheritdoc/>
    public async Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken)
    {
        if (!_isChecked) await RedisFitness.CheckAsync(_link, _logger, cancellationToken).ConfigureAwait(false);
        _isChecked = true;
        BookReading book = await BookReading.OpenAsync(_link, _log, cancellationToken).ConfigureAwait(false);
        if (book.Last.Number == 0 && _last.Number > 0)
        {
            throw new RecordStoreException($"Redis at {_link.Address} had change {_last.Number} and is empty now; put "
                + "its data back, or start the indexes anew to begin with an empty book");
        }
        _snapshotBytes = await book.DeliverAsync(take, static () => Task.CompletedTask, cancellationToken)
            .ConfigureAwait(false);
        (_last, _logBytes) = (book.Last, book.LogBytes);
        Volatile.Write(ref _sureAt, _time.GetTimestamp());
        return _last.Number;
    }

    /// <summary>Tries to become the writer.</summary>
    /// <remarks>A lease runs out while Redis is away, and its holder may be well: when Redis is back that one goes on
    /// first, or what waits with it would be refused.</remarks>
    /// <param name="address">Where this index can be reached; others are told.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RecordStoreException">Redis stayed away, or refuses.</exception>
    public async Task<WriterClaim> ClaimAsync(string address, CancellationToken cancellationToken)
    {
        (bool isHeld, string writer) = await LastWriterAsync(cancellationToken).ConfigureAwait(false);
        bool mayGoOn = writer.Length > 0 && writer != address && _link.WasAway(WriterLease.Courtesy);
        if (isHeld || mayGoOn) return new WriterClaim(null, writer);
        string token = RandomNumberGenerator.GetHexString(16, lowercase: true);
        RedisResult[] answer = await _link.WriteAsync(RedisScripts.Claim,
            [_link.Keys.Log, _link.Keys.Writer, _link.Keys.Lease],
            [token, address, (long)WriterLease.Length.TotalMilliseconds, _link.Wanted],
            cancellationToken).ConfigureAwait(false);
        if ((string?)answer[0] == "held") return new WriterClaim(null, (string)answer[1]!);
        _lease = new WriterLease(_link, token, (long)answer[2], (long)answer[3], _time, _logger);
        return new WriterClaim(_lease, "");
    }

    /// <inheritdoc/>
    public async Task<(IWriterLease? Lease, string Holder)> ClaimLeaseAsync(
        string address, CancellationToken cancellationToken)
    {
        WriterClaim claim = await ClaimAsync(address, cancellationToken).ConfigureAwait(false);
        return (claim.Lease, claim.Holder);
    }

    /// <summary>The address of the index that is the writer now, or null.</summary>
    /// <exception cref="RecordStoreException">Redis stayed away, or refuses.</exception>
    public async Task<string?> FindWriterAsync(CancellationToken cancellationToken) =>
        await LastWriterAsync(cancellationToken).ConfigureAwait(false) is (true, var address) ? address : null;

    /// <inheritdoc/>
    public async Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken)
    {
        if (_lease is not { } lease || lease.Lost.IsCompleted)
        {
            throw new WriterLostException("this index is not the writer");
        }
        RefuseTooLong(rows);
        byte[] block = RowBlock.Of(rows, new BlockPlace(_last.Check, number, lease.Epoch));
        if (block.Length > MostChangeBytes)
        {
            throw new RecordStoreException($"one change of {block.Length} bytes is more than the {MostChangeBytes} "
                + "that Redis is given at once; nothing was written");
        }
        RedisResult[] answer = await _link.WriteAsync(RedisScripts.Commit,
            [_link.Keys.Log, _link.Keys.Snapshot, _link.Keys.Writer],
            [lease.Token, number, _last.Number, Bytes(_last.Check), block, lease.Epoch, _link.Keys.News, _link.Wanted],
            cancellationToken).ConfigureAwait(false);
        Judge(answer, number, lease);
        _last = new KnownChange(number, RowBlock.CheckOf(block));
        Interlocked.Add(ref _logBytes, block.Length);
        if (_logBytes > Math.Max(LogAllowed, _snapshotBytes / PartOfSnapshot)) BeginSnapshot(lease);
    }

    /// <summary>Hands over the changes that others make; the log is looked at once a second, and when there are
    /// news.</summary>
    /// <remarks>After a null it returns: <see cref="LoadAsync"/> comes next. While Redis is away it waits.</remarks>
    public async Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken)
    {
        Channel<bool> news = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        LogStart start = after == _last.Number ? LogStart.After(_last) : new LogStart(after, null);
        void Hear() => news.Writer.TryWrite(true);
        _link.News += Hear;
        try
        {
            await FollowAsync(start, take, news.Reader, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _link.News -= Hear;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _over.CancelAsync().ConfigureAwait(false);
        await Snapshot.ConfigureAwait(false);
        if (_lease is { } lease) await lease.DisposeAsync().ConfigureAwait(false);
        await _link.DisposeAsync().ConfigureAwait(false);
        _over.Dispose();
    }

    // The address of the last writer that did not give the lease back, and whether it has the lease now.
    private async Task<(bool IsHeld, string Address)> LastWriterAsync(CancellationToken cancellationToken)
    {
        RedisResult[] answer = await _link.RunAsync(RedisScripts.Who, [_link.Keys.Writer, _link.Keys.Lease], [],
            cancellationToken).ConfigureAwait(false);
        return ((string?)answer[0] == "ok", (string)answer[1]!);
    }

    private static byte[] Bytes(ulong check)
    {
        byte[] bytes = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes, check);
        return bytes;
    }

    private static void RefuseTooLong(IReadOnlyList<RecordRow> rows)
    {
        foreach (RecordRow row in rows)
        {
            if (row.Key.Length > RecordRow.MostKeyBytes || row.Value?.Length > RecordRow.MostValueBytes)
            {
                throw new RecordStoreException($"a row of kind {row.Kind} has a key of {row.Key.Length} bytes and a "
                    + $"value of {row.Value?.Length ?? 0}; nothing was written");
            }
        }
    }

    private async Task FollowAsync(
        LogStart start, Func<RecordChange?, ValueTask> take, ChannelReader<bool> news,
        CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            IReadOnlyList<LogEntry>? entries = [];
            bool isAway = false;
            long asked = _time.GetTimestamp();
            try
            {
                entries = await _log.ReadAsync(start, patient: false, cancellationToken).ConfigureAwait(false);
            }
            catch (RedisAwayException)
            {
                // The link has said so.
                isAway = true;
            }
            if (entries is null)
            {
                await take(null).ConfigureAwait(false);
                return;
            }
            foreach (LogEntry entry in entries)
            {
                await take(entry.ToChange()).ConfigureAwait(false);
                (_last, start) = (entry.Change, LogStart.After(entry.Change));
                Interlocked.Add(ref _logBytes, entry.Block.Length);
            }
            if (entries.Count == 0 && !isAway) Volatile.Write(ref _sureAt, asked);
            if (entries.Count == 0) await UntilNewsAsync(news, cancellationToken).ConfigureAwait(false);
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Judge(RedisResult[] answer, long number, WriterLease lease)
    {
        switch ((string?)answer[0])
        {
            case "ok":
                return;
            case "lost":
                string holder = (string)answer[1]!;
                lease.Lose(holder);
                throw new WriterLostException($"{holder} is the writer now; nothing was written");
            case "broken":
                throw new RecordStoreException($"{_link.Keys.Log} on Redis is empty, though there is a snapshot of it");
            default:
                throw new WriterLostException($"the last change on Redis is {answer[1]}, and it is not the one before "
                    + $"change {number}; nothing was written, load again");
        }
    }

    private async Task UntilNewsAsync(ChannelReader<bool> news, CancellationToken cancellationToken)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task look = Task.Delay(LookAgain, _time, enough.Token);
        await Task.WhenAny(look, news.WaitToReadAsync(enough.Token).AsTask()).ConfigureAwait(false);
        news.TryRead(out _);
        await enough.CancelAsync().ConfigureAwait(false);
    }

    private void BeginSnapshot(WriterLease lease)
    {
        if (!Snapshot.IsCompleted || (_triedAt != 0 && _time.GetElapsedTime(_triedAt) < AfterFailure)) return;
        Snapshot = Task.Run(() => MakeSnapshotAsync(lease));
    }

    private async Task MakeSnapshotAsync(WriterLease lease)
    {
        try
        {
            (long bytes, long logBytes) =
                await SnapshotMaking.MakeAsync(_link, _log, lease.Token, _over.Token).ConfigureAwait(false);
            Interlocked.Add(ref _logBytes, -logBytes);
            (_snapshotBytes, _triedAt) = (bytes, 0);
        }
        catch (RecordStoreException exception)
        {
            _triedAt = _time.GetTimestamp();
            LogNoSnapshot(exception.Message);
        }
        catch (OperationCanceledException)
        {
            // The store is closed; the old snapshot counts.
        }
    }

    [LoggerMessage(LogLevel.Warning, "no new snapshot on Redis: {Reason}; the log grows, a start takes longer")]
    private partial void LogNoSnapshot(string reason);
}
