using MicroCdn.Storage;

namespace MicroCdn.Content.Publishing;

/// <summary>Writes down what is published here: a group of changes is durable as a whole before it is true, or it never
/// was.</summary>
/// <remarks>
/// <para>Think of a counter with one clerk. Whoever wants something changed waits in line; the clerk takes those who
/// stand there, decides for each what it comes to as things are, writes it all with one stroke, and only then makes it
/// true and lets them go. Two in one stroke must not decide about the same name or blob: the second has to see what the
/// first did, so he waits for the next stroke.</para>
/// </remarks>
/// <param name="path">The log's file.</param>
/// <param name="health">Whether it may be written.</param>
/// <param name="atDisk">Runs the clerk, who waits for the disk again and again.</param>
internal sealed class PublishingLog(string path, StoreHealth health, Func<Action, Task> atDisk)
{
    // Ten million names with their blobs take some two.
    private const long MostBytes = 8L << 30;

    // A log that has grown to twice of what it has to say, and by this, is written anew.
    private const long SpareBytes = 16 << 20;

    // One stroke holds up whoever comes meanwhile.
    private const int MostRecords = 20_000;

    private readonly RecordLog _log = new(path, health, MostBytes);
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiting> _line = [];
    private long _compactBytes;
    private bool _isAtWork;

    /// <summary>What the log has to say now, for writing it anew; called by the clerk alone.</summary>
    public Func<IEnumerable<PublishingRecord>> Everything { get; init; } = () => [];

    /// <summary>True when the end of the log could not be read: something was lost.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Hands over what was written down, group after group; once, before anything is written.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Load(Action<PublishingRecord> take)
    {
        List<PublishingRecord> group = [];
        bool isTorn = false;
        _log.Read(bytes =>
        {
            if (!PublishingRecord.TryRead(bytes, out PublishingRecord record, out bool more))
            {
                isTorn = true;
                group.Clear();
                return;
            }
            group.Add(record);
            if (more) return;
            group.ForEach(take);
            group.Clear();
        });
        IsDamaged = isTorn || _log.IsCut;
        _compactBytes = _log.Length;
        // What is written next would belong to a group that was never finished.
        if (group.Count > 0) WriteAnew();
    }

    /// <summary>Has a group of changes decided, written and made true.</summary>
    /// <param name="touches">The names, as text, and the digests that it decides about; none when it may be
    /// any.</param>
    /// <param name="decide">What is to be written; nothing when there is nothing to change.</param>
    /// <param name="apply">Makes it true; called when it is durable, also for nothing.</param>
    /// <exception cref="IOException">The disk refused; nothing is changed.</exception>
    public Task ChangeAsync(IReadOnlyCollection<object> touches, Func<IReadOnlyList<PublishingRecord>> decide,
        Action<IReadOnlyList<PublishingRecord>> apply)
    {
        Waiting waiting = new(touches, decide, apply);
        lock (_lock)
        {
            _line.AddLast(waiting);
            if (_isAtWork) return waiting.Done.Task;
            _isAtWork = true;
        }
        _ = atDisk(Work);
        return waiting.Done.Task;
    }

    private void Work()
    {
        while (true)
        {
            List<Waiting> stroke = NextStroke();
            if (stroke.Count == 0) return;
            try
            {
                List<byte[]> records = [];
                foreach (Waiting one in stroke)
                {
                    one.Records = one.Decide();
                    records.AddRange(one.Records.Select((record, at) => record.ToBytes(at < one.Records.Count - 1)));
                }
                if (records.Count > 0) _log.Append(records);
            }
            catch (Exception exception)
            {
                foreach (Waiting one in stroke) one.Done.TrySetException(exception);
                continue;
            }
            foreach (Waiting one in stroke)
            {
                one.Apply(one.Records);
                one.Done.TrySetResult();
            }
            if (_log.Length > (2 * _compactBytes) + SpareBytes) TryWriteAnew();
        }
    }

    private List<Waiting> NextStroke()
    {
        List<Waiting> stroke = [];
        HashSet<object> touched = [];
        int records = 0;
        lock (_lock)
        {
            while (_line.First is { Value: var first } && records < MostRecords && !touched.Overlaps(first.Touches))
            {
                bool isAlone = first.Touches.Count == 0;
                if (isAlone && stroke.Count > 0) break;
                touched.UnionWith(first.Touches);
                records += first.Touches.Count;
                stroke.Add(first);
                _line.RemoveFirst();
                if (isAlone) break;
            }
            _isAtWork = stroke.Count > 0;
        }
        return stroke;
    }

    // When there is no room for it the old one, which says the same, stays.
    private void TryWriteAnew()
    {
        try
        {
            WriteAnew();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _compactBytes = _log.Length;
        }
    }

    private void WriteAnew()
    {
        _log.Replace(Everything().Select(record => record.ToBytes(more: false)));
        _compactBytes = _log.Length;
    }

    private sealed class Waiting(IReadOnlyCollection<object> touches, Func<IReadOnlyList<PublishingRecord>> decide,
        Action<IReadOnlyList<PublishingRecord>> apply)
    {
        public IReadOnlyCollection<object> Touches => touches;

        public Func<IReadOnlyList<PublishingRecord>> Decide => decide;

        public Action<IReadOnlyList<PublishingRecord>> Apply => apply;

        public IReadOnlyList<PublishingRecord> Records { get; set; } = [];

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
