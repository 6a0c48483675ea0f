using System.Collections.Concurrent;

namespace MicroCdn.Records;

/// <summary>A store for an index that has no folder: what it is told is gone at the end.</summary>
public sealed class MemoryRecordStore : IRecordStore
{
    private readonly ConcurrentDictionary<(byte Kind, string Key), byte[]> _rows = [];
    private long _number;

    /// <inheritdoc/>
    public Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken)
    {
        foreach (((byte kind, string key), byte[] value) in _rows) take(kind, Convert.FromHexString(key), value);
        return Task.FromResult(Volatile.Read(ref _number));
    }

    /// <inheritdoc/>
    public Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken)
    {
        if (number != _number + 1) throw new WriterLostException($"change {number} does not follow {_number}");
        foreach (RecordRow row in rows)
        {
            (byte, string) key = (row.Kind, Convert.ToHexString(row.Key));
            if (row.Value is null) _rows.TryRemove(key, out _);
            else _rows[key] = row.Value;
        }
        Volatile.Write(ref _number, number);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken) =>
        new TaskCompletionSource().Task.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => default;
}
