namespace MicroCdn.Index.Figures;

/// <summary>The last hour in steps of five seconds: what all servers together did in each.</summary>
/// <remarks>A telling says what was done between two moments. It is spread evenly over the steps between them, so that
/// a server whose connection was away for a while leaves no gap and makes no peak.</remarks>
internal sealed class FigureRing
{
    /// <summary>How many steps are kept.</summary>
    public const int Steps = 720;

    /// <summary>The length of a step.</summary>
    public static readonly TimeSpan Step = TimeSpan.FromSeconds(5);

    // A server tells once a second, so what a step holds is known a little after its end.
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(2);

    private readonly FigureCounts[] _counts = new FigureCounts[Steps];
    // By place the number of the step that it holds; a step that nobody told of has none.
    private readonly long[] _steps = new long[Steps];

    public FigureRing() => Array.Fill(_steps, -1);

    /// <summary>Adds what was done from one moment to another, both since the beginning of the ring.</summary>
    public void Add(TimeSpan from, TimeSpan to, in FigureCounts done)
    {
        long last = to.Ticks / Step.Ticks, first = Math.Max(from.Ticks / Step.Ticks, last - Steps + 1);
        double all = Math.Max(1, to.Ticks - from.Ticks);
        for (long step = first; step <= last; step++)
        {
            long begin = Math.Max(from.Ticks, step * Step.Ticks), end = Math.Min(to.Ticks, (step + 1) * Step.Ticks);
            if (end > begin) AddTo(step, done.Times((end - begin) / all));
        }
    }

    /// <summary>The number of the last step that is over, and of which all was told.</summary>
    public static long LastOver(TimeSpan now) => ((now - Late).Ticks / Step.Ticks) - 1;

    /// <summary>What was done a second in each of the last steps up to one, the oldest first; null where nobody
    /// told.</summary>
    public FigureCounts?[] UpTo(long last)
    {
        FigureCounts?[] points = new FigureCounts?[Steps];
        for (int place = 0; place < Steps; place++)
        {
            long step = last - Steps + 1 + place;
            if (step >= 0 && _steps[step % Steps] == step)
            {
                points[place] = _counts[step % Steps].Times(1 / Step.TotalSeconds);
            }
        }
        return points;
    }

    /// <summary>What was done in the last hour.</summary>
    public FigureCounts Sum(TimeSpan now)
    {
        FigureCounts sum = default;
        long oldest = (now.Ticks / Step.Ticks) - Steps;
        for (int place = 0; place < Steps; place++)
        {
            if (_steps[place] > oldest) sum = sum.Plus(_counts[place]);
        }
        return sum;
    }

    private void AddTo(long step, in FigureCounts part)
    {
        long place = step % Steps;
        // What is told late of a step that was let go of changes nothing.
        if (_steps[place] > step) return;
        _counts[place] = _steps[place] == step ? _counts[place].Plus(part) : part;
        _steps[place] = step;
    }
}
