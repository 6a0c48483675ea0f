namespace MicroCdn.Index.Publishing;

/// <summary>What a content server said of its room when it last asked for orders.</summary>
/// <param name="Capacity">How many bytes of published files it keeps at most, as far as places are given by it.</param>
/// <param name="Free">How many more it takes now.</param>
/// <param name="GoneAt">When its connection ended; null while it asks.</param>
internal readonly record struct OrderPlace(long Capacity, long Free, long? GoneAt)
{
    // What else lies on a disk makes its capacity go up and down a little all the time, and no copy is to move for it.
    private const int Steady = 8;

    /// <summary>After a question.</summary>
    /// <param name="before">What it said before; the default when nothing.</param>
    /// <param name="capacity">What it says now.</param>
    /// <param name="free">How many more bytes it takes now.</param>
    public static OrderPlace After(in OrderPlace before, long capacity, long free)
    {
        bool isNews = Math.Abs(capacity - before.Capacity) > before.Capacity / Steady;
        return new OrderPlace(isNews ? capacity : before.Capacity, free, null);
    }
}

/// <summary>Why an order was not carried out.</summary>
/// <param name="Error">As a word: that of the receipt, or <see cref="Away"/>.</param>
/// <param name="Why">As a sentence.</param>
internal sealed record OrderFailure(string Error, string Why)
{
    /// <summary>The server is not here.</summary>
    public const string Away = "AWAY";
}
