namespace MicroCdn.Records;

/// <summary>A store that several indexes share, of which one writes at a time.</summary>
public interface ISharedRecordStore : IRecordStore
{
    /// <summary>How long ago it was certain the last time that nothing was written which this process has not
    /// seen.</summary>
    TimeSpan Silence { get; }

    /// <summary>Tries to become the writer; may be called while following.</summary>
    /// <param name="address">Where this index can be reached; others are told.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lease, or null and the address of the one that is the writer.</returns>
    /// <exception cref="RecordStoreException">The store stayed away, or refuses.</exception>
    Task<(IWriterLease? Lease, string Holder)> ClaimLeaseAsync(string address, CancellationToken cancellationToken);
}

/// <summary>The right to write, for as long as nobody else took it; disposing it gives it back.</summary>
public interface IWriterLease : IAsyncDisposable
{
    /// <summary>How long a writer that fell silent keeps others from taking over.</summary>
    static readonly TimeSpan Length = TimeSpan.FromSeconds(5);

    /// <summary>The last change of the writers before. Who has followed up to it may commit the next.</summary>
    long LastNumber { get; }

    /// <summary>Ends when another process took over, with its address; never by itself otherwise.</summary>
    Task<string> Lost { get; }
}
