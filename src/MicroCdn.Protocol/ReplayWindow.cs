namespace MicroCdn.Protocol;

/// <summary>Lets each number through once: a recording that is sent again is told from what is new.</summary>
/// <remarks>The highest number and which of the 63 below it came; what is older counts as come (RFC 4303, section
/// 3.4.3). PINGs leave twelve milliseconds apart: one may come three quarters of a second late. One caller at a
/// time.</remarks>
public sealed class ReplayWindow
{
    private const int Width = 64;
    private long _highest = -1;
    // Bit n stands for the number n below the highest.
    private ulong _came;

    /// <summary>False for a number that came before, or is too old to tell; it then counts as come.</summary>
    /// <param name="number">The number, 0 or more.</param>
    public bool TryTake(long number)
    {
        if (number > _highest)
        {
            long ahead = number - _highest;
            _came = (ahead < Width ? _came << (int)ahead : 0) | 1;
            _highest = number;
            return true;
        }
        long behind = _highest - number;
        if (behind >= Width || (_came & (1UL << (int)behind)) != 0) return false;
        _came |= 1UL << (int)behind;
        return true;
    }
}
