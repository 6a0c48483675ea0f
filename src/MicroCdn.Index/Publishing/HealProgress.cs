namespace MicroCdn.Index.Publishing;

/// <summary>How far healing is: what the last look counted, less what was made since, and how fast that goes.</summary>
/// <remarks>Written by the healer's loop; read by anybody.</remarks>
internal sealed class HealProgress(TimeProvider time)
{
    // Of the speed of the last second so much counts: half of it is forgotten in 6 s.
    private const double Weight = 0.1;

    private readonly Lock _lock = new();
    private HealTally? _tally;
    private CopyKeeper[] _keepers = [];
    private long _copies, _bytes, _bytesThisTick, _ticked = time.GetTimestamp();
    private double _speed;
    private bool _wasMissing;
    private int _hidden;

    /// <summary>How many copies are being fetched.</summary>
    public int Making { get; set; }

    /// <summary>True when the last look was one at which it was known who has what.</summary>
    public bool IsSure { get; private set; }

    /// <summary>The state of the moment; null as long as nothing was counted.</summary>
    public HealState? Now
    {
        get
        {
            lock (_lock)
            {
                if (_tally is null) return null;
                long bytes = Math.Max(0, _tally.Bytes - _bytes), speed = (long)_speed;
                long missing = Math.Max(0, _tally.Missing - _copies);
                return new HealState(_tally, _keepers, missing, Making, bytes, speed,
                    speed > 0 ? bytes / speed : -1, _hidden);
            }
        }
    }

    /// <summary>A copy was made.</summary>
    public void Made(long bytes)
    {
        lock (_lock) (_copies, _bytes, _bytesThisTick) = (_copies + 1, _bytes + bytes, _bytesThisTick + bytes);
    }

    /// <summary>A look counted everything anew.</summary>
    /// <param name="tally">What it counted.</param>
    /// <param name="isSure">False while it is not known yet who has what.</param>
    /// <returns>What it counted, when copies are missing that were not, or none are any more; else null.</returns>
    public HealTally? Counted(HealTally tally, bool isSure)
    {
        lock (_lock)
        {
            (_tally, _copies, _bytes, IsSure) = (tally, 0, 0, isSure);
            if (!isSure) return null;
            bool isNews = _wasMissing != tally.Missing > 0;
            _wasMissing = tally.Missing > 0;
            return isNews ? tally : null;
        }
    }

    /// <summary>About a second went by.</summary>
    /// <param name="keepers">The servers.</param>
    /// <param name="hidden">How many files that no name shows are not known to be where they belong.</param>
    public void Tick(CopyKeeper[] keepers, int hidden)
    {
        lock (_lock)
        {
            double seconds = time.GetElapsedTime(_ticked).TotalSeconds;
            (_keepers, _hidden) = (keepers, hidden);
            if (seconds <= 0) return;
            _speed = _speed == 0 ? _bytesThisTick / seconds
                : ((1 - Weight) * _speed) + (Weight * (_bytesThisTick / seconds));
            if (_speed < 1) _speed = 0;
            (_ticked, _bytesThisTick) = (time.GetTimestamp(), 0);
        }
    }
}

/// <summary>How far healing is, at one moment.</summary>
/// <param name="Tally">What the last look counted.</param>
/// <param name="Keepers">The servers.</param>
/// <param name="Missing">How many copies are missing now.</param>
/// <param name="Making">How many are being fetched.</param>
/// <param name="BytesLeft">How many bytes are still to be fetched.</param>
/// <param name="Speed">How many were fetched in a second, lately.</param>
/// <param name="SecondsLeft">How long it will take at that speed; -1 when that cannot be said.</param>
/// <param name="Hidden">How many files that no name shows are not known to be where they belong.</param>
internal sealed record HealState(
    HealTally Tally, CopyKeeper[] Keepers, long Missing, int Making, long BytesLeft, long Speed, long SecondsLeft,
    int Hidden);
