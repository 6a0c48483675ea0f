namespace MicroCdn.Tests.Monitor.Simulation;

/// <summary>The simulated line between one server and one monitor.</summary>
internal sealed class Line(Conditions conditions, Random chance)
{
    private TimeSpan _turn;
    private bool _isBad;

    /// <summary>Nothing gets from the server to the monitor.</summary>
    public bool IsCutUp { get; set; }

    /// <summary>Nothing gets from the monitor to the server.</summary>
    public bool IsCutDown { get; set; }

    /// <summary>When a fault of this line or of its server ended last.</summary>
    public TimeSpan HealedAt { get; set; } = TimeSpan.FromDays(-1);

    /// <summary>True when a datagram sent now is lost.</summary>
    public bool Loses(bool isUp, TimeSpan now)
    {
        if (isUp ? IsCutUp : IsCutDown) return true;
        if (conditions.Burst > TimeSpan.Zero && IsBad(now)) return true;
        return conditions.Loss > 0 && chance.NextDouble() < conditions.Loss;
    }

    /// <summary>How long a datagram takes.</summary>
    public TimeSpan Way()
    {
        TimeSpan way = conditions.Delay + (conditions.Jitter * chance.NextDouble());
        return conditions.Delayed > 0 && chance.NextDouble() < conditions.Delayed
            ? way + TimeSpan.FromMilliseconds(150 * chance.NextDouble()) : way;
    }

    // Good and bad times follow one another, each exponentially long (Gilbert, 1960).
    private bool IsBad(TimeSpan now)
    {
        while (_turn <= now)
        {
            _isBad = !_isBad;
            TimeSpan mean = _isBad ? conditions.Burst
                : conditions.Burst * ((1 - Conditions.BurstShare) / Conditions.BurstShare);
            _turn += mean * -Math.Log(1 - chance.NextDouble());
        }
        return _isBad;
    }
}
