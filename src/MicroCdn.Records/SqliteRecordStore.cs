using MicroCdn.Storage;
using Microsoft.Data.Sqlite;

namespace MicroCdn.Records;

/// <summary>Keeps the rows in an SQLite database in a folder: the store of an index that is alone.</summary>
/// <remarks>
/// <para>A folder without a database is an empty store; the first change makes both. Changes go to the write-ahead log
/// with an fsync each, so that a commit costs one wait for the disk; a change of many rows costs the same one.</para>
/// <para>One process at a time: the database is locked from the first row that is read or written, or from the start
/// (<see cref="Hold"/>), to the end, however that comes. <see cref="SqliteBackup"/> and
/// <see cref="SqliteInspection"/> read beside it.</para>
/// <para>Damage is refused and named, and never written over. After an fsync that failed nothing is written any more
/// until the program is started anew, as everywhere in a state folder (<see cref="StoreHealth"/>).</para>
/// </remarks>
/// <param name="folder">The folder; it need not be there.</param>
/// <param name="health">Whether the state that the folder belongs to may be written; null when it is alone.</param>
public sealed class SqliteRecordStore(string folder, StoreHealth? health = null) : IRecordStore
{
    // What SQLite itself would let gather: 4 MiB, which a restart reads in milliseconds.
    private const int MostLogPages = 1000;

    private readonly string _path = PathOf(folder);
    private readonly StoreHealth _health = health ?? new StoreHealth(_ => { });
    private readonly Lock _turn = new();
    private FolderLock? _lock;
    private SqliteFile? _file;
    private FilePlace? _place;
    private SqliteChanges? _changes;
    private int _writtenBack;
    private bool _closed;

    /// <summary>Where the database of a folder is.</summary>
    public static string PathOf(string folder) => Path.Combine(Path.GetFullPath(folder), SqliteFile.Name);

    /// <summary>A store that keeps every other process out from the start, be it that nothing is in its folder yet. Of
    /// a folder that cannot be made the first change will tell.</summary>
    /// <exception cref="RecordStoreException">Another process uses it.</exception>
    public static SqliteRecordStore Hold(string folder)
    {
        SqliteRecordStore store = new(folder);
        try
        {
            AtomicFile.MakeFolder(Path.GetDirectoryName(store._path)!, store._health);
            store.TakeLock();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What is there already can be read all the same.
        }
        return store;
    }

