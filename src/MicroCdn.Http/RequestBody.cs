namespace MicroCdn.Http;

/// <summary>The body of one request, for whoever wants it: the connection puts in what comes, a task takes it out at
/// its own pace.</summary>
/// <remarks>At most 64 KiB lie between the two; a client that sends more waits. One task reads at a time.</remarks>
public sealed class RequestBody : IDisposable
{
    // As much as a client of HTTP/2 may send unasked.
    internal const int MostUnread = 64 * 1024;

    // So much must have been taken before the connection hears of it.
    private const int NewsBytes = MostUnread / 2;

    private readonly Lock _lock = new();
    private readonly Action _woken;
    private byte[] _bytes = [];
    private int _start;
    private int _unread;
    private int _news;
    private bool _isUnwanted;
    private Exception? _failure;
    private TaskCompletionSource? _reader;

    internal RequestBody(long length, Action woken) => (Length, _woken) = (length, woken);

    /// <summary>How many bytes it has, or -1 when only its end will tell.</summary>
    public long Length { get; }

    internal bool IsTaken { get; private set; }

    /// <summary>True once all of it came.</summary>
    internal bool IsWhole => IsOver && _failure is null;

    /// <summary>True once nothing more of it comes.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>How many bytes may be put in.</summary>
    internal int Room
    {
        get
        {
            lock (_lock) return MostUnread - _unread;
        }
    }

    /// <summary>Reads some bytes, waiting until there are any.</summary>
    /// <returns>How many; 0 at the end.</returns>
    /// <exception cref="IOException">The client left, or sent too slowly, or the rest was given up: it will not come to
    /// its end.</exception>
    /// <exception cref="InvalidDataException">What came is not framed as a body must be.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        while (true)
        {
            int read = TryRead(target.Span, out Task? more);
            if (more is null) return read;
            await more.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Nobody wants the rest: it is read from the client and dropped. Whoever waits for it, or asks for more,
    /// hears so, lest it take this for the end.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isUnwanted = true;
            _news += Math.Max(1, _unread);
            (_bytes, _start, _unread) = ([], 0, 0);
            WakeReader();
        }
        _woken();
    }

    internal RequestBody Taken()
    {
        IsTaken = true;
        return this;
    }

    /// <summary>Puts bytes in, at most <see cref="Room"/>; on the connection's own thread, as all below.</summary>
    internal void Push(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || IsOver) return;
        lock (_lock)
        {
            if (_isUnwanted)
            {
                _news += bytes.Length;
                return;
            }
            MakeRoom(bytes.Length);
            bytes.CopyTo(_bytes.AsSpan(_start + _unread));
            _unread += bytes.Length;
            WakeReader();
        }
    }

    /// <summary>All of it came.</summary>
    internal void Complete() => End(null);

    /// <summary>It will not come to its end.</summary>
    internal void Fail(Exception reason) => End(reason);

    /// <summary>How many bytes were taken since the last call; 0 while they are too few to speak of.</summary>
    internal int TakeNews()
    {
        lock (_lock)
        {
            int news = _news >= NewsBytes || _isUnwanted ? _news : 0;
            _news -= news;
            return news;
        }
    }

    // Null for more when it is clear what there is: bytes, or the end.
    private int TryRead(Span<byte> target, out Task? more)
    {
        bool isNews;
        int length;
        lock (_lock)
        {
            more = null;
            if (_isUnwanted) throw new IOException("The rest of the body was given up.");
            if (_unread == 0 && _failure is not null) throw _failure;
            if (_unread == 0 && !IsOver)
            {
                _reader = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                more = _reader.Task;
                return 0;
            }
            length = Math.Min(target.Length, _unread);
            _bytes.AsSpan(_start, length).CopyTo(target);
            (_start, _unread, _news) = (_start + length, _unread - length, _news + length);
            isNews = _news >= NewsBytes;
        }
        if (isNews) _woken();
        return length;
    }

    private void End(Exception? reason)
    {
        if (IsOver) return;
        lock (_lock)
        {
            (IsOver, _failure) = (true, reason);
            WakeReader();
        }
    }

    private void WakeReader()
    {
        _reader?.SetResult();
        _reader = null;
    }

    private void MakeRoom(int length)
    {
        if (_unread == 0) _start = 0;
        if (_start + _unread + length <= _bytes.Length) return;
        ReadOnlySpan<byte> unread = _bytes.AsSpan(_start, _unread);
        if (_unread + length > _bytes.Length)
        {
            int size = Math.Min(MostUnread, Math.Max(2 * _bytes.Length, _unread + length));
            _bytes = GC.AllocateUninitializedArray<byte>(size);
        }
        unread.CopyTo(_bytes);
        _start = 0;
    }
}
