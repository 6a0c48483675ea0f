using System.Buffers.Binary;
using System.IO.Hashing;

namespace MicroCdn.Caching.Store;

/// <summary>Numbers everything that happens to a store, over all its starts, and knows which writings may not have
/// survived a power cut.</summary>
/// <remarks>A start takes a block of numbers and has that written down before it uses the first. Should that be lost,
/// the clock takes its place: a block is worth a quarter of an hour, and <see cref="MostStarts"/> blocks are left
/// out, one for each start that may have run ahead of the clock. What an earlier start wrote after its last sync is
/// in doubt for good, since nobody may have looked at it when the next power cut comes.</remarks>
internal sealed class Numbers
{
    /// <summary>How many numbers a start may use: a million a second for twelve days, and no disk writes so
    /// fast.</summary>
    public const long Block = 1L << 40;

    private const int MostStarts = 1024;

    // Each is an end without a last sync. Past that the two oldest become one, and what lies between them is doubted.
    private const int MostDoubts = 64;
    private const int FixedBytes = 40, ClockBits = 20;

    private readonly Lock _lock = new();
    private readonly SortedSet<long> _writing = [];
    private readonly List<(long After, long UpTo)> _doubts = [];
    private long _last;
    private volatile bool _isOpen = true;

    private Numbers(long born, long used) => (Born, Synced, UsedBefore, _last) = (born, born, used, born);

    /// <summary>The number of this start.</summary>
    public long Born { get; }

    /// <summary>Of this start, everything that was written up to this number survives a power cut.</summary>
    public long Synced { get; private set; }

    /// <summary>The bytes that were taken from the disk when this was last written down.</summary>
    public long UsedBefore { get; }

    /// <summary>The last number that was given out.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>Begins a start.</summary>
    /// <param name="state">What <see cref="State"/> made last, in an earlier start; empty for the first.</param>
    /// <param name="now">The time.</param>
    public static Numbers Start(ReadOnlySpan<byte> state, DateTimeOffset now)
    {
        bool isSound = state.Length >= FixedBytes && state.Length % 16 == FixedBytes % 16
            && BinaryPrimitives.ReadUInt64LittleEndian(state) == XxHash3.HashToUInt64(state[8..]);
        long before = isSound ? BinaryPrimitives.ReadInt64LittleEndian(state[8..]) : 0;
        long synced = isSound ? BinaryPrimitives.ReadInt64LittleEndian(state[16..]) : 0;
        long used = isSound ? BinaryPrimitives.ReadInt64LittleEndian(state[24..]) : 0;
        long clock = Math.Clamp(now.ToUnixTimeMilliseconds(), 0, long.MaxValue >> (ClockBits + 1)) << ClockBits;
        long born = isSound ? Math.Max(before + Block, clock) : clock + (Block * MostStarts);
        Numbers numbers = new(born + 1, used);
        for (int at = FixedBytes; isSound && at < state.Length; at += 16)
        {
            numbers._doubts.Add((BinaryPrimitives.ReadInt64LittleEndian(state[at..]),
                BinaryPrimitives.ReadInt64LittleEndian(state[(at + 8)..])));
        }
        if (!isSound || synced < before + Block) numbers.Doubt(synced, numbers.Born);
        return numbers;
    }

    /// <summary>The next number.</summary>
    public long Next() => Interlocked.Increment(ref _last);

    /// <summary>True when something may be written.</summary>
    public bool IsOpen => _isOpen;

    /// <summary>Says that something may be written: the start was written down.</summary>
    public void Open() => _isOpen = true;

    /// <summary>Says that nothing is written any more; false when something still is.</summary>
    public bool Close()
    {
        lock (_lock)
        {
            _isOpen = false;
            return _writing.Count == 0;
        }
    }

    /// <summary>A number for something that is being written; <see cref="EndWrite"/> is due.</summary>
    /// <exception cref="IOException">Nothing may be written: the start could not be written down, or is
    /// over.</exception>
    public long BeginWrite()
    {
        lock (_lock)
        {
            if (!_isOpen) throw new IOException("the cache does not write to its disk now");
            long number = Next();
            _writing.Add(number);
            return number;
        }
    }

    /// <summary>Says that it is written, or never will be.</summary>
    public void EndWrite(long number)
    {
        lock (_lock) _writing.Remove(number);
    }

    /// <summary>The number up to which nothing is being written any more.</summary>
    public long Horizon()
    {
        lock (_lock) return _writing.Count == 0 ? Last : _writing.Min - 1;
    }

    /// <summary>True for what may be torn, since an earlier start wrote it and did not sync any more.</summary>
    public bool IsDoubtful(long written) => _doubts.Exists(one => written > one.After && written <= one.UpTo);

    /// <summary>Notes that everything up to a number survives, and makes what is to be written down.</summary>
    /// <param name="synced">The number; <see cref="Born"/> and a <see cref="Block"/> at an end in good order.</param>
    /// <param name="used">The bytes that are taken from the disk.</param>
    public byte[] State(long synced, long used)
    {
        Synced = synced;
        byte[] state = new byte[FixedBytes + (16 * _doubts.Count)];
        BinaryPrimitives.WriteInt64LittleEndian(state.AsSpan(8), Born);
        BinaryPrimitives.WriteInt64LittleEndian(state.AsSpan(16), synced);
        BinaryPrimitives.WriteInt64LittleEndian(state.AsSpan(24), used);
        "MCDNsta1"u8.CopyTo(state.AsSpan(32));
        foreach ((int index, (long after, long upTo)) in _doubts.Index())
        {
            BinaryPrimitives.WriteInt64LittleEndian(state.AsSpan(FixedBytes + (16 * index)), after);
            BinaryPrimitives.WriteInt64LittleEndian(state.AsSpan(FixedBytes + (16 * index) + 8), upTo);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(state, XxHash3.HashToUInt64(state.AsSpan(8)));
        return state;
    }

    private void Doubt(long after, long upTo)
    {
        _doubts.Add((after, upTo));
        if (_doubts.Count <= MostDoubts) return;
        _doubts[1] = (_doubts[0].After, _doubts[1].UpTo);
        _doubts.RemoveAt(0);
    }
}
