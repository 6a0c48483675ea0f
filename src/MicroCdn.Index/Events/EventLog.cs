namespace MicroCdn.Index.Events;

/// <summary>The newest events, for whoever looks and whoever waits.</summary>
/// <remarks>
/// Readers keep the number of the last event that they saw and ask for what came after it. So a reader that is slow, or
/// never reads, costs nothing: it finds a gap when it comes back. Numbers begin with the milliseconds since 1970 at
/// which the log began, so that those of an earlier process are smaller.
/// </remarks>
public sealed class EventLog
{
    /// <summary>Most events that are kept.</summary>
    public const int Most = 10_000;

    /// <summary>Most letters of a text or a subject; what is longer is cut.</summary>
    public const int MostTextLetters = 1_000;

    private readonly Lock _lock = new();
    private readonly FleetEvent[] _events = new FleetEvent[Most];
    private readonly TimeProvider _time;
    private readonly long _begin;
    private long _next;

    /// <summary>An empty log.</summary>
    /// <param name="time">The clock.</param>
    public EventLog(TimeProvider time)
    {
        _time = time;
        _next = _begin = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>Called after each event, from the thread that added it: it must not wait.</summary>
    public event Action? Added;

    /// <summary>The number of the newest event; 0 when there is none.</summary>
    public long Latest
    {
        get
        {
            lock (_lock) return _next > _begin ? _next - 1 : 0;
        }
    }

    /// <summary>Adds an event; from any thread.</summary>
    public void Add(EventKind kind, Severity severity, string subject, string text)
    {
        lock (_lock)
        {
            _events[_next % Most] =
                new FleetEvent(_next, _time.GetUtcNow(), kind, severity, Cut(subject), Cut(text));
            _next++;
        }
        Added?.Invoke();
    }

    /// <summary>The events after a number, the oldest first.</summary>
    /// <param name="after">The number of the last event that the reader saw; 0 for all.</param>
    /// <param name="most">Most events of the answer.</param>
    /// <param name="hasGap">True when some after it are not kept any more, or it is none of ours.</param>
    public IReadOnlyList<FleetEvent> Since(long after, int most, out bool hasGap)
    {
        lock (_lock)
        {
            long first = Math.Max(_begin, _next - Most);
            hasGap = after > 0 && (after < first - 1 || after >= _next);
            long from = after >= _next ? first : Math.Max(first, after + 1);
            FleetEvent[] events = new FleetEvent[Math.Min(most, _next - from)];
            for (int i = 0; i < events.Length; i++) events[i] = _events[(from + i) % Most];
            return events;
        }
    }

    private static string Cut(string text) => text.Length <= MostTextLetters ? text : text[..MostTextLetters];
}
