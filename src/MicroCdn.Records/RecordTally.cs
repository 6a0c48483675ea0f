namespace MicroCdn.Records;

/// <summary>Counts rows, and sums their checks up, in whatever order they come: two stores with the same tally hold the
/// same.</summary>
internal sealed record RecordTally
{
    /// <summary>How many rows there were.</summary>
    public long Rows { get; private set; }

    /// <summary>The sum of their checks.</summary>
    public long Sum { get; private set; }

    /// <summary>Counts a row.</summary>
    public void Take(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Rows++;
        Sum += RowCheck.Of(kind, key, value);
    }
}
