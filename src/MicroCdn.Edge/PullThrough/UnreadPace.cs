namespace MicroCdn.Edge.PullThrough;

/// <summary>Judges whether a body that nobody reads any more comes fast enough to be worth its connection.</summary>
/// <remarks>What comes to an end is of use for those who come later. But whoever knows a page that drips for hours
/// could take all connections of an origin by asking and leaving.</remarks>
internal sealed class UnreadPace(TimeProvider time)
{
    /// <summary>The least that is to come within <see cref="Window"/>: the slowest line that a large file still comes
    /// over in a useful time.</summary>
    public const int LeastBytes = 64 * 1024;

    /// <summary>How long bytes are counted.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private long _since = time.GetTimestamp();
    private int _bytes;

    /// <summary>Counts bytes that came; true when it should be given up.</summary>
    /// <param name="bytes">How many came.</param>
    /// <param name="isRead">True while somebody reads them.</param>
    public bool IsTooSlow(int bytes, bool isRead)
    {
        _bytes = (int)Math.Min((long)_bytes + bytes, LeastBytes);
        if (!isRead && time.GetElapsedTime(_since) < Window) return false;
        bool isTooSlow = !isRead && _bytes < LeastBytes;
        (_since, _bytes) = (time.GetTimestamp(), 0);
        return isTooSlow;
    }
}
