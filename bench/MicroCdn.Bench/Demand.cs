using System.Diagnostics;

namespace MicroCdn.Bench;

/// <summary>What some connections of a client ask for again and again, and what came of it in a round.</summary>
internal sealed class Demand(Requests requests, int connections)
{
    private readonly List<long> _times = [];

    public Requests Requests => requests;

    public int Connections => connections;

    /// <summary>A connection is used again after its answer, as in HTTP with keep-alive.</summary>
    public bool Keeps { get; init; }

    /// <summary>The bytes are copied out of the kernel, as ordinary clients do, not only counted.</summary>
    public bool Copies { get; init; }

    /// <summary>The time of each answer is noted.</summary>
    public bool IsTimed { get; init; }

    /// <summary>Answers that came whole.</summary>
    public long Answers { get; private set; }

    /// <summary>Bytes of their bodies.</summary>
    public long Bytes { get; private set; }

    /// <summary>Begins a round.</summary>
    public void Begin()
    {
        (Answers, Bytes) = (0, 0);
        _times.Clear();
    }

    /// <summary>Counts an answer to a request of that timestamp.</summary>
    public void Count(long bytes, long asked)
    {
        Answers++;
        Bytes += bytes;
        if (IsTimed) _times.Add(Stopwatch.GetTimestamp() - asked);
    }

    /// <summary>The milliseconds within which that share of the answers was complete.</summary>
    public double Within(double share)
    {
        if (_times.Count == 0) throw new BenchException("No answer came in a whole round.");
        _times.Sort();
        int at = Math.Min(_times.Count - 1, (int)(share * _times.Count));
        return _times[at] * 1e3 / Stopwatch.Frequency;
    }
}
