namespace MicroCdn.Index.Events;

/// <summary>Makes events of what is looked at again and again: one when it becomes bad, one when it is good
/// again.</summary>
/// <remarks>Think of a lamp that a person watches: who notes each flicker fills a book and learns nothing. So there is
/// at most one event a minute for each subject; what the lamp shows at the end of that minute is what is noted, and
/// when that is what was noted last, nothing is.</remarks>
internal sealed class Signals(EventLog events)
{
    // Three of each of 200 servers, and sixteen origins.
    private const int Most = 4_000;

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    // What nobody looked at for so long is not known any more, and later forgotten.
    private static readonly TimeSpan Known = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    private readonly Dictionary<(EventKind, string), Signal> _signals = [];

    /// <summary>Says how something is now.</summary>
    /// <param name="sight">How it is.</param>
    /// <param name="now">The time, from whichever beginning.</param>
    /// <param name="patience">For how long it has to be bad without a break before anybody is told.</param>
    public void Report(Sight sight, TimeSpan now, TimeSpan patience = default)
    {
        (EventKind, string) key = (sight.Kind, sight.Subject);
        if (!_signals.TryGetValue(key, out Signal? signal))
        {
            if (_signals.Count >= Most) return;
            _signals.Add(key, signal = new Signal(sight));
        }
        signal.See(sight, now, patience);
        if (!signal.IsNews || (signal.ToldAt is { } told && now - told < Pause)) return;
        signal.Tell(now);
        events.Add(sight.Kind, sight.Severity, sight.Subject, sight.Text);
    }

    /// <summary>What is bad now, the worst first.</summary>
    public IEnumerable<FleetConcern> Concerns(TimeSpan now)
    {
        foreach (var ((kind, subject), signal) in _signals.ToArray())
        {
            if (now - signal.SeenAt > Remembered) _signals.Remove((kind, subject));
            else if (signal.IsBad && now - signal.SeenAt <= Known)
            {
                yield return new FleetConcern(signal.Sight.Severity, kind, subject, signal.Sight.Text);
            }
        }
    }

    private sealed class Signal(Sight first)
    {
        private TimeSpan? _badSince;
        private bool _isRipe;
        private Severity _told = Severity.Info;
        private string _toldState = first.State;

        public Sight Sight { get; private set; } = first;

        public TimeSpan SeenAt { get; private set; }

        public TimeSpan? ToldAt { get; private set; }

        public bool IsBad => Sight.Severity != Severity.Info && _isRipe;

        public bool IsNews => _isRipe && (_told != Sight.Severity || _toldState != Sight.State);

        public void See(Sight sight, TimeSpan now, TimeSpan patience)
        {
            (Sight, SeenAt) = (sight, now);
            _badSince = sight.Severity == Severity.Info ? null : _badSince ?? now;
            _isRipe = _badSince is not { } since || now - since >= patience;
        }

        public void Tell(TimeSpan now) => (_told, _toldState, ToldAt) = (Sight.Severity, Sight.State, now);
    }
}

/// <summary>How something is at one moment.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Subject">Which one.</param>
/// <param name="Severity">How bad it is; <see cref="Severity.Info"/> when it is well.</param>
/// <param name="Text">The same in a sentence.</param>
/// <param name="State">A word for it, where there are several that are equally bad.</param>
internal sealed record Sight(EventKind Kind, string Subject, Severity Severity, string Text, string State = "");
