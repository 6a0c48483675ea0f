using System.Net;

namespace MicroCdn.Origin;

/// <summary>One connection to an origin: bytes out, bytes in through a buffer, everything with a limit.</summary>
/// <remarks>
/// While it is idle it is read all the same. What comes then, an end or bytes that nobody asked for, means that it is
/// not used again; when a request was sent before anything came, that read is the first of its answer. One reader and
/// one writer at a time. A limit, or a caller that leaves, closes the stream under whoever waits for it.
/// </remarks>
internal sealed class Connection(Stream raw, Stream stream, IPAddress address, OriginOptions options, TimeProvider time)
    : IDisposable
{
    private readonly Stream _raw = raw;
    private byte[] _buffer = new byte[OriginLimits.BufferBytes];
    private int _start;
    private int _end;
    private Task<int>? _ahead;
    private OriginFailure? _ended;
    private int _isClosed;
    private Patience? _reading;
    private Patience? _writing;

    /// <summary>How many requests were sent on it.</summary>
    public int Requests { get; set; }

    /// <summary>True while it stands in the pool; the pool's lock guards it.</summary>
    public bool IsIdle { get; set; }

    /// <summary>True when bytes came since the last request was sent.</summary>
    public bool HasHeard { get; private set; }

    public IPAddress Address => address;

    /// <summary>What has come and was not taken.</summary>
    public ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    private Patience Reading => _reading ??= new Patience(time, Abort);

    private Patience Writing => _writing ??= new Patience(time, Abort);

    /// <summary>Takes buffered bytes.</summary>
    public void Skip(int count)
    {
        _start += count;
        if (_start == _end) (_start, _end) = (0, 0);
    }

    /// <summary>Begins to wait for the next request; false when the origin has closed, or has said something that
    /// nobody asked for.</summary>
    /// <param name="over">Called when that happens later, or when the time for it is up.</param>
    public bool Rest(Action<Connection, Task> over)
    {
        if (!Buffered.IsEmpty || Volatile.Read(ref _isClosed) != 0) return false;
        if (_buffer.Length > OriginLimits.BufferBytes) _buffer = new byte[OriginLimits.BufferBytes];
        Task<int> ahead;
        try
        {
            ahead = stream.ReadAsync(_buffer, CancellationToken.None).AsTask();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return false;
        }
        if (ahead.IsCompleted)
        {
            _ = ahead.Exception;
            return false;
        }
        _ahead = ahead;
        Reading.Begin(options.IdleTime, OriginFailure.Closed);
        ahead.ContinueWith(
            (task, state) =>
            {
                _ = task.Exception;
                over((Connection)state!, task);
            },
            this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return true;
    }

    /// <summary>True when this is what it waits with, and it is still idle.</summary>
    public bool IsResting(Task ahead) => _ahead == ahead;

    /// <summary>True when nothing came while it was idle, so that a request may be sent.</summary>
    public bool IsFresh => _ahead is not { IsCompleted: true } && Volatile.Read(ref _isClosed) == 0;

    /// <summary>A request is about to be sent: from now on its head is waited for.</summary>
    public void BeginRequest()
    {
        (HasHeard, Requests) = (false, Requests + 1);
        Reading.Begin(options.FirstByteTime, OriginFailure.NoAnswer);
    }

    /// <summary>Begins to wait for a head, anew.</summary>
    public void ExpectHead() => Reading.Begin(options.FirstByteTime, OriginFailure.NoAnswer);

    /// <summary>The request's body takes its time: nothing is expected before its end.</summary>
    public void ExpectNothing() => Reading.End();

    /// <summary>Reads more into the buffer; 0 when the origin has closed. The limit for it was begun before.</summary>
    /// <exception cref="OriginException">Time is up.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<int> FillAsync(CancellationToken cancellationToken)
    {
        if (_end == _buffer.Length) MakeRoom();
        CancellationTokenRegistration leaving = Watch(cancellationToken);
        try
        {
            int count;
            if (_ahead is { } ahead)
            {
                count = await ahead.ConfigureAwait(false);
                _ahead = null;
            }
            else count = await stream.ReadAsync(_buffer.AsMemory(_end), CancellationToken.None).ConfigureAwait(false);
            ThrowIfEnded(cancellationToken);
            _end += count;
            HasHeard |= count > 0;
            return count;
        }
        catch (Exception exception) when (exception is IOException and not OriginException or ObjectDisposedException)
        {
            throw Translate(exception, cancellationToken);
        }
        finally
        {
            await leaving.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The same within a body, with the limit for that.</summary>
    public async ValueTask<int> FillBodyAsync(CancellationToken cancellationToken)
    {
        Reading.Begin(options.StallTime, OriginFailure.Stalled);
        int count = await FillAsync(cancellationToken).ConfigureAwait(false);
        Reading.End();
        return count;
    }

    /// <summary>Reads a part of a body past the buffer, which must be empty.</summary>
    public async ValueTask<int> ReadBodyAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        CancellationTokenRegistration leaving = default;
        try
        {
            ValueTask<int> read = stream.ReadAsync(target, CancellationToken.None);
            if (read.IsCompletedSuccessfully) return read.Result;
            Reading.Begin(options.StallTime, OriginFailure.Stalled);
            leaving = Watch(cancellationToken);
            int count = await read.ConfigureAwait(false);
            ThrowIfEnded(cancellationToken);
            Reading.End();
            return count;
        }
        catch (Exception exception) when (exception is IOException and not OriginException or ObjectDisposedException)
        {
            throw Translate(exception, cancellationToken);
        }
        finally
        {
            await leaving.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The head is there: nothing is waited for until someone reads on.</summary>
    public void EndHead() => Reading.End();

    /// <summary>Sends bytes.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        CancellationTokenRegistration leaving = default;
        try
        {
            ValueTask write = stream.WriteAsync(bytes, CancellationToken.None);
            if (write.IsCompletedSuccessfully) return;
            Writing.Begin(options.StallTime, OriginFailure.Stalled);
            leaving = Watch(cancellationToken);
            await write.ConfigureAwait(false);
            Writing.End();
        }
        catch (Exception exception) when (exception is IOException and not OriginException or ObjectDisposedException)
        {
            throw Translate(exception, cancellationToken);
        }
        finally
        {
            await leaving.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends it for a reason, which whoever waits for it is told.</summary>
    public void Abort(OriginFailure? failure)
    {
        Interlocked.CompareExchange(ref _ended, failure, null);
        Dispose();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0) return;
        _reading?.Dispose();
        _writing?.Dispose();
        _raw.Dispose();
        if (stream != _raw) stream.Dispose();
    }

    // Only heads outgrow the buffer: bodies are taken out of it before more is read.
    private void MakeRoom()
    {
        if (_start > 0)
        {
            Buffered.CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        else Array.Resize(ref _buffer, 2 * _buffer.Length);
    }

    // A socket that is closed under a read may let it end as if the origin had closed.
    private void ThrowIfEnded(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _isClosed) != 0) throw Translate(new IOException("closed"), cancellationToken);
    }

    private CancellationTokenRegistration Watch(CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(static state => ((Connection)state!).Abort(null), this);

    private Exception Translate(Exception exception, CancellationToken cancellationToken)
    {
        if (_ended is { } failure) return new OriginException(failure, failure.Meaning, exception);
        if (cancellationToken.IsCancellationRequested)
        {
            return new OperationCanceledException("The caller left.", exception, cancellationToken);
        }
        return new IOException("The connection to the origin broke.", exception);
    }
}
