using System.IO.Hashing;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>Reads all rows at one number: the snapshot, without what the log behind it changed, and that.</summary>
/// <remarks>The log comes first and is kept: it is small, since a larger one makes a snapshot due. So each row is
/// handed over once, and a row that was taken out is not.</remarks>
internal sealed class BookReading
{
    private readonly RedisLink _link;
    private readonly Dictionary<byte[], byte[]?> _newer = new(RowComparer.Instance);

    private BookReading(RedisLink link) => _link = link;

    /// <summary>The snapshot that it begins with; null when there is none yet.</summary>
    public SnapshotPointer? From { get; private set; }

    /// <summary>The last change that the rows contain.</summary>
    public KnownChange Last { get; private set; }

    /// <summary>How long the log behind the snapshot is.</summary>
    public long LogBytes { get; private set; }

    /// <summary>Reads the log; the snapshot is still to come.</summary>
    public static async Task<BookReading> OpenAsync(RedisLink link, RedisLog log, CancellationToken cancellationToken)
    {
        BookReading reading = new(link);
        reading.From = await SnapshotPointer.FindAsync(link, cancellationToken).ConfigureAwait(false);
        reading.Last = reading.From?.Change ?? default;
        while (true)
        {
            LogStart start = LogStart.After(reading.Last);
            IReadOnlyList<LogEntry>? entries =
                await log.ReadAsync(start, patient: true, cancellationToken).ConfigureAwait(false);
            if (entries is null)
            {
                // The log was trimmed behind a newer snapshot in between; or it is damaged.
                SnapshotPointer? now = await SnapshotPointer.FindAsync(link, cancellationToken).ConfigureAwait(false);
                if (now != reading.From) return await OpenAsync(link, log, cancellationToken).ConfigureAwait(false);
                throw new RecordStoreException(reading.Last.Number == 0
                    ? $"{link.Keys.Log} on Redis does not begin with change 1, and there is no snapshot before it"
                    : $"{link.Keys.Log} on Redis has no change {reading.Last.Number}, with which its snapshot ends");
            }
            if (entries.Count == 0) return reading;
            foreach (LogEntry entry in entries) reading.Keep(entry);
        }
    }

    /// <summary>Hands over every row.</summary>
    /// <param name="take">Called for each.</param>
    /// <param name="between">Awaited now and then, when at most a part's rows were handed over since.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How long the parts of the snapshot are together.</returns>
    public async Task<long> DeliverAsync(RowTaker take, Func<Task> between, CancellationToken cancellationToken)
    {
        long bytes = 0;
        int parts = From?.Parts ?? 0;
        // The next part is on its way while this one is used.
        Task<RedisValue> next = parts == 0 ? Task.FromResult(RedisValue.Null) : FetchAsync(0, cancellationToken);
        for (int part = 0; part < parts; part++)
        {
            byte[]? block = await next.ConfigureAwait(false);
            if (part + 1 < parts) next = FetchAsync(part + 1, cancellationToken);
            DeliverPart(block, part, take);
            bytes += block!.Length;
            await between().ConfigureAwait(false);
        }
        int delivered = 0;
        foreach ((byte[] kindAndKey, byte[]? value) in _newer)
        {
            if (value is null) continue;
            take(kindAndKey[0], kindAndKey.AsSpan(1), value);
            if (++delivered % 1024 == 0) await between().ConfigureAwait(false);
        }
        await between().ConfigureAwait(false);
        return bytes;
    }

    private void Keep(LogEntry entry)
    {
        RowBlock.RowReader rows = RowBlock.Read(entry.Block);
        while (rows.Next()) _newer[rows.KindAndKey.ToArray()] = rows.IsGone ? null : rows.Value.ToArray();
        Last = entry.Change;
        LogBytes += entry.Block.Length;
    }

    private Task<RedisValue> FetchAsync(int part, CancellationToken cancellationToken) => _link.AskAsync(
        database => database.HashGetAsync(From!.Key, part, CommandFlags.DemandMaster), cancellationToken);

    private void DeliverPart(byte[]? block, int part, RowTaker take)
    {
        SnapshotPointer from = From!;
        if (block is null || !RowBlock.IsSound(block, from.PlaceOf(part)))
        {
            throw new RecordStoreException($"part {part + 1} of {from.Parts} of the snapshot {from.Key} on Redis is "
                + (block is null ? "missing" : "damaged"));
        }
        var newer = _newer.GetAlternateLookup<ReadOnlySpan<byte>>();
        RowBlock.RowReader rows = RowBlock.Read(block);
        while (rows.Next())
        {
            if (!newer.ContainsKey(rows.KindAndKey)) take(rows.Kind, rows.Key, rows.Value);
        }
    }

    /// <summary>Tells rows apart by kind and key, also where these still lie in a block.</summary>
    private sealed class RowComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static RowComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)XxHash3.HashToUInt64(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
