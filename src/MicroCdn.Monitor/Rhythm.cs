using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>Learns how regularly one server's beats arrive, and from that how long a silence is suspicious.</summary>
/// <remarks>
/// Phi-accrual (Hayashibara and others, 2004): phi is minus the decimal logarithm of the probability that a living
/// server would be silent so long, if the times between its beats are normally distributed. Phi 8 is 5.612 standard
/// deviations behind the mean, so the moment is known at each beat, and nothing has to be computed while waiting.
/// </remarks>
internal sealed class Rhythm(DetectionProfile profile)
{
    private const double DeviationsAtPhi8 = 5.612;
    private const double LeastDeviation = 0.020;
    // The last thousand beats count, older ones less and less.
    private const int Window = 1000;
    // A sender that itself was late by so many beats tells of its own pause, not of the line.
    private const int PausedBeats = 3;

    private double _pace = Limits.Beat.TotalSeconds;
    private double _mean;
    private double _variance;
    private TimeSpan _last;
    private int _beats;

    /// <summary>Silence from the last sign of life after which its server is suspect.</summary>
    public TimeSpan Limit { get; private set; } = profile.Silence;

    /// <summary>True once a beat was heard.</summary>
    public bool IsHeard => _beats > 0;

    /// <summary>Begins anew with the interval that the server promised.</summary>
    public void Begin(TimeSpan beat)
    {
        (_pace, _mean, _variance, _beats) = (beat.TotalSeconds, beat.TotalSeconds, 0, 0);
        Learn();
    }

    /// <summary>Takes in one beat.</summary>
    /// <param name="steps">How many beats after the last one heard it is.</param>
    /// <param name="gap">The time since the one before, as the sender measured it.</param>
    /// <param name="now">When it arrived.</param>
    public void Beat(long steps, TimeSpan gap, TimeSpan now)
    {
        double elapsed = (now - _last).TotalSeconds;
        _last = now;
        if (_beats++ == 0 || gap.TotalSeconds > PausedBeats * _pace) return;
        // Behind a cut there are many beats that nobody heard: that is no rhythm either.
        if (elapsed > 2 * Limit.TotalSeconds) return;
        double share = 1.0 / Math.Min(_beats, Window);
        double difference = elapsed - _mean;
        _mean += share * difference;
        _variance = (1 - share) * (_variance + (share * difference * difference));
        _pace += share * ((elapsed / steps) - _pace);
        _pace = Math.Clamp(_pace, Limits.ShortestBeat.TotalSeconds, Limits.LongestBeat.TotalSeconds);
        Learn();
    }

    private void Learn()
    {
        double silence = profile.Silence.TotalSeconds * Math.Max(1, _pace / Limits.Beat.TotalSeconds);
        if (profile.WatchesRhythm)
        {
            double deviation = Math.Max(Math.Sqrt(_variance), Math.Max(LeastDeviation, _pace / 4));
            silence = Math.Min(silence, _mean + (DeviationsAtPhi8 * deviation));
        }
        Limit = TimeSpan.FromSeconds(silence);
    }
}
