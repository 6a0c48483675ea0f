using System.Buffers;
using System.Collections.Concurrent;

namespace MicroCdn.Network;

/// <summary>What one connection is still to be sent: text first, then perhaps a file or a long list.</summary>
/// <remarks>
/// A buffer is held only while something is unsent, so an idle connection costs none. Text is bounded by the buffer:
/// the conversation stops taking lines while the answer is <see cref="IsFull"/>.
/// </remarks>
public sealed class Answer : IBufferWriter<byte>
{
    /// <summary>The most that one line, or one call of <see cref="ILineSource.Write"/>, may add: a quarter of the
    /// buffer.</summary>
    public const int PieceBytes = BufferPool.Size / 4;

    /// <summary>The longest part of a file that is read whole before its header leaves, where there is room.</summary>
    /// <remarks>Below this size that was measured cheaper than sendfile, at it equal, and at 32 KiB dearer by 40 %.
    /// The file's state can be checked before the first byte leaves.</remarks>
    public const int CopiedBytes = BufferPool.Size / 8;

    // What may stand around a piece: the size of a chunk and its ends.
    private const int FramingBytes = 32;

    // Words in between are hints: a peer that does not read them does without.
    private const int MostAsides = 8;

    // Of a larger part this much is held back until the file's state is checked once more: as much as leaves in one
    // segment anyway, so that the check costs no packet of its own.
    private const int TailBytes = 64 * 1024;

    // Of a long file it is told so often how much has left: who looks wants to see a download while it runs.
    private const long ToldBytes = 1 << 20;

    private readonly BufferPool _pool;
    private readonly Action? _completed;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private Action<Answer>? _later;
    private ConcurrentQueue<byte[]>? _asides;
    private IDisposable? _preparation;
    private bool _starved;
    private long _tail;
    private long _fileSent;

    internal Answer(BufferPool pool, Action? completed)
    {
        _pool = pool;
        _completed = completed;
    }

    /// <summary>True once the connection is to be closed after what is unsent.</summary>
    public bool Closing { get; private set; }

    /// <summary>True when something could not be sent to its end: the connection must be closed short.</summary>
    public bool Broken { get; private set; }

    /// <summary>True when the end of the connection is all that tells the end of what is sent: a broken one must not
    /// end in order.</summary>
    public bool EndsWithConnection { get; set; }

    internal ReadOnlySpan<byte> Unsent => _buffer.AsSpan(_start, _end - _start);

    internal bool HasText => _end > _start;

    /// <summary>How much text is unsent, in bytes.</summary>
    public int UnsentBytes => _end - _start;

    internal IFileSource? File { get; private set; }

    internal long FileOffset { get; private set; }

    internal long FileLeft { get; private set; }

    /// <summary>How many bytes of a file are still to be sent.</summary>
    public long UnsentFileBytes => File is null ? 0 : FileLeft + _tail;

    internal ILineSource? Source { get; private set; }

    /// <summary>True while anything is unsent.</summary>
    public bool IsPending => HasText || File is not null || Source is not null;

    /// <summary>True while all that its source had is sent: the source is waited for, not the peer.</summary>
    public bool Starves => _starved && Source is not null && File is null && !HasText;

    // True when some of what is unsent can leave now.
    internal bool IsReady => IsPending && !Starves;

    /// <summary>How much text may still be added, in bytes, as things stand.</summary>
    public int Room => Capacity - _end;

    /// <summary>How many bytes of all that was ever to be sent were taken by whoever sends them.</summary>
    public long SentBytes { get; private set; }

    /// <summary>Called, on the connection's own thread, when bytes were taken, and when some will not be: for who has
    /// to know when an answer has left.</summary>
    public Action? Moved { get; set; }

    internal BufferPool Pool => _pool;

    internal bool IsFull => _end > BufferPool.Size - PieceBytes;

    // One that was shrunk takes nothing more; one that grew has more room.
    private int Capacity => _buffer is { Length: > BufferPool.Size } ? _buffer.Length : BufferPool.Size;

    /// <summary>True while a postponed answer is still to be given.</summary>
    public bool Waits { get; private set; }

