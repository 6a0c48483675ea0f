using MicroCdn.Protocol;

namespace MicroCdn.Index.Figures;

/// <summary>What content servers tell of themselves once a second, added up for the fleet.</summary>
/// <remarks>
/// Servers tell counters that only rise, like the numbers on an electricity meter: two readings say what was used
/// between them, and one that got lost costs nothing. A meter that is lower than before was replaced: its server began
/// anew, and so do its rates. Nothing of it is written down; an index that starts shows nothing of the time before.
/// </remarks>
public sealed class FleetFigures
{
    /// <summary>Most servers that are kept: four times the fleet that we build for.</summary>
    public const int MostServers = 200;

    // One that told nothing for so long makes room for another.
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(10);

    // Who tells once a second and is silent for so long does nothing that is known.
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<ServerId, Meter> _meters = [];
    private readonly FigureRing _ring = new();
    private readonly TimeProvider _time;
    private readonly long _began;

    /// <summary>Nobody has told anything yet.</summary>
    /// <param name="time">The clock.</param>
    public FleetFigures(TimeProvider time) => (_time, _began) = (time, time.GetTimestamp());

    private TimeSpan Now => _time.GetElapsedTime(_began);

    /// <summary>What all servers do now.</summary>
    public FleetTotal Total
    {
        get
        {
            lock (_lock)
            {
                FigureCounts sum = default;
                int downloads = 0, servers = 0;
                foreach (Meter meter in _meters.Values.Where(meter => Now - meter.ToldAt <= Lately))
                {
                    if (meter.Rates is { } rates) sum = sum.Plus(rates);
                    (downloads, servers) = (downloads + meter.Told.Downloads, servers + 1);
                }
                return new FleetTotal(sum, downloads, servers);
            }
        }
    }

    /// <summary>Bytes of the last hour that clients got of copies and that no origin had to send.</summary>
    public long SavedBytes
    {
        get
        {
            lock (_lock) return (long)Math.Max(0, _ring.Sum(Now).SavedBytes);
        }
    }

    /// <summary>What a server told last; null when it told nothing.</summary>
    public ToldFigures? Of(ServerId id)
    {
        lock (_lock)
        {
            if (!_meters.TryGetValue(id, out Meter? meter)) return null;
            TimeSpan age = Now - meter.ToldAt;
            return new ToldFigures(meter.Told, age, age <= Lately ? meter.Rates : null);
        }
    }

    /// <summary>What each server told last, in the order of their ids.</summary>
    public IReadOnlyList<ToldFigures> All()
    {
        ServerId[] ids;
        lock (_lock) ids = [.. _meters.Keys];
        return [.. ids.OrderBy(id => id.Value, StringComparer.Ordinal).Select(Of).OfType<ToldFigures>()];
    }

    /// <summary>The last hour.</summary>
    public FigureHistory History()
    {
        lock (_lock)
        {
            long last = FigureRing.LastOver(Now), first = last - FigureRing.Steps + 1;
            DateTimeOffset begin = _time.GetUtcNow() - Now + (first * FigureRing.Step);
            return new FigureHistory(begin, FigureRing.Step, _ring.UpTo(last));
        }
    }

    /// <summary>The origins that each server told of last, in the order of server and origin.</summary>
    public IReadOnlyList<OriginFigures> Origins()
    {
        lock (_lock)
        {
            return [.. _meters.Values.SelectMany(meter => meter.Origins)
                .OrderBy(origin => origin.Server.Value, StringComparer.Ordinal)
                .ThenBy(origin => origin.Origin, StringComparer.Ordinal)];
        }
    }

    /// <summary>Takes what a server tells; false when as many servers as are kept tell already.</summary>
    internal bool Take(ServerFigures told, IReadOnlyList<OriginFigures> origins)
    {
        lock (_lock)
        {
            TimeSpan now = Now;
            if (!_meters.TryGetValue(told.Server, out Meter? meter))
            {
                if (_meters.Count >= MostServers && !TryForget(now)) return false;
                _meters.Add(told.Server, meter = new Meter(told, now));
            }
            else if (meter.TryContinue(told, now, out TimeSpan since, out FigureCounts done))
            {
                _ring.Add(since, now, done);
            }
            meter.Origins = origins;
            return true;
        }
    }

    /// <summary>Forgets a server that is to be known no more.</summary>
    internal void Forget(ServerId id)
    {
        lock (_lock) _meters.Remove(id);
    }

    private bool TryForget(TimeSpan now)
    {
        Meter oldest = _meters.Values.MinBy(meter => meter.ToldAt)!;
        return now - oldest.ToldAt > Forgotten && _meters.Remove(oldest.Told.Server);
    }

    /// <summary>The readings of one server.</summary>
    private sealed class Meter(ServerFigures told, TimeSpan now)
    {
        // Rates are over so long: six readings, one each second, are five seconds apart.
        private const int MostReadings = 6;

        private readonly Queue<(TimeSpan At, FigureCounts Counts)> _readings = new([(now, FigureCounts.Of(told))]);

        public ServerFigures Told { get; private set; } = told;

        public TimeSpan ToldAt { get; private set; } = now;

        public IReadOnlyList<OriginFigures> Origins { get; set; } = [];

        /// <summary>What it does a second; null before there are two readings.</summary>
        public FigureCounts? Rates { get; private set; }

        /// <summary>Takes another reading; false when the server began anew, or nothing can be said of the time
        /// between.</summary>
        public bool TryContinue(ServerFigures next, TimeSpan at, out TimeSpan since, out FigureCounts done)
        {
            FigureCounts before = FigureCounts.Of(Told), counts = FigureCounts.Of(next);
            bool isSame = next.Incarnation == Told.Incarnation && next.Requests >= Told.Requests
                && next.Errors >= Told.Errors && next.Bytes >= Told.Bytes && next.Hits >= Told.Hits
                && next.Misses >= Told.Misses && next.CachedBytes >= Told.CachedBytes
                && next.FilledBytes >= Told.FilledBytes && next.ParentBytes >= Told.ParentBytes;
            (since, done) = (ToldAt, counts.Since(before));
            (Told, ToldAt) = (next, at);
            if (!isSame) _readings.Clear();
            if (!isSame) Rates = null;
            // Two tellings of one moment are one.
            if (at > since) _readings.Enqueue((at, counts));
            while (_readings.Count > MostReadings || (_readings.Count > 2 && at - _readings.Peek().At > 2 * Lately))
            {
                _readings.Dequeue();
            }
            (TimeSpan first, FigureCounts oldest) = _readings.Count > 0 ? _readings.Peek() : (at, counts);
            if (isSame && at > first) Rates = counts.Since(oldest).Times(1 / (at - first).TotalSeconds);
            return isSame && at > since;
        }
    }
}
