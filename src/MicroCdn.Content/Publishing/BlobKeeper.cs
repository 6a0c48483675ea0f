using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content.Publishing;

/// <summary>Keeps what was published to this server: the bytes by their digest, and which names show them.</summary>
/// <remarks>
/// <para>A blob that no name shows is kept for a day after it was brought, or after somebody asked again that it be
/// kept, and for <see cref="Published.Grace"/> after its last name went, so that downloads go on. Then it goes.</para>
/// <para>Bytes are durable before the log says that they are here. What a crash left in between is found by the sweep
/// after the start, read, and kept if it is right. A blob that is found wrong or gone is withdrawn with all names that
/// show it: the index hears so, and has it fetched anew.</para>
/// </remarks>
internal sealed partial class BlobKeeper : IDisposable
{
    /// <summary>How long a blob stays that no name has shown yet.</summary>
    public static readonly TimeSpan StagedTime = TimeSpan.FromDays(1);

    private static readonly TimeSpan FreshTime = TimeSpan.FromMinutes(10);

    private readonly ContentOptions _options;
    private readonly StoreHealth _health;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action _changed;
    private readonly string? _path;
    private readonly Lock _lock = new();
    private readonly Dictionary<FileDigest, Blob> _blobs = [];
    private readonly HashSet<Blob> _nameless = [];
    private readonly HashSet<Blob> _suspects = [];
    private BlobFolder? _folder;
    private PublishingLog? _log;
    private long _used, _reserved;
    private volatile bool _isOpen;

    /// <summary>Takes what the server is told; nothing is read yet.</summary>
    /// <param name="options">What the server is told.</param>
    /// <param name="served">The folder of files that are there by hand.</param>
    /// <param name="health">Whether the state may be written.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="changed">Hears that names show something else.</param>
    public BlobKeeper(ContentOptions options, ServedFolder served, StoreHealth health, TimeProvider time,
        ILogger logger, Action changed)
    {
        (_options, _health, _time, _logger, _changed) = (options, health, time, logger, changed);
        if (options.State is { } state && !served.Holds(state)) _path = Path.Combine(state, "published");
        Published = new Published(time);
    }

    /// <summary>Which names show what.</summary>
    public Published Published { get; }

    /// <summary>True when blobs can be kept here.</summary>
    public bool IsOpen => _isOpen;

    /// <summary>Hears of a blob whose file is deleted.</summary>
    public Action<Blob> Gone { get; set; } = _ => { };

    /// <summary>Hears of a blob that is not here any more though nobody said that it may go.</summary>
    public Action<FileDigest> Lost { get; set; } = _ => { };

    /// <summary>Bytes that may be kept in all, and how many more as things stand.</summary>
    public (long Capacity, long Free) Room
    {
        get
        {
            lock (_lock)
            {
                long free = Math.Max(0, (_folder?.FreeBytes ?? 0) - _options.LeastFreeBytes - _reserved);
                long capacity = Math.Min(_options.PublishedBytes, _used + _reserved + free);
                return (capacity, Math.Max(0, Math.Min(free, capacity - _used - _reserved)));
            }
        }
    }

    /// <summary>Where the bytes are; null when none can be kept.</summary>
    public BlobFolder? Folder => _isOpen ? _folder : null;

    /// <summary>Runs work that waits for the disk.</summary>
    public Func<Action, Task> AtDisk => _options.AtDisk;

