using System.Threading.Channels;

namespace MicroCdn.Records;

/// <summary>Moves what one store holds into another one that is empty.</summary>
/// <remarks>
/// Until everything is there the other store holds a row more (<see cref="MarkKind"/>), which the last change takes
/// out: a copy that was cut off is not taken for the whole. The rows arrive as changes 1, 2, 3 ..., whatever their
/// numbers were: who followed the one store loads the other anew, and what rows say of revisions counts on from the
/// greatest of them.
/// </remarks>
public static class RecordCopy
{
    /// <summary>The kind of the row that says that a copy is not whole; an index that loads one refuses it.</summary>
    public const byte MarkKind = byte.MaxValue;

    // A change of so many rows costs one wait for the disk, and a few MiB of memory; large ones make fewer.
    private const int MostRows = 10_000, MostBytes = 4 << 20;

    // One batch is written while the next is read.
    private const int MostBatches = 1;

    private static readonly RecordRow Mark = new(MarkKind, "copying"u8.ToArray(), []);

    /// <summary>Copies all rows, and reads them back.</summary>
    /// <returns>How many rows there are, and the number of the other store's last change.</returns>
    /// <exception cref="RecordStoreException">A store cannot be used, the other one is not empty, or does not hold
    /// afterwards what this one held.</exception>
    public static async Task<CopiedRecords> CopyAsync(
        IRecordStore from, IRecordStore to, CancellationToken cancellationToken)
    {
        RecordTally there = new();
        if (await to.LoadAsync(there.Take, cancellationToken) is var last && (last != 0 || there.Rows != 0))
        {
            throw new RecordStoreException($"the store to copy to is not empty: it holds {there.Rows} rows, and its "
                + $"last change is {last}; nothing was written");
        }
        (RecordTally read, long number) = await WriteAsync(from, to, cancellationToken);
        RecordTally written = new();
        last = await to.LoadAsync(written.Take, cancellationToken);
        if (last == number && written == read) return new CopiedRecords(read.Rows, number);
        throw new RecordStoreException($"the copy is not what was copied: {written.Rows} rows of {read.Rows} up to "
            + $"change {last} of {number}");
    }

    private static async Task<(RecordTally Read, long Number)> WriteAsync(
        IRecordStore from, IRecordStore to, CancellationToken token)
    {
        Channel<RecordRow[]> batches = Channel.CreateBounded<RecordRow[]>(MostBatches);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(token);
        RecordTally read = new();
        Task<long> writing = WriteAllAsync(batches.Reader, to, failed, token);
        Batch batch = new(batches.Writer, failed.Token);
        try
        {
            await from.LoadAsync((kind, key, value) =>
            {
                if (kind == MarkKind) throw new RecordStoreException("the store to copy is itself a copy that was cut "
                    + "off");
                read.Take(kind, key, value);
                batch.Add(kind, key, value);
            }, failed.Token);
            batch.Hand();
        }
        catch (OperationCanceledException) when (writing.IsFaulted)
        {
            // What stopped the writing is what there is to tell.
        }
        catch (Exception exception)
        {
            batches.Writer.Complete(exception);
            await ((Task)writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        batches.Writer.TryComplete();
        return (read, await writing);
    }

    private static async Task<long> WriteAllAsync(
        ChannelReader<RecordRow[]> batches, IRecordStore to, CancellationTokenSource failed, CancellationToken token)
    {
        long number = 0;
        try
        {
            await foreach (RecordRow[] rows in batches.ReadAllAsync(token))
            {
                await to.CommitAsync(number + 1, number == 0 ? [.. rows, Mark] : rows, token);
                number++;
            }
            if (number == 0) return 0;
            await to.CommitAsync(number + 1, [Mark with { Value = null }], token);
            return number + 1;
        }
        catch
        {
            await failed.CancelAsync();
            throw;
        }
    }

    /// <summary>Gathers rows, and waits on the reading thread until they are wanted.</summary>
    private sealed class Batch(ChannelWriter<RecordRow[]> writer, CancellationToken token)
    {
        private readonly List<RecordRow> _rows = [];
        private int _bytes;

        public void Add(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            _rows.Add(new RecordRow(kind, key.ToArray(), value.ToArray()));
            _bytes += key.Length + value.Length;
            if (_rows.Count == MostRows || _bytes >= MostBytes) Hand();
        }

        public void Hand()
        {
            if (_rows.Count == 0) return;
            writer.WriteAsync([.. _rows], token).AsTask().GetAwaiter().GetResult();
            _rows.Clear();
            _bytes = 0;
        }
    }
}

/// <summary>What was copied.</summary>
/// <param name="Rows">How many rows.</param>
/// <param name="Number">The number of the last change of the store that they are in now.</param>
public sealed record CopiedRecords(long Rows, long Number);