    /// <summary>True while no further line may be taken.</summary>
    internal bool Blocks => Closing || Broken || File is not null || Source is not null || IsFull || Waits;

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        _buffer ??= _pool.Rent();
        return _buffer.AsSpan(_end);
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        _buffer ??= _pool.Rent();
        return _buffer.AsMemory(_end);
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(Capacity - _end));
        _end += count;
    }

    /// <summary>Appends text; a line adds at most <see cref="PieceBytes"/>.</summary>
    public void Write(ReadOnlySpan<byte> text)
    {
        text.CopyTo(GetSpan());
        Advance(text.Length);
    }

    /// <summary>Makes room for that many more bytes, be it more than a buffer holds: for a long head.</summary>
    public void Reserve(int bytes)
    {
        if (bytes <= Room) return;
        byte[] larger = GC.AllocateUninitializedArray<byte>(Math.Max(BufferPool.Size + 1, UnsentBytes + bytes));
        int unsent = UnsentBytes;
        Unsent.CopyTo(larger);
        if (_buffer is not null) GiveBack(_buffer);
        (_buffer, _start, _end) = (larger, 0, unsent);
    }

    /// <summary>Writes over text that is unsent: a number that is known only once what it counts is written.</summary>
    /// <param name="at">How many unsent bytes stand before it.</param>
    /// <param name="text">The text.</param>
    public void Overwrite(int at, ReadOnlySpan<byte> text) => text.CopyTo(_buffer.AsSpan(_start + at, text.Length));

    /// <summary>Appends a header and then part of a file.</summary>
    /// <returns>False, with nothing appended and the file not taken, when the file cannot be read as
    /// announced.</returns>
    public bool SendFile(ReadOnlySpan<byte> header, IFileSource file, long offset, long length)
    {
        if (length > CopiedBytes || header.Length + length > Room)
        {
            if (!file.Unchanged()) return false;
            Write(header);
            _tail = file.MayChange && length > TailBytes ? TailBytes : 0;
            (File, FileOffset, FileLeft, _fileSent) = (file, offset, length - _tail, 0);
            return true;
        }
        int before = _end;
        Write(header);
        if (Copy(file, offset, (int)length))
        {
            file.Sent(length);
            file.Release();
            return true;
        }
        _end = before;
        return false;
    }

    /// <summary>Takes back text written since <see cref="UnsentBytes"/> was the given number; nothing may have been
    /// sent meanwhile.</summary>
    public void TakeBack(int unsentBytes) => _end = _start + unsentBytes;

    /// <summary>Sends a long list; no further line is taken until it is through.</summary>
    public void SendList(ILineSource source) => Source = source;

    /// <summary>Closes the connection once everything is sent.</summary>
    public void Close() => Closing = true;

    /// <summary>Postpones the answer: no further line is taken until one of the <c>Complete</c> methods is
    /// called.</summary>
    /// <param name="preparation">Disposed when the connection ends before: nobody wants the answer any more.</param>
    public void Later(IDisposable? preparation = null) => (Waits, _preparation) = (true, preparation);

    /// <summary>Lets a source that had nothing be asked again; from any thread.</summary>
    public void Wake() => _completed?.Invoke();

    /// <summary>Gives the answer that <see cref="Later"/> postponed; from any thread.</summary>
    public void Complete(ReadOnlySpan<byte> text)
    {
        byte[] copy = text.ToArray();
        Complete(answer => answer.Write(copy));
    }

    /// <summary>Has the answer that <see cref="Later"/> postponed written on the connection's own thread.</summary>
    public void Complete(Action<Answer> write)
    {
        Volatile.Write(ref _later, write);
        _completed?.Invoke();
    }

    /// <summary>Says something before the answer that <see cref="Later"/> postponed; from any thread. It is dropped
    /// when the peer does not read what it was told before.</summary>
    public void Interject(byte[] text)
    {
        ConcurrentQueue<byte[]> asides = LazyInitializer.EnsureInitialized(ref _asides, () => new());
        if (asides.Count >= MostAsides) return;
        asides.Enqueue(text);
        _completed?.Invoke();
    }

    // True when a postponed answer is given; what was to be said before it can be taken then.
    internal bool IsGiven => Volatile.Read(ref _later) is not null;

    internal byte[]? NextAside() => Volatile.Read(ref _asides) is { } asides && asides.TryDequeue(out byte[]? text)
        ? text : null;

    // Writes what is to be said before a postponed answer, on the connection's own thread; false when it is nothing.
    internal bool TakeAsides()
    {
        if (_asides is null || !Waits) return false;
        int before = _end;
        while (NextAside() is { } text)
        {
            if (text.Length <= Room - (2 * PieceBytes)) Write(text);
        }
        return _end > before;
    }

    // Takes over a postponed answer, on the connection's own thread; false when there is none.
    internal bool TakeLater()
    {
        if (!Waits || Interlocked.Exchange(ref _later, null) is not { } write) return false;
        TakeAsides();
        (Waits, _preparation) = (false, null);
        write(this);
        return true;
    }

    internal void TextSent(int count)
    {
        SentBytes += count;
        DropText(count);
        Moved?.Invoke();
    }

    // True when that many more bytes are all that is left of the file.
    internal bool EndsFile(int count) => count == FileLeft && _tail == 0;

    // Moves what is unsent to a buffer of its size; nothing can be added until it is sent.
    internal void Shrink()
    {
        byte[] small = HeldBuffers.Rent(UnsentBytes);
        Unsent.CopyTo(small);
        GiveBack(_buffer!);
        (_buffer, _start, _end) = (small, 0, UnsentBytes);
    }

    // Makes it as new, when nobody holds a promise to complete it.
    internal bool TryReset()
    {
        if (Waits || IsPending) return false;
        (Closing, Broken, EndsWithConnection, _starved, _tail, _asides) = (false, false, false, false, 0, null);
        return true;
    }

    // Counts bytes that left from the file; before the held-back tail follows, the file is checked.
    internal void FileSent(long count)
    {
        FileOffset += count;
        FileLeft -= count;
        _fileSent += count;
        SentBytes += count;
        if (FileLeft > 0)
        {
            if (_fileSent >= ToldBytes) TellSent();
            return;
        }
        bool whole = _tail == 0;
        if (whole || !File!.Unchanged()) EndFile(broken: !whole);
        else (FileLeft, _tail) = (_tail, 0);
    }

    // Ends the file; broken when it turned out shorter than announced or was edited in place.
    internal void EndFile(bool broken)
    {
        IFileSource? file = File;
        File = null;
        Broken |= broken;
        if (_fileSent > 0) file?.Sent(_fileSent);
        _fileSent = 0;
        file?.Release();
        Moved?.Invoke();
    }

    private void TellSent()
    {
        File!.Sent(_fileSent);
        _fileSent = 0;
        Moved?.Invoke();
    }

    // Lets a long list write one piece; false when nothing came of it.
    internal bool RefillOnce()
    {
        int before = _end;
        if (!Source!.Write(this)) EndSource();
        else _starved = _end == before && File is null;
        return HasText || File is not null;
    }

    // Lets a long list write its next piece. One that writes nothing is asked again after a wake.
    internal void Refill()
    {
        _starved = false;
        while (!_starved && Source is not null && File is null && Room >= PieceBytes + FramingBytes)
        {
            int before = _end;
            if (!Source.Write(this)) EndSource();
            else _starved = _end == before && File is null;
        }
    }

    /// <summary>Drops what is unsent; the connection is to be closed short.</summary>
    public void Discard()
    {
        EndFile(broken: true);
        EndSource();
        _preparation?.Dispose();
        _preparation = null;
        DropText(_end - _start);
    }

    private void DropText(int count)
    {
        _start += count;
        if (_start < _end) return;
        _start = _end = 0;
        if (_buffer is null) return;
        GiveBack(_buffer);
        _buffer = null;
    }

    private void GiveBack(byte[] buffer)
    {
        if (buffer.Length < BufferPool.Size) HeldBuffers.Return(buffer);
        else if (buffer.Length == BufferPool.Size) _pool.Return(buffer);
    }

    private void EndSource()
    {
        (Source as IDisposable)?.Dispose();
        Source = null;
        Moved?.Invoke();
    }

    private bool Copy(IFileSource file, long offset, int length)
    {
        int read = file.Read(GetSpan()[..length], offset);
        if (read != length || !file.Unchanged()) return false;
        Advance(length);
        return true;
    }
}
