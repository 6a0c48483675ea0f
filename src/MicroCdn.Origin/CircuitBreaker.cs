namespace MicroCdn.Origin;

/// <summary>Decides whether an origin that failed is asked again, or left alone for a while.</summary>
/// <remarks>
/// As the fuse of a house: after five failures in a row, or when most of at least twenty requests within ten seconds
/// failed, nothing passes for five seconds. Then one request is let through as a trial. When it fails too the rest gets
/// longer, up to thirty seconds; when any request succeeds, everything passes again. Time comes in as milliseconds, and
/// whoever calls holds the lock.
/// </remarks>
internal sealed class CircuitBreaker
{
    private const int InARow = 5;
    private const int Enough = 20;
    private const long Window = 10_000;
    private const long FirstRest = 5_000;
    private const long LongestRest = 30_000;

    private int _row;
    private int _asked;
    private int _failed;
    private long _windowFrom;
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
        if (IsOpen) (_asked, _failed, _rest) = (0, 0, FirstRest);
        (_row, IsOpen, _isTrying) = (0, false, false);
        Count(now, failed: false);
    }

    /// <summary>It could not be reached, or did not answer.</summary>
    public void Failed(long now, bool wasTrial)
    {
        // Those that were under way when the fuse blew tell nothing new.
        if (IsOpen && !wasTrial) return;
        if (wasTrial) _rest = Math.Min(2 * _rest, LongestRest);
        Count(now, failed: true);
        _row++;
        if (!wasTrial && _row < InARow && !(_asked >= Enough && 2 * _failed > _asked)) return;
        (IsOpen, _isTrying, _openUntil) = (true, false, now + _rest);
    }

    /// <summary>Whoever asked left before the outcome was known.</summary>
    public void GaveUp(bool wasTrial)
    {
        if (wasTrial) _isTrying = false;
    }

    private void Count(long now, bool failed)
    {
        if (now - _windowFrom >= Window) (_windowFrom, _asked, _failed) = (now, 0, 0);
        _asked++;
        if (failed) _failed++;
    }
}
