namespace MicroCdn.Http.Http2;

/// <summary>Tells who sends frames that cost us work and it nothing.</summary>
/// <remarks>
/// Floods of PING, SETTINGS, PRIORITY, RST_STREAM, CONTINUATION, and of frames that nobody knows, are each legal frame
/// by frame (RFC 9113, section 10.5). A bucket holds what an honest browser needs at its start, and fills by what it
/// may need later. WINDOW_UPDATE weighs little, since a fast download needs tens of thousands a second, and so does
/// DATA of a body that is wanted; windows opened by crumbs, DATA in crumbs, and DATA that nobody wants are paid from a
/// second bucket, to which each request adds.
/// </remarks>
internal sealed class FrameBudget(long now)
{
    private const double Full = 1000, EachSecond = 100, EachRequest = 4, LargeUpdate = 0.001, Abandoned = 8;

    private readonly Bucket _control = new(now);
    private readonly Bucket _small = new(now);

    /// <summary>Pays for a frame, or for a stream that had to be reset; false when there is nothing left.</summary>
    public bool TryControl(long now) => _control.TryTake(1, now);

    /// <summary>Pays for DATA.</summary>
    public bool TryData(int length, bool isWanted, long now) =>
        isWanted && length >= Http2Limits.Crumb ? _control.TryTake(LargeUpdate, now) : _small.TryTake(1, now);

    /// <summary>Pays for a window that was opened.</summary>
    public bool TryUpdate(int increment, long now) =>
        increment < Http2Limits.Crumb ? _small.TryTake(1, now) : _control.TryTake(LargeUpdate, now);

    /// <summary>Pays for a request that is given up while its answer is made: a hundred at once, as when a page is
    /// left, are honest.</summary>
    public bool TryAbandon(long now) => _control.TryTake(Abandoned, now);

    /// <summary>A request came: what belongs to it is no flood.</summary>
    public void AddRequest() => _small.Add(EachRequest);

    private sealed class Bucket(long now)
    {
        private double _left = Full;
        private long _filledAt = now;

        public void Add(double some) => _left = Math.Min(Full, _left + some);

        public bool TryTake(double price, long now)
        {
            Add(EachSecond * (now - _filledAt) / 1000);
            _filledAt = now;
            return (_left -= price) >= 0;
        }
    }
}
