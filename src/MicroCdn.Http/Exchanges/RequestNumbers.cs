namespace MicroCdn.Http.Exchanges;

/// <summary>Counts requests: how many, how long they took, how many bytes left, what part a cache had.</summary>
/// <remarks>Each thread counts for itself, in memory that no other one writes: no lock, and no line of the processor's
/// cache that goes back and forth. A <see cref="Snapshot"/> adds them up.</remarks>
/// <param name="origins">How many origins are told apart.</param>
public sealed class RequestNumbers(int origins = 0) : IExchangeListener, IDisposable
{
    /// <summary>The number of classes of statuses: 1xx to 5xx, and before them what was never answered.</summary>
    public const int Classes = 6;

    private static readonly double[] Bounds =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private static readonly long[] TickBounds =
        [.. Bounds.Select(seconds => TimeSpan.FromSeconds(seconds).Ticks)];

    private readonly ThreadLocal<Stripe> _stripes = new(() => new Stripe(origins), trackAllValues: true);

    /// <summary>The upper bounds of the buckets of durations in seconds, which belong to their bucket; behind them is
    /// one more without a bound. They are those of <c>http.server.request.duration</c> in OpenTelemetry.</summary>
    public static ReadOnlySpan<double> BucketBounds => Bounds;

    /// <summary>The number of buckets.</summary>
    public static int Buckets => Bounds.Length + 1;

    /// <inheritdoc/>
    public bool NeedsText => false;

    /// <inheritdoc/>
    public void Moved(Exchange exchange, long bytes) => _stripes.Value!.Add(exchange.Cache, bytes);

    /// <inheritdoc/>
    public void Ended(Exchange exchange) => _stripes.Value!.Add(exchange);

    /// <inheritdoc/>
    public void Dispose() => _stripes.Dispose();

    /// <summary>What was counted until now. What is counted meanwhile may show in part.</summary>
    public RequestCounts Snapshot()
    {
        RequestCounts sum = new(origins);
        foreach (Stripe stripe in _stripes.Values) stripe.AddTo(sum);
        return sum;
    }

    internal static int PlaceOf(Method method, int statusClass) => ((int)method * Classes) + statusClass;

    // The numbers of one thread, which alone writes them; others read.
    private sealed class Stripe(int origins)
    {
        private readonly long[][] _buckets = new long[RequestCounts.Places][];
        private readonly long[] _ticks = new long[RequestCounts.Places];
        private readonly long[] _results = new long[CacheResultWords.Count];
        private readonly long[] _resultBytes = new long[CacheResultWords.Count];
        private readonly long[] _originResults = new long[origins * CacheResultWords.Count];
        private long _cut;

        public void Add(Exchange exchange)
        {
            int statusClass = exchange.Status / 100;
            int place = PlaceOf(exchange.Method, statusClass < Classes ? statusClass : 0);
            long ticks = exchange.Duration.Ticks;
            int bucket = 0;
            while (bucket < TickBounds.Length && ticks > TickBounds[bucket]) bucket++;
            long[] buckets = _buckets[place] ?? Make(place);
            Add(ref buckets[bucket], 1);
            Add(ref _ticks[place], ticks);
            Add(ref _results[(int)exchange.Cache], 1);
            Add(exchange.Cache, exchange.UntoldBytes);
            if (exchange.Origin >= 0)
            {
                Add(ref _originResults[(exchange.Origin * CacheResultWords.Count) + (int)exchange.Cache], 1);
            }
            if (!exchange.IsWhole) Add(ref _cut, 1);
        }

        public void Add(CacheResult result, long bytes) => Add(ref _resultBytes[(int)result], bytes);

        public void AddTo(RequestCounts sum)
        {
            for (int place = 0; place < _buckets.Length; place++)
            {
                if (Volatile.Read(ref _buckets[place]) is { } buckets) Sum(buckets, sum.BucketsAt(place));
            }
            Sum(_ticks, sum.Ticks);
            Sum(_results, sum.Results);
            Sum(_resultBytes, sum.ResultBytes);
            Sum(_originResults, sum.OriginResults);
            sum.Cut += Volatile.Read(ref _cut);
        }

