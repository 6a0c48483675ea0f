namespace MicroCdn.Records;

/// <summary>Keeps the rows of an index's book, in whatever: all that must survive, and nothing that can be told
/// again.</summary>
/// <remarks>
/// <para>A store knows rows (a kind, a key, a value) and changes (a batch of rows with the next number). It does not
/// know what they mean. A change is durable as a whole or it never was.</para>
/// <para>One caller at a time for all but the end. Where several processes share a store, one of
/// them writes; see <see cref="WriterLostException"/>.</para>
/// </remarks>
public interface IRecordStore : IAsyncDisposable
{
    /// <summary>Reads every row that is there, in any order.</summary>
    /// <param name="take">Called for each row; key and value are valid until it returns.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The number of the last change that the rows contain; 0 for a store that is empty.</returns>
    /// <exception cref="RecordStoreException">It cannot be read, or is damaged; it says what and where.</exception>
    Task<long> LoadAsync(RowTaker take, CancellationToken cancellationToken);

    /// <summary>Writes one change; when it returns, the change survives the loss of power, and where the store has
    /// replicas that of the machine.</summary>
    /// <param name="number">The change's number: one more than the last.</param>
    /// <param name="rows">The rows; each key at most once.</param>
    /// <param name="cancellationToken">Gives up waiting. The change may have been written all the same.</param>
    /// <exception cref="WriterLostException">Another process writes, or wrote since: nothing was written.</exception>
    /// <exception cref="RecordStoreException">It cannot be written; <see cref="RecordStoreException.IsUncertain"/>
    /// says whether it may have been.</exception>
    Task CommitAsync(long number, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken);

    /// <summary>Hands over the changes that other processes make, in the order of their numbers and without a gap,
    /// until cancelled. A store of one process alone never has any.</summary>
    /// <param name="after">The number of the last change that is known.</param>
    /// <param name="take">Called for each change, and waited for before the next. One that is too old to be handed
    /// over is told as null: everything has to be loaded again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task FollowAsync(long after, Func<RecordChange?, ValueTask> take, CancellationToken cancellationToken);
}

/// <summary>Takes one row; the spans are valid until it returns.</summary>
public delegate void RowTaker(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

/// <summary>One row as it is to be from now on.</summary>
/// <param name="Kind">What it is about; the index's own list.</param>
/// <param name="Key">Its key, at most <see cref="MostKeyBytes"/>.</param>
/// <param name="Value">Its value, at most <see cref="MostValueBytes"/>; null takes the row out.</param>
public readonly record struct RecordRow(byte Kind, byte[] Key, byte[]? Value)
{
    /// <summary>The longest key in bytes: two names of files.</summary>
    public const int MostKeyBytes = 2 * 1024 + 64;

    /// <summary>The longest value in bytes.</summary>
    public const int MostValueBytes = 64 * 1024;
}

/// <summary>A batch of rows that became true together.</summary>
/// <param name="Number">Its number; numbers rise by one.</param>
/// <param name="Rows">The rows.</param>
public sealed record RecordChange(long Number, IReadOnlyList<RecordRow> Rows);

/// <summary>A store cannot be used, for a reason that its message tells in one sentence.</summary>
public class RecordStoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True when the change that was being written may be there all the same: read before writing.</summary>
    public bool IsUncertain { get; init; }

    /// <summary>True when the store is only away: it may be asked again.</summary>
    public bool IsAway { get; init; }
}

/// <summary>This process may not write: another one is the writer, or wrote in between.</summary>
public sealed class WriterLostException(string message) : RecordStoreException(message);
