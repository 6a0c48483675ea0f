namespace MicroCdn.Storage;

/// <summary>Whether the folder of a role's own state may still be written: after one failed fsync it may not, until the
/// program is started anew.</summary>
/// <remarks>After such an error the kernel may have dropped what was written and call the same pages clean, so asking
/// again would be told that all is well. Nothing is tried a second time: what is on the disk stays as it is, and
/// somebody has to look at it.</remarks>
/// <param name="report">Hears once, in one sentence, that the store is read-only from now on.</param>
public sealed class StoreHealth(Action<string> report)
{
    private string? _trouble;

    /// <summary>Why nothing is written any more, in one sentence; null while all is well.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Refuses a write once the store is read-only.</summary>
    /// <exception cref="StoreReadOnlyException">It is.</exception>
    public void Refuse()
    {
        if (Trouble is { } trouble) throw new StoreReadOnlyException(trouble);
    }

    /// <summary>Notes that the disk refused to make a file durable.</summary>
    public void Fail(string path, IOException exception)
    {
        string trouble = $"the disk did not keep '{path}' ({exception.Message}); nothing more is written to this state";
        if (Interlocked.CompareExchange(ref _trouble, trouble, null) is null) report(trouble);
    }
}

/// <summary>The store is read-only since the disk refused to make a file durable.</summary>
public sealed class StoreReadOnlyException(string trouble) : IOException(trouble);

/// <summary>The disk refused to make a file durable; what was written may be lost.</summary>
public sealed class NotDurableException(string message, int error) : IOException(message, error);