    private long Now => _time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Reads what an earlier process kept. What cannot be read is said, and nothing is kept then.</summary>
    public void Open()
    {
        if (_path is null) return;
        try
        {
            _folder = BlobFolder.Open(_path, _health);
            _log = new PublishingLog(Path.Combine(_path, "names"), _health, _options.AtDisk)
            {
                Everything = Everything,
            };
            _log.Load(Apply);
            if (_log.IsDamaged) LogDamaged(_path);
            _isOpen = true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogClosed(exception.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder?.Dispose();

    /// <summary>The blob of a digest; null when it is not here.</summary>
    public Blob? Find(FileDigest digest)
    {
        lock (_lock) return _blobs.GetValueOrDefault(digest);
    }

    /// <summary>The blobs of one of <see cref="ScrubPosition.Parts"/> parts.</summary>
    public Blob[] OfPart(int part)
    {
        lock (_lock) return [.. _blobs.Values.Where(blob => blob.DigestBytes[0] == part)];
    }

    /// <summary>The chunk roots of blobs of more than one chunk.</summary>
    public FileDigest[] Roots()
    {
        lock (_lock)
        {
            return [.. _blobs.Values.Where(blob => !Chunks.FollowFromDigest(blob.Size)).Select(blob => blob.Root)];
        }
    }

    /// <summary>The blobs that are not among these.</summary>
    public Blob[] AllBut(IReadOnlySet<FileDigest> seen)
    {
        lock (_lock) return [.. _blobs.Values.Where(blob => !seen.Contains(blob.Digest))];
    }

    /// <summary>A blob with this chunk root; null when there is none.</summary>
    public Blob? WithRoot(FileDigest root)
    {
        lock (_lock) return _blobs.Values.FirstOrDefault(blob => blob.Root == root);
    }

    /// <summary>Opens a blob; one that is not as it should be is withdrawn.</summary>
    public FolderFile? OpenFile(Blob blob, out OpenFailure failure)
    {
        failure = OpenFailure.Missing;
        FolderFile? file = _folder?.OpenFile(blob.Digest, out failure);
        if (file is not null && file.Facts.Size == blob.Size) return file;
        if (file is not null || failure == OpenFailure.Missing) _ = WithdrawAsync(blob, "it is gone, or cut");
        file?.Dispose();
        return null;
    }

    /// <summary>Reserves room for bytes that are to come; false when there is none.</summary>
    public bool TryReserve(long size)
    {
        lock (_lock)
        {
            if (!_isOpen || size > Room.Free) return false;
            _reserved += size;
            return true;
        }
    }

    /// <summary>Gives back what was reserved.</summary>
    public void Unreserve(long size)
    {
        lock (_lock) _reserved -= size;
    }

    /// <summary>Writes down that a blob is here, its bytes verified and durable.</summary>
    public Task AddAsync(Blob blob)
    {
        PublishingRecord record = PublishingRecord.Keep(blob, Now);
        return _log!.ChangeAsync([blob.Digest], () => [record], Apply);
    }

    /// <summary>Keeps a blob that is here for another day; false when it is not here.</summary>
    public async Task<bool> KeepAsync(FileDigest digest)
    {
        bool isHere = false;
        await _log!.ChangeAsync([digest], () =>
        {
            Blob? blob = Find(digest);
            isHere = blob is not null && _folder!.Has(digest, blob.Size);
            // What was just brought is not written down again for being asked for.
            bool isFresh = blob is { Names: 0 } && Now - blob.KeptAt < FreshTime.TotalSeconds;
            return isHere && !isFresh ? [PublishingRecord.Keep(blob!, Now)] : [];
        }, Apply).ConfigureAwait(false);
        return isHere;
    }

    /// <summary>Has names show other blobs, or none; all of them or, when one lacks its blob, none.</summary>
    /// <returns>What came of each.</returns>
    public async Task<NameResult[]> ChangeAsync(IReadOnlyList<NameChange> changes)
    {
        NameResult[] results = [];
        HashSet<object> touches = [.. changes.Select(change => (object)change.Text),
            .. changes.Where(change => !change.IsDrop).Select(change => (object)change.Digest)];
        await _log!.ChangeAsync(touches, () => Decide(changes, out results), Apply).ConfigureAwait(false);
        return results;
    }

    /// <summary>Deletes a blob that nobody needs, at once or when downloads have had their time; false when a name
    /// shows it.</summary>
    public async Task<bool> ForgetAsync(FileDigest digest)
    {
        bool isShown = false;
        await _log!.ChangeAsync([digest], () =>
        {
            Blob? blob = Find(digest);
            isShown = blob is { Names: > 0 };
            if (blob is null || isShown) return [];
            blob.KeptAt = 0;
            return blob.GraceUntil > Now ? [] : [PublishingRecord.Forget(digest)];
        }, Apply).ConfigureAwait(false);
        return !isShown;
    }

    /// <summary>Deletes every blob whose time without a name is over.</summary>
    public async Task ExpireAsync()
    {
        FileDigest[] expired;
        lock (_lock) expired = [.. _nameless.Where(IsExpired).Select(blob => blob.Digest)];
        foreach (FileDigest digest in expired)
        {
            await _log!.ChangeAsync([digest], () => Find(digest) is { } blob && IsExpired(blob)
                ? [PublishingRecord.Forget(digest)] : [], Apply).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a blob out that is not what it should be, with every name that shows it.</summary>
    public async Task WithdrawAsync(Blob blob, string why)
    {
        lock (_lock)
        {
            if (_log is null || !_suspects.Add(blob)) return;
        }
        try
        {
            await _log.ChangeAsync([], () => Find(blob.Digest) != blob ? [] :
            [
                .. Published.All().Where(file => file.Blob == blob)
                    .Select(file => PublishingRecord.Drop(file.Name.ToArray(), file.Revision)),
                PublishingRecord.Forget(blob.Digest),
            ], Apply).ConfigureAwait(false);
            LogWithdrawn(blob.Digest, why);
            Lost(blob.Digest);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogTrouble(exception.Message);
        }
        finally
        {
            lock (_lock) _suspects.Remove(blob);
        }
    }

    private List<PublishingRecord> Decide(IReadOnlyList<NameChange> changes, out NameResult[] results)
    {
        results = new NameResult[changes.Count];
        List<PublishingRecord> records = [];
        bool isFull = !Published.HasRoomFor(changes.Count), isRefused = isFull;
        for (int at = 0; at < changes.Count; at++)
        {
            NameChange change = changes[at];
            PublishedFile? now = Published.FileOf(change.Name);
            bool isMissing = !change.IsDrop && Find(change.Digest) is null;
            results[at] = isMissing ? NameResult.Missing : isFull ? NameResult.Full
                : now?.Revision > change.Revision ? NameResult.Stale : NameResult.Done;
            isRefused |= isMissing;
            if (results[at] != NameResult.Done) continue;
            if (change.IsDrop && now is not null) records.Add(PublishingRecord.Drop(change.Name, change.Revision));
            bool isSame = now is not null && now.Blob.Digest == change.Digest && now.Revision == change.Revision
                && now.Seconds == change.Seconds;
            if (!change.IsDrop && !isSame)
            {
                records.Add(PublishingRecord.Show(change.Name, change.Digest, change.Revision, change.Seconds));
            }
        }
        if (!isRefused) return records;
        for (int at = 0; at < results.Length; at++)
        {
            if (results[at] == NameResult.Done) results[at] = NameResult.WithOthers;
        }
        return [];
    }

    private void Apply(IReadOnlyList<PublishingRecord> records)
    {
        byte[][] names = [.. records.Where(record => record.Name.Length > 0).Select(record => record.Name)];
        if (names.Length > 1) Published.Together(names, () => ApplyAll(records));
        else ApplyAll(records);
        if (names.Length > 0) _changed();
    }

    private void ApplyAll(IReadOnlyList<PublishingRecord> records)
    {
        foreach (PublishingRecord record in records)
        {
            // Before others see that it is gone: they would bring it again, and that is not to be deleted.
            if (record.Kind == RecordKind.Forget) _folder!.Delete(record.Digest);
            Apply(record);
        }
    }

    // The clerk of the log calls this, one at a time; the lock is for those who read meanwhile.
    private void Apply(PublishingRecord record)
    {
        Blob? blob = Find(record.Digest);
        PublishedFile? file = record.Name.Length > 0 ? Published.LastFileOf(record.Name) : null;
        switch (record.Kind)
        {
            case RecordKind.Keep:
                if (blob is null) Add(blob = new Blob(record.Digest, record.Size, record.Root));
                blob.KeptAt = record.Seconds;
                break;
            case RecordKind.Forget when blob is not null:
                Remove(blob);
                Gone(blob);
                break;
            case RecordKind.Show when blob is not null:
                blob.Names++;
                blob.KeptAt = 0;
                lock (_lock) _nameless.Remove(blob);
                Published.Show(record.Name, blob, record.Revision, record.Seconds);
                Unname(file);
                break;
            case RecordKind.Drop when file is not null:
                Published.Drop(file);
                Unname(file);
                break;
        }
    }

    private void Add(Blob blob)
    {
        lock (_lock)
        {
            _blobs.Add(blob.Digest, blob);
            _nameless.Add(blob);
            _used += blob.Size;
        }
    }

    private void Remove(Blob blob)
    {
        lock (_lock)
        {
            _blobs.Remove(blob.Digest);
            _nameless.Remove(blob);
            _used -= blob.Size;
        }
    }

    private void Unname(PublishedFile? file)
    {
        if (file is null || --file.Blob.Names > 0) return;
        file.Blob.GraceUntil = Now + (long)Published.Grace.TotalSeconds;
        lock (_lock) _nameless.Add(file.Blob);
    }

    private bool IsExpired(Blob blob) => blob.Names == 0 && blob.GraceUntil <= Now
        && (blob.KeptAt == 0 || blob.KeptAt + (long)StagedTime.TotalSeconds <= Now);

    private IEnumerable<PublishingRecord> Everything() =>
    [
        .. _blobs.Values.Select(blob => PublishingRecord.Keep(blob, blob.KeptAt)),
        .. Published.All().Select(file => PublishingRecord.Show(
            file.Name.ToArray(), file.Blob.Digest, file.Revision, file.Seconds)),
    ];

    [LoggerMessage(4090, LogLevel.Error, "nothing can be published to this server: {Reason}")]
    private partial void LogClosed(string reason);

    [LoggerMessage(4091, LogLevel.Error, "the end of the list of published files in '{Folder}' is damaged: "
        + "what it said is not known, and is fetched again when the index asks for it")]
    private partial void LogDamaged(string folder);

    [LoggerMessage(4092, LogLevel.Error, "the published bytes {Digest} are withdrawn: {Why}")]
    private partial void LogWithdrawn(FileDigest digest, string why);

    [LoggerMessage(4093, LogLevel.Error, "what is published here cannot be written down: {Reason}")]
    private partial void LogTrouble(string reason);
}