    /// <inheritdoc/>
    public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken) =>
        InTurnAsync(() => Load(take, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken) =>
        InTurnAsync(() =>
        {
            Commit(number, rows);
            return true;
        }, cancellationToken);

    /// <inheritdoc/>
    public Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(Task.Run(() =>
    {
        lock (_turn)
        {
            _closed = true;
            Close();
        }
    }));

    // The disk is waited for by a thread of the pool.
    private Task<T> InTurnAsync<T>(Func<T> action, CancellationToken token) => Task.Run(() =>
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            token.ThrowIfCancellationRequested();
            return action();
        }
    }, token);

    private long Load(RowTaker take, CancellationToken token)
    {
        if (_file is null && !IsThere()) return 0;
        SqliteFile file = Open();
        try
        {
            return SqliteRows.Read(file.Connection, take, damage => throw SqliteFile.Damaged(_path, damage), token);
        }
        catch (SqliteException exception)
        {
            throw exception.SqliteErrorCode == SQLitePCL.raw.SQLITE_CORRUPT
                && SqliteFile.FirstDamage(_path, file.Connection) is { } damage
                ? SqliteFile.Damaged(_path, damage, exception) : SqliteFile.Told(_path, exception);
        }
    }

    private void Commit(long number, IReadOnlyList<RecordRow> rows)
    {
        foreach (RecordRow row in rows) Check(row);
        try
        {
            _health.Refuse();
            if (_file is null && !IsThere()) Begin(number);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RecordStoreException($"'{_path}' cannot be written: {exception.Message}", exception);
        }
        SqliteFile file = Open();
        // Moved or deleted, it would take every change and lose it with the last handle.
        if (!_place!.IsUnchanged)
        {
            throw new RecordStoreException(
                $"'{_path}' was taken away or replaced while it was in use: nothing was written");
        }
        file.Guard(_changes!.Begin);
        try
        {
            file.Guard(() => Write(number, rows));
        }
        catch
        {
            _changes.Rollback();
            throw;
        }
        Complete();
        WriteBackWhenDue(file);
    }

    private void Write(long number, IReadOnlyList<RecordRow> rows)
    {
        long last = _changes!.ReadNumber();
        if (last < 0) throw SqliteFile.Damaged(_path, "the number of the last change is missing");
        if (number != last + 1) throw Lost(last, number);
        foreach (RecordRow row in rows) _changes.Write(row);
        _changes.WriteNumber(number);
    }

    private void Complete()
    {
        try
        {
            _changes!.Commit();
        }
        catch (SqliteException exception)
        {
            _changes!.Rollback();
            Note(exception);
            throw SqliteFile.Told(_path, exception, isUncertain: true);
        }
    }

    // The change is durable in the log already: trouble here is not its trouble.
    private void WriteBackWhenDue(SqliteFile file)
    {
        if (file.Written - _writtenBack < MostLogPages) return;
        try
        {
            file.WriteBack();
            _writtenBack = file.Written;
        }
        catch (SqliteException exception)
        {
            // Without room, or for a moment, the log grows instead, and the next change tries again.
            Note(exception);
        }
    }

    private void Note(SqliteException exception)
    {
        if (!SqliteFile.IsUnkept(exception)) return;
        _health.Fail(_path, new IOException(exception.Message, exception));
        _file?.KeepLog(true);
    }

    private bool IsThere() => File.Exists(_path)
        || (SqliteLog.FindDamage(_path) is { } damage ? throw SqliteFile.Damaged(_path, damage) : false);

    private void Begin(long number)
    {
        if (number != 1) throw Lost(0, number);
        AtomicFile.MakeFolder(Path.GetDirectoryName(_path)!, _health);
        TakeLock();
        try
        {
            // Another process may have come first.
            if (!File.Exists(_path)) SqliteSchema.Create(_path);
        }
        catch (NotDurableException exception)
        {
            _health.Fail(_path, exception);
            throw;
        }
    }

    private SqliteFile Open()
    {
        if (_file is not null) return _file;
        try
        {
            TakeLock();
            _place = new FilePlace(_path);
            _file = SqliteFile.OpenToWrite(_path);
            _changes = _file.Guard(() => new SqliteChanges(_file.Connection));
            return _file;
        }
        catch (Exception exception)
        {
            if (exception.InnerException is SqliteException inner) Note(inner);
            Close();
            if (exception is not (IOException or UnauthorizedAccessException)) throw;
            throw new RecordStoreException($"'{_path}' cannot be opened: {exception.Message}", exception);
        }
    }

    private void TakeLock()
    {
        string folder = Path.GetDirectoryName(_path)!;
        _lock ??= FolderLock.TryTake(Path.Combine(folder, SqliteFile.LockName))
            ?? throw new WriterLostException($"another process uses the folder '{folder}': end it first, or give this "
                + "one a folder of its own with --data");
    }

    private void Close()
    {
        _changes?.Dispose();
        _file?.Dispose();
        _lock?.Dispose();
        (_changes, _file, _lock) = (null, null, null);
    }

    private WriterLostException Lost(long last, long number) => new(
        $"change {number} does not follow change {last} of '{_path}': another process wrote in between, or the "
        + "database was replaced; nothing was written");

    private static void Check(in RecordRow row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(row.Key.Length, RecordRow.MostKeyBytes, nameof(row.Key));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            row.Value?.Length ?? 0, RecordRow.MostValueBytes, nameof(row.Value));
    }
}
