namespace MicroCdn.Origin;

/// <summary>Decides whether an origin that failed is asked again, or left alone for a while.</summary>
/// <remarks>
/// As the fuse of a house: when at least five requests failed and more than succeeded, of those that were decided in
/// the last ten seconds, nothing passes for five seconds. So connections that an origin resets now and then beside its
/// answers never blow it. An origin that is seldom asked counts as down after five failures in a row without an answer
/// in that time. Then one request is let through as a trial. When it fails too the rest gets longer, up to thirty
/// seconds; when any request succeeds, everything passes again. Time comes in as milliseconds, and whoever calls holds
/// the lock.
/// </remarks>
internal sealed class CircuitBreaker
{
    private const int Enough = 5;
    private const long FirstRest = 5_000;
    private const long LongestRest = 30_000;

    private readonly RecentOutcomes _recent = new();
    private int _row;
    private long _rest = FirstRest;
    private long _openUntil;
    private bool _isTrying;

    /// <summary>True while nothing passes but a trial.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>True when the origin may be asked now; then one of <see cref="Succeeded"/>, <see cref="Failed"/> and
    /// <see cref="GaveUp"/> follows.</summary>
    /// <param name="now">Milliseconds of a clock that only goes forward.</param>
    /// <param name="isTrial">True when everyone else waits for how this one goes.</param>
    public bool TryEnter(long now, out bool isTrial)
    {
        isTrial = IsOpen && !_isTrying && now >= _openUntil;
        _isTrying |= isTrial;
        return !IsOpen || isTrial;
    }

    /// <summary>It answered, whatever it said. One that was asked before the fuse blew counts as well.</summary>
    public void Succeeded(long now)
    {
        if (IsOpen)
        {
            _recent.Forget();
            _rest = FirstRest;
        }
        (_row, IsOpen, _isTrying) = (0, false, false);
        _recent.Count(now, hasFailed: false);
    }

    /// <summary>It could not be reached, or did not answer.</summary>
    public void Failed(long now, bool wasTrial)
    {
        // Those that were under way when the fuse blew tell nothing new.
        if (IsOpen && !wasTrial) return;
        if (wasTrial) _rest = Math.Min(2 * _rest, LongestRest);
        _recent.Count(now, hasFailed: true);
        _row = Math.Min(_row + 1, Enough);
        (long succeeded, long failed) = _recent.Sum(now);
        bool isDown = (failed >= Enough && failed > succeeded) || (_row == Enough && succeeded == 0);
        if (wasTrial || isDown) (IsOpen, _isTrying, _openUntil) = (true, false, now + _rest);
    }

    /// <summary>Whoever asked left before the outcome was known.</summary>
    public void GaveUp(bool wasTrial)
    {
        if (wasTrial) _isTrying = false;
    }
}