        // Most of the pairs of method and status never come.
        private long[] Make(int place)
        {
            long[] made = new long[Buckets];
            Volatile.Write(ref _buckets[place], made);
            return made;
        }

        private static void Add(ref long number, long more) => Volatile.Write(ref number, number + more);

        private static void Sum(long[] from, long[] to)
        {
            for (int index = 0; index < from.Length; index++) to[index] += Volatile.Read(ref from[index]);
        }
    }
}

/// <summary>What <see cref="RequestNumbers"/> had counted at one moment.</summary>
public sealed class RequestCounts(int origins = 0)
{
    internal const int Places = ((int)Method.Post + 1) * RequestNumbers.Classes;

    private readonly long[][] _buckets =
        [.. Enumerable.Range(0, Places).Select(_ => new long[RequestNumbers.Buckets])];

    /// <summary>How many answers were cut: the client left, was too slow, or the bytes could not be had.</summary>
    public long Cut { get; internal set; }

    /// <summary>How many requests there were.</summary>
    public long Requests => Results.Sum();

    /// <summary>How many bytes of bodies left.</summary>
    public long BodyBytes => ResultBytes.Sum();

    internal long[] Ticks { get; } = new long[Places];

    internal long[] Results { get; } = new long[CacheResultWords.Count];

    /// <summary>How many of them were answered with a status of 500 and above.</summary>
    public long Errors =>
        Enumerable.Range(0, (int)Method.Post + 1).Sum(method => RequestsOf((Method)method, statusClass: 5));

    /// <summary>How many requests a copy answered.</summary>
    public long Hits => HitsIn(Results);

    /// <summary>For how many an origin, or another cache, was asked.</summary>
    public long Misses => MissesIn(Results);

    /// <summary>How many bytes of bodies left in those in which a cache had a part.</summary>
    public long CachedBytes => BodyBytes - BodyBytesOf(CacheResult.None);

    internal long[] ResultBytes { get; } = new long[CacheResultWords.Count];

    internal long[] OriginResults { get; } = new long[origins * CacheResultWords.Count];

    /// <summary>How many requests there were of a method with a class of statuses: 2 for 200 to 299, 0 for those whose
    /// client left before an answer began.</summary>
    public long RequestsOf(Method method, int statusClass) => BucketsOf(method, statusClass).ToArray().Sum();

    /// <summary>How many of these took how long, by <see cref="RequestNumbers.BucketBounds"/>.</summary>
    public ReadOnlySpan<long> BucketsOf(Method method, int statusClass) =>
        _buckets[RequestNumbers.PlaceOf(method, statusClass)];

    /// <summary>How long these took together.</summary>
    public TimeSpan DurationOf(Method method, int statusClass) =>
        new(Ticks[RequestNumbers.PlaceOf(method, statusClass)]);

    /// <summary>In how many requests a cache had that part.</summary>
    public long RequestsOf(CacheResult result) => Results[(int)result];

    /// <summary>How many bytes of bodies left in these.</summary>
    public long BodyBytesOf(CacheResult result) => ResultBytes[(int)result];

    /// <summary>How many requests for an origin a copy answered.</summary>
    public long HitsOf(int origin) => HitsIn(ResultsOf(origin));

    /// <summary>For how many of an origin it, or another cache, was asked.</summary>
    public long MissesOf(int origin) => MissesIn(ResultsOf(origin));

    internal long[] BucketsAt(int place) => _buckets[place];

    private ReadOnlySpan<long> ResultsOf(int origin) =>
        OriginResults.AsSpan(origin * CacheResultWords.Count, CacheResultWords.Count);

    private static long HitsIn(ReadOnlySpan<long> results) =>
        results[(int)CacheResult.Hit] + results[(int)CacheResult.Stale];

    private static long MissesIn(ReadOnlySpan<long> results)
    {
        long all = 0;
        foreach (long result in results) all += result;
        return all - HitsIn(results) - results[(int)CacheResult.None];
    }
}
