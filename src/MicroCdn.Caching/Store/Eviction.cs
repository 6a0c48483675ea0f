namespace MicroCdn.Caching.Store;

/// <summary>Chooses what leaves when there is no room: S3-FIFO (Yang and others, SOSP 2023), weighted by
/// bytes.</summary>
/// <remarks>
/// <para>Think of a shop that puts what is new into a small window, a tenth of its room. What nobody asks for twice
/// while it stands there goes, and only its name is remembered for a while; what was asked for moves to the main
/// shelves, and so does what comes back while its name is still remembered. On the main shelves things go round: what
/// was asked for since the last round stays, at most for three more rounds. Most URLs are asked for once, so most of
/// what leaves has never used more than the window.</para>
/// <para>Pure: it is told of everything that enters, is used and leaves, and its owner, who holds a lock, says when
/// room is needed.</para>
/// </remarks>
/// <param name="capacity">The bytes that there is room for.</param>
internal sealed class Eviction<T>(long capacity) where T : Evictable
{
    // As in the paper, but that one use in the window is enough: on a trace that drifts two lose a little.
    private const int SmallShare = 10;
    private const byte MostUses = 3, UsesToStay = 1;

    private readonly Queue _small = new(), _main = new();
    private readonly Ghosts _ghosts = new(capacity - (capacity / SmallShare));

    /// <summary>The bytes of everything that is in.</summary>
    public long Bytes => _small.Bytes + _main.Bytes;

    /// <summary>How many things are in.</summary>
    public int Count => _small.Count + _main.Count;

    /// <summary>How many things had to leave.</summary>
    public long Evicted { get; private set; }

    /// <summary>Bytes of what is new.</summary>
    public long SmallBytes => _small.Bytes;

    /// <summary>Notes a use. Without the owner's lock: a count that is lost in a race costs nothing.</summary>
    public static void Use(T item)
    {
        if (item.Uses < MostUses) item.Uses++;
    }

    /// <summary>True when something of this hash left not long ago.</summary>
    public bool IsRemembered(ulong hash) => _ghosts.Has(hash);

    /// <summary>Remembers something that was never in, as if it had just left.</summary>
    public void Remember(ulong hash, long weight) => _ghosts.Add(hash, weight);

    /// <summary>Takes something in that is not in.</summary>
    /// <param name="item">The thing.</param>
    /// <param name="weight">Its bytes; 1 or more.</param>
    /// <param name="isProven">True for what is known to be wanted.</param>
    public void Add(T item, long weight, bool isProven = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(weight);
        item.Weight = weight;
        item.Uses = 0;
        Enter(isProven || _ghosts.Take(item.Hash) ? _main : _small, item);
    }

    /// <summary>Notes that a thing, which may be in or not, has another weight.</summary>
    public static void Reweigh(T item, long weight)
    {
        if (item.Where is { } queue) queue.Bytes += weight - item.Weight;
        item.Weight = weight;
    }

    /// <summary>Takes a thing out that left for another reason; false when it was not in.</summary>
    public static bool Remove(T item)
    {
        if (item.Where is not { } queue) return false;
        queue.Remove(item);
        return true;
    }

    /// <summary>Takes out what should leave next; null when nothing is in.</summary>
    public T? Evict()
    {
        T? left = Next();
        if (left is not null) Evicted++;
        return left;
    }

    private T? Next()
    {
        while (Count > 0)
        {
            if (_main.Count == 0 || (_small.Count > 0 && _small.Bytes * SmallShare > capacity))
            {
                T oldest = (T)_small.Oldest!;
                _small.Remove(oldest);
                if (oldest.Uses < UsesToStay)
                {
                    _ghosts.Add(oldest.Hash, oldest.Weight);
                    return oldest;
                }
                oldest.Uses = 0;
                Enter(_main, oldest);
                continue;
            }
            T turn = (T)_main.Oldest!;
            _main.Remove(turn);
            if (turn.Uses == 0) return turn;
            turn.Uses--;
            Enter(_main, turn);
        }
        return null;
    }

    private static void Enter(Queue queue, T item) => queue.Add(item);
}

/// <summary>Something that may have to leave.</summary>
/// <param name="hash">Tells its key from most others.</param>
public abstract class Evictable(ulong hash)
{
    internal ulong Hash { get; } = hash;

    internal long Weight { get; set; }

    internal byte Uses { get; set; }

    internal Queue? Where { get; set; }

    internal Evictable? Older { get; set; }

    internal Evictable? Newer { get; set; }
}

/// <summary>Things in the order in which they came, linked through themselves, so that one is taken out of the middle
/// at no cost.</summary>
internal sealed class Queue
{
    private Evictable? _newest;

    public long Bytes { get; set; }

    public int Count { get; private set; }

    public Evictable? Oldest { get; private set; }

    public void Add(Evictable item)
    {
        (item.Where, item.Older, item.Newer) = (this, _newest, null);
        if (_newest is null) Oldest = item;
        else _newest.Newer = item;
        _newest = item;
        Bytes += item.Weight;
        Count++;
    }

    public void Remove(Evictable item)
    {
        if (item.Older is null) Oldest = item.Newer;
        else item.Older.Newer = item.Newer;
        if (item.Newer is null) _newest = item.Older;
        else item.Newer.Older = item.Older;
        (item.Where, item.Older, item.Newer) = (null, null, null);
        Bytes -= item.Weight;
        Count--;
    }
}
