using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

/// <summary>One stored response to a key: its head, and what there is of its body.</summary>
/// <remarks>Safe from any thread. Whoever has one may use it even when it has left the store by then; only
/// <see cref="Open"/> says null once its file is gone.</remarks>
public sealed class Copy : Evictable
{
    private readonly CacheStore _store;
    private volatile CopyState _state;
    private volatile Segment[] _segments;
    private volatile SharedFile? _file;
    private int _persisting;
    private long _judgement = -1;

    internal Copy(CacheStore store, Entry entry, CacheKey key, CopyState state, long length, int bodyOffset)
        : base(entry.Hash)
    {
        (_store, Entry, Key, _state, Length, BodyOffset) = (store, entry, key, state, length, bodyOffset);
        _segments = [];
    }

    /// <summary>What it is a copy of.</summary>
    public CacheKey Key { get; }

    /// <summary>Head and what goes with it, as one: read it once for one request.</summary>
    public CopyState State => _state;

    /// <summary>The head as it is now.</summary>
    public StoredHead Head => _state.Head;

    /// <summary>Length of the complete body.</summary>
    public long Length { get; }

    /// <summary>Which bytes of the body are there.</summary>
    public ByteSet Present => _state.Present;

    /// <summary>True when the whole body is there.</summary>
    public bool IsComplete => Length == 0 || Present.Available(0) == Length;

    /// <summary>Where in its file the body begins.</summary>
    public int BodyOffset { get; internal set; }

    /// <summary>What purges have made of it; where it is <see cref="PurgeState.Gone"/> it must not be used.</summary>
    public PurgeState PurgeState
    {
        get
        {
            if (Entry.IsInvalid) return PurgeState.Gone;
            // What was found out holds until the next purge, or until the copy is validated.
            long latest = _store.Purges.Latest, judgement = Volatile.Read(ref _judgement);
            if (judgement >> 2 == latest) return (PurgeState)(judgement & 3);
            CopyState state = _state;
            PurgeState found = _store.Purges.Judge(Key, state.Tags, state.Sequence);
            if (state.IsSoftPurged && found == PurgeState.Valid) found = PurgeState.Soft;
            // Both in one word, so that no thread sees the one of an older purge beside the other of a newer.
            if (ReferenceEquals(state, _state)) Volatile.Write(ref _judgement, (latest << 2) | (long)found);
            return found;
        }
    }

    internal Entry Entry { get; }

    internal long TailLength { get; set; }

    internal long SnapshotLength { get; set; }

    internal bool OpenedLately { get; set; }

    /// <summary>The bytes from an offset on, as far as they lie in memory in one piece.</summary>
    public bool TryMemory(long offset, long length, out ReadOnlyMemory<byte> bytes)
    {
        foreach (Segment segment in _segments)
        {
            if (offset < segment.Offset || offset + length > segment.Offset + segment.Bytes.Length) continue;
            bytes = segment.Bytes.AsMemory((int)(offset - segment.Offset), (int)length);
            return true;
        }
        bytes = default;
        return length == 0;
    }

    /// <summary>Its file, held once for the caller, who releases it; null when there is none, or none any more. Bytes
    /// of the body stand at <see cref="BodyOffset"/> and their own offset. It may open a file.</summary>
    public SharedFile? Open() => HoldOpen() ?? _store.OpenFile(this);

    /// <summary>The same, without waiting for the disk: null too when its file is not open just now.</summary>
    public SharedFile? HoldOpen()
    {
        OpenedLately = true;
        return _file is { } file && file.TryHold() ? file : null;
    }

    /// <summary>True when its bytes are neither in memory nor on the disk any more: somebody took the file away, or it
    /// left the store. It may open a file.</summary>
    public bool IsLost
    {
        get
        {
            if (_segments.Length > 0 || State.Present.Bytes == 0) return false;
            SharedFile? open = Open();
            open?.Release();
            // On a disk that keeps others waiting nobody looked.
            return open is null && !Entry.IsIn;
        }
    }

    internal void Change(CopyState state)
    {
        _state = state;
        Volatile.Write(ref _judgement, -1);
    }

    internal void Hold(params Segment[] segments) => _segments = segments;

    internal void AddSegment(Segment segment) =>
        _segments = [.. _segments.Append(segment).OrderBy(one => one.Offset)];

    internal ReadOnlySpan<Segment> Segments => _segments;

    // The shelf of open files holds it once.
    internal SharedFile? ExchangeFile(SharedFile? file) => Interlocked.Exchange(ref _file, file);

    internal bool HasFile => _file is not null;

    internal bool ClaimPersisting() => Interlocked.Exchange(ref _persisting, 1) == 0;

    internal void EndPersisting() => Volatile.Write(ref _persisting, 0);

    // What it takes of memory; 400 bytes for the objects around head and body.
    internal long MemoryWeight()
    {
        CopyState state = _state;
        long bytes = 400 + (2L * Key.Text.Length) + state.Head.Fields.Bytes.Length + state.Head.Selecting.Bytes.Length;
        foreach (Segment segment in _segments) bytes += segment.Bytes.Length + 64;
        return bytes;
    }
}

/// <summary>Head, number and present bytes of a copy, which change together.</summary>
public sealed class CopyState
{
    private object? _rules;
    private string[]? _tags;

    internal CopyState(StoredHead head, long sequence, ByteSet present) =>
        (Head, Sequence, Present) = (head, sequence, present);

    /// <summary>The head.</summary>
    public StoredHead Head { get; }

    /// <summary>The number of the moment when the origin was last asked.</summary>
    public long Sequence { get; }

    /// <summary>Which bytes of the body are there.</summary>
    public ByteSet Present { get; }

    /// <summary>What somebody worked out of the head, to be found again as long as it is the head.</summary>
    public object? Rules
    {
        get => Volatile.Read(ref _rules);
        set => Volatile.Write(ref _rules, value);
    }

    internal CopyState With(ByteSet present) =>
        new(Head, Sequence, present) { IsSoftPurged = IsSoftPurged, _rules = _rules, _tags = _tags };

    internal CopyState AsSoftPurged() =>
        new(Head, Sequence, Present) { IsSoftPurged = true, _rules = _rules, _tags = _tags };

    internal string[] Tags => _tags ??= Store.Tags.Of(Head.Fields);

    // A soft purge that was swept, and forgotten by the purges.
    internal bool IsSoftPurged { get; init; }
}

/// <summary>Some bytes of a body in memory.</summary>
internal readonly record struct Segment(long Offset, byte[] Bytes);

/// <summary>All copies of one key: its variants.</summary>
public sealed class CopySet
{
    private readonly Copy[] _copies;

    internal CopySet(Copy[] copies) => _copies = copies;

    /// <summary>No copy.</summary>
    public static CopySet Empty { get; } = new([]);

    /// <summary>The copies, the newest first.</summary>
    public ReadOnlySpan<Copy> Copies => _copies;
}
