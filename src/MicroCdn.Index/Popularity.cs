namespace MicroCdn.Index;

/// <summary>Knows roughly which files are asked for lately.</summary>
/// <remarks>
/// <para>Think of the books on the returns trolley: nobody keeps a list, but what lies there three times is in demand.
/// Each answer adds one to a counter; files share counters, by chance, and two threads that add at the same moment may
/// add one: it is a hint of what is worth doing first, and costs two nanoseconds.</para>
/// <para>Rows are those of one table of names; another one begins anew by itself, as the old counts fade.</para>
/// </remarks>
internal sealed class Popularity
{
    private const int SlotBits = 15;

    // So many times the mean is popular: of counters that all are alike none is.
    private const int Popular = 4;

    // 64 KiB: it stays in the caches of a processor.
    private readonly ushort[] _counts = new ushort[1 << SlotBits];

    /// <summary>Notes that somebody asked for a file. Any thread.</summary>
    public void Note(int row)
    {
        ref ushort count = ref _counts[SlotOf(row)];
        if (count < ushort.MaxValue) count++;
    }

    /// <summary>From which count on a file is popular now.</summary>
    public int Threshold => 1 + (int)(Popular * _counts.Sum(count => (long)count) / _counts.Length);

    /// <summary>How often it was asked for lately; of a file that shares its counter more.</summary>
    public int Of(int row) => _counts[SlotOf(row)];

    /// <summary>Halves all counts: what was asked for long ago counts less and less. One caller at a time.</summary>
    public void Fade()
    {
        foreach (ref ushort count in _counts.AsSpan()) count /= 2;
    }

    // By the golden ratio, so that rows near one another are far from one another here (Knuth, TAOCP 3, section 6.4).
    private static int SlotOf(int row) => (int)((uint)row * 2_654_435_769 >> (32 - SlotBits));
}
