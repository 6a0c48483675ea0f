using MicroCdn.Network;

namespace MicroCdn.Http.Exchanges;

/// <summary>Where the lines of a log go; called by one thread at a time, which may wait for it.</summary>
public interface ILogSink
{
    /// <summary>Writes bytes down: whole lines, or the two halves of one, one after the other.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Goes on in what now stands under the log's name.</summary>
    /// <exception cref="IOException">It cannot be opened; what was open stays so.</exception>
    void Reopen();
}

/// <summary>Writes a line for each request.</summary>
/// <remarks>
/// Each event loop puts its lines into a ring of its own, and a thread writes them down from there: nobody who serves
/// waits for a disk. When that thread falls behind, lines are dropped, counted, and the count is told.
/// </remarks>
public sealed class AccessLog : IExchangeListener, IDisposable
{
    /// <summary>The size of each loop's ring: at 150,000 requests a second what one loop tells in 50 ms. Twice that
    /// is less than what one TLS connection may hold.</summary>
    public const int RingBytes = 1 << 20;

    private const int TellMilliseconds = 10_000;

    // Lines are gathered that long; whoever follows the log does not notice.
    private const int GatherMilliseconds = 100;

    // A loop does not wait for the processor to be sure that the thread is awake: at worst a line waits that long.
    private const int SleepMilliseconds = 1_000;

    private const int EndMilliseconds = 5_000;

    private readonly ILogSink _sink;
    private readonly LogForm _form;
    private readonly Complaints _complaints;
    private readonly TimeProvider _time;
    private readonly ThreadLocal<Lines> _lines;
    private readonly AutoResetEvent _first = new(false);
    private readonly AutoResetEvent _urgent = new(false);
    private Thread? _thread;
    private volatile bool _sleeps;
    private volatile bool _isReopened;
    private volatile bool _ends;
    private long _lost;
    private long _told;
    private long _toldAt;
    private string _reason = "";

    /// <summary>A log that writes nothing before it is started.</summary>
    /// <param name="sink">Where the lines go.</param>
    /// <param name="form">What they look like.</param>
    /// <param name="complaints">Hears when some are missing.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ringBytes">The size of each loop's ring.</param>
    public AccessLog(
        ILogSink sink, LogForm form, Complaints complaints, TimeProvider time, int ringBytes = RingBytes)
    {
        (_sink, _form, _complaints, _time) = (sink, form, complaints, time);
        _lines = new(() => new Lines(new LineRing(ringBytes), new LineClock(time, form.TimePattern)),
            trackAllValues: true);
        _toldAt = time.GetTimestamp() - (TellMilliseconds * time.TimestampFrequency);
    }

    /// <summary>How many requests are missing in the log.</summary>
    public long Missing => _lost + _lines.Values.Sum(lines => lines.Ring.Dropped);

    /// <summary>Starts the thread that writes.</summary>
    public void Start()
    {
        _thread = new Thread(Run) { Name = "access-log", IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Ended(Exchange exchange)
    {
        Lines lines = _lines.Value!;
        int length = _form.Write(exchange, lines.Clock.At(exchange.EndedAt), lines.Draft);
        bool isUrgent = lines.Ring.Add(lines.Draft.AsSpan(0, length));
        if (_sleeps) _first.Set();
        // Said once for each stretch: a loop does not call the kernel for every line of a full ring.
        if (isUrgent && !lines.SaidUrgent) _urgent.Set();
        lines.SaidUrgent = isUrgent;
    }

    /// <summary>Has the log go on in what now stands under its name; from any thread.</summary>
    public void Reopen()
    {
        _isReopened = true;
        _first.Set();
        _urgent.Set();
    }

    /// <summary>Writes what is there, and ends.</summary>
    public void Dispose()
    {
        _ends = true;
        _first.Set();
        _urgent.Set();
        // A disk that hangs must not keep the process.
        _thread?.Join(EndMilliseconds);
    }

    /// <summary>Writes down what is there now.</summary>
    internal void Drain()
    {
        if (_isReopened) TryReopen();
        foreach (Lines lines in _lines.Values) Drain(lines.Ring);
        long missing = Missing;
        bool isDue = _time.GetElapsedTime(_toldAt).TotalMilliseconds >= TellMilliseconds;
        if (missing == _told || !isDue) return;
        _complaints.Add($"requests that are missing in the access log: {missing - _told}; "
            + (_reason.Length > 0 ? _reason : "it could not be written as fast as they came"));
        (_told, _toldAt, _reason) = (missing, _time.GetTimestamp(), "");
    }

    private void Run()
    {
        while (!_ends)
        {
            _sleeps = true;
            if (!_isReopened && _lines.Values.All(lines => lines.Ring.Held == 0)) _first.WaitOne(SleepMilliseconds);
            _sleeps = false;
            if (!_ends && !_isReopened) _urgent.WaitOne(GatherMilliseconds);
            Drain();
        }
        Drain();
    }

    // A line that goes around the end of the ring is its last piece and the first of the next.
    private void Drain(LineRing ring)
    {
        long end = ring.Added;
        for (int pieces = 0; pieces < 2; pieces++)
        {
            ReadOnlySpan<byte> piece = ring.Next(end);
            if (piece.IsEmpty) return;
            try
            {
                _sink.Write(piece);
            }
            // The sink may be closed under a write that took too long at the end.
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                _lost += piece.Count((byte)'\n');
                _reason = exception.Message;
            }
            ring.Take(piece.Length);
        }
    }

    private void TryReopen()
    {
        _isReopened = false;
        try
        {
            _sink.Reopen();
        }
        catch (IOException exception)
        {
            _complaints.Add($"the access log goes on in the file that it had: {exception.Message}");
        }
    }

    // What one loop needs.
    private sealed class Lines(LineRing ring, LineClock clock)
    {
        public LineRing Ring => ring;

        public LineClock Clock => clock;

        public byte[] Draft { get; } = new byte[LogForm.MostBytes];

        public bool SaidUrgent { get; set; }
    }
}
