using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>Raw bytes that a peer sends behind a line: the connection puts in what comes, a task takes it out at its
/// own pace.</summary>
/// <remarks>At most 64 KiB lie between the two; then the connection is not read on. One task reads at a time. Once the
/// last byte is here, the answer waits (<see cref="Answer.Later"/>) for whoever reads to complete it.</remarks>
public sealed class IncomingBytes
{
    /// <summary>Most bytes that lie unread.</summary>
    public const int MostUnread = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly Action _woken;
    private byte[] _bytes = [];
    private int _start;
    private int _unread;
    private long _left;
    private bool _isOver;
    private TaskCompletionSource? _reader;

    /// <summary>Expects bytes.</summary>
    /// <param name="length">How many, 1 or more.</param>
    /// <param name="woken">Called, from any thread, when the connection may be read on, or was refused.</param>
    public IncomingBytes(long length, Action woken) => (_left, _woken) = (length, woken);

    /// <summary>True while more of them are to come.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_lock) return _left > 0;
        }
    }

    /// <summary>True when whoever reads is behind: nothing can be put in.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock) return _unread >= MostUnread;
        }
    }

    /// <summary>Why the rest is not wanted; null as long as it is.</summary>
    public WireError? Refusal { get; private set; }

    /// <summary>Reads bytes until the target is full, waiting for them.</summary>
    /// <exception cref="IOException">The peer left before they were all here.</exception>
    public async ValueTask FillAsync(Memory<byte> target)
    {
        while (!target.IsEmpty)
        {
            int read = TryRead(target.Span, out Task? more);
            if (more is not null) await more.ConfigureAwait(false);
            target = target[read..];
        }
    }

    /// <summary>Refuses the rest, on the connection; false when there is none, and the answer waits.</summary>
    public bool TryRefuse(WireError error)
    {
        lock (_lock)
        {
            if (_left == 0) return false;
            (Refusal, _bytes, _start, _unread) = (error, [], 0, 0);
        }
        _woken();
        return true;
    }

    /// <summary>Hears that no more will come; whoever reads hears so.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isOver = true;
            _reader?.TrySetResult();
        }
    }

    /// <summary>Puts in what there is room for, on the connection's own thread; with the last byte the answer begins to
    /// wait.</summary>
    /// <returns>How many bytes were taken.</returns>
    internal int Push(ReadOnlySpan<byte> input, Answer answer)
    {
        lock (_lock)
        {
            int length = (int)Math.Min(Math.Min(input.Length, _left), MostUnread - _unread);
            _left -= length;
            if (Refusal is not null)
            {
                // Dropped until it is said; were this the last, nobody would complete the answer.
                _left = Math.Max(1, _left);
                return length;
            }
            MakeRoom(length);
            input[..length].CopyTo(_bytes.AsSpan(_start + _unread));
            _unread += length;
            if (_left == 0) answer.Later();
            _reader?.TrySetResult();
            return length;
        }
    }

    private int TryRead(Span<byte> target, out Task? more)
    {
        bool wasFull;
        int length;
        lock (_lock)
        {
            more = null;
            if (_unread == 0 && _isOver) throw new IOException("the peer left before it had sent all");
            if (_unread == 0)
            {
                _reader = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                more = _reader.Task;
                return 0;
            }
            wasFull = _unread >= MostUnread;
            length = Math.Min(target.Length, _unread);
            _bytes.AsSpan(_start, length).CopyTo(target);
            (_start, _unread) = (_start + length, _unread - length);
        }
        if (wasFull) _woken();
        return length;
    }

    private void MakeRoom(int length)
    {
        if (_unread == 0) _start = 0;
        if (_start + _unread + length <= _bytes.Length) return;
        ReadOnlySpan<byte> unread = _bytes.AsSpan(_start, _unread);
        if (_unread + length > _bytes.Length)
        {
            int size = (int)Math.Min(MostUnread, Math.Max(2 * _bytes.Length, _unread + length + _left));
            _bytes = GC.AllocateUninitializedArray<byte>(size);
        }
        unread.CopyTo(_bytes);
        _start = 0;
    }
}
