namespace MicroCdn.Admin.Otlp;

/// <summary>Counts the spans that wait for a collector, and those that it never gets: the library does not
/// tell.</summary>
/// <param name="most">Most spans that wait.</param>
internal sealed class SpanRoom(int most)
{
    private long _waiting;
    private long _dropped;

    /// <summary>Spans that were dropped: they found no room, or the collector did not take them.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Takes the place of one more; false when there is none and it is dropped. From any thread.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _waiting) <= most) return true;
        Interlocked.Decrement(ref _waiting);
        Interlocked.Increment(ref _dropped);
        return false;
    }

    /// <summary>Some of those that waited are gone.</summary>
    /// <param name="count">How many.</param>
    /// <param name="wereTaken">Whether the collector took them.</param>
    public void Leave(long count, bool wereTaken)
    {
        Interlocked.Add(ref _waiting, -count);
        if (!wereTaken) Interlocked.Add(ref _dropped, count);
    }
}
