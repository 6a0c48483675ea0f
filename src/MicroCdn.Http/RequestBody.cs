using System.Buffers;
using System.IO.Pipelines;

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

    private readonly Action _woken;
    private Pipe? _pipe;
    private int _unread;
    private int _taken;
    private int _news;
    private volatile bool _isUnwanted;

    internal RequestBody(long length, Action woken) => (Length, _woken) = (length, woken);

    /// <summary>How many bytes it has, or -1 when only its end will tell.</summary>
    public long Length { get; }

    internal bool IsTaken => _pipe is not null;

    /// <summary>True once all of it came.</summary>
    internal bool IsWhole { get; private set; }

    /// <summary>True once nothing more of it comes.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>How many bytes may be put in.</summary>
    internal int Room => _isUnwanted ? MostUnread : MostUnread - Volatile.Read(ref _unread);

    /// <summary>Reads some bytes, waiting until there are any.</summary>
    /// <returns>How many; 0 at the end.</returns>
    /// <exception cref="IOException">The client left, or sent too slowly: it will not come to its end.</exception>
    /// <exception cref="InvalidDataException">What came is not framed as a body must be.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        PipeReader reader = _pipe!.Reader;
        ReadResult result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        int length = (int)Math.Min(result.Buffer.Length, target.Length);
        ReadOnlySequence<byte> piece = result.Buffer.Slice(0, length);
        piece.CopyTo(target.Span);
        reader.AdvanceTo(piece.End);
        Free(length);
        return length;
    }

    /// <summary>Nobody wants the rest: it is read from the client and dropped.</summary>
    public void Dispose()
    {
        if (_isUnwanted) return;
        _isUnwanted = true;
        _pipe?.Reader.Complete();
        Free(Interlocked.Exchange(ref _unread, 0), tells: true);
    }

    internal RequestBody Taken()
    {
        // Bounded by whoever puts in, who must not wait.
        _pipe ??= new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        return this;
    }

    /// <summary>Puts bytes in, at most <see cref="Room"/>; on the connection's own thread, as all that follow.</summary>
    internal void Push(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || IsOver) return;
        if (_isUnwanted)
        {
            Interlocked.Add(ref _news, bytes.Length);
            return;
        }
        Interlocked.Add(ref _unread, bytes.Length);
        _pipe!.Writer.Write(bytes);
        // It completes at once: there is no threshold to wait for.
        _ = _pipe.Writer.FlushAsync().AsTask();
    }

    /// <summary>All of it came.</summary>
    internal void Complete()
    {
        if (IsOver) return;
        IsWhole = IsOver = true;
        _pipe?.Writer.Complete();
    }

    /// <summary>It will not come to its end.</summary>
    internal void Fail(Exception reason)
    {
        if (IsOver) return;
        IsOver = true;
        _pipe?.Writer.Complete(reason);
    }

    /// <summary>How many bytes were taken since the last call, but for a few.</summary>
    internal int TakeNews() => Interlocked.Exchange(ref _news, 0);

    private void Free(int length, bool tells = false)
    {
        if (!tells) Interlocked.Add(ref _unread, -length);
        _taken += length;
        if (_taken < NewsBytes && !tells) return;
        Interlocked.Add(ref _news, _taken);
        _taken = 0;
        _woken();
    }
}
