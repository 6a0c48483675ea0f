namespace MicroCdn.Caching.Store;

/// <summary>Notices a disk that keeps somebody waiting, so that nobody else begins to wait for it.</summary>
/// <remarks>
/// <para>Think of a counter whose clerk has fallen asleep: who stands there waits, and who comes sees it and goes
/// elsewhere. Once he is awake they try him one at a time, until he serves one quickly.</para>
/// <para>Meanwhile what comes stays in memory or passes through, and what only the disk has is asked for anew. The
/// threads that wait are those that began before it was noticed. Safe from any thread.</para>
/// </remarks>
internal sealed class DiskPace(TimeProvider time)
{
    /// <summary>A disk that takes so long for one thing is worse than none.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // More than threads wait for a disk that is well.
    private const int Places = 64;

    private readonly long[] _since = new long[Places];
    private volatile bool _isDoubted;

    /// <summary>True when somebody may wait for the disk now, and then must <see cref="Leave"/>.</summary>
    public bool TryEnter(out int place)
    {
        place = -1;
        long now = Math.Max(1, time.GetTimestamp());
        int free = -1;
        for (int at = 0; at < Places; at++)
        {
            long since = Volatile.Read(ref _since[at]);
            if (since == 0) free = at;
            else if (_isDoubted || time.GetElapsedTime(since, now) > Patience) return false;
        }
        if (free < 0) return false;
        // Whoever lost the race for it looks for another.
        if (Interlocked.CompareExchange(ref _since[free], now, 0) != 0) return TryEnter(out place);
        place = free;
        return true;
    }

    /// <summary>Says that the wait is over; false when it was too long.</summary>
    public bool Leave(int place)
    {
        bool wasQuick = time.GetElapsedTime(Interlocked.Exchange(ref _since[place], 0)) <= Patience;
        _isDoubted = !wasQuick;
        return wasQuick;
    }
}
