using MicroCdn.Protocol;

namespace MicroCdn.Origin;

/// <summary>An answer of an origin: its head, and its body as it comes.</summary>
/// <remarks>One reader at a time. Its connection is given back once the end was seen; disposing before that closes it,
/// unless all that is missing has come already.</remarks>
public sealed class OriginExchange : IDisposable
{
    private readonly Connection _connection;
    private readonly ResponseHead _head;
    private readonly ConnectionPool _pool;
    private readonly OriginCounters _counters;
    private readonly OriginAddress _address;
    private readonly Task _sending;
    private ChunkedBody _chunks;
    private long _left;
    private bool _isGivenBack;

    internal OriginExchange(
        Connection connection, ResponseHead head, ConnectionPool pool, OriginCounters counters, OriginAddress address,
        Task sending)
    {
        (_connection, _head, _pool, _counters, _address, _sending) =
            (connection, head, pool, counters, address, sending);
        _left = head.Length;
        if (IsAtEnd()) GiveBack(isSound: true);
    }

    /// <summary>The status, 102 to 999 but never an interim one.</summary>
    public int Status => _head.Status;

    /// <summary>The words behind it, as they came.</summary>
    public ReadOnlyMemory<byte> Reason => _head.Reason;

    /// <summary>All fields as they came, those of the connection too. At most one Content-Length is among them, and
    /// none beside Transfer-Encoding; folded lines are put together (RFC 9112, sections 5.2 and 6.3).</summary>
    public HeaderFields Fields => _head.Fields;

    /// <summary>How the end of the body is known.</summary>
    public BodyFraming Framing => _head.Framing;

    /// <summary>The length of the body where it is promised, else null.</summary>
    public long? Length => Framing switch
    {
        BodyFraming.Length => _head.Length,
        BodyFraming.None => 0,
        _ => null,
    };

    /// <summary>True when the answer has exactly one sound framing. Any other is passed on, and never stored: nobody
    /// can tell whether it is whole.</summary>
    public bool IsSoundlyFramed => _head.IsExact;

    /// <summary>True when the body was read to its sound end.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Reads the next bytes of the body; 0 at its sound end.</summary>
    /// <exception cref="OriginException">It ended before its end, stalled, or contradicts itself.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        if (IsComplete || target.IsEmpty) return 0;
        ObjectDisposedException.ThrowIf(_isGivenBack, this);
        try
        {
            while (true)
            {
                int count = TakeBuffered(target.Span);
                if (count > 0 || IsComplete) return count;
                if (_chunks.Fault is { } fault)
                {
                    throw new OriginException(OriginFailure.Malformed, $"The answer of {_address} is broken: {fault}");
                }
                bool isDirect = Framing != BodyFraming.Chunked || _chunks.DataLeft >= OriginLimits.BufferBytes;
                int room = isDirect ? (int)Math.Min(target.Length, Ahead) : 0;
                count = isDirect ? await _connection.ReadBodyAsync(target[..room], cancellationToken)
                    .ConfigureAwait(false) : await _connection.FillBodyAsync(cancellationToken).ConfigureAwait(false);
                if (count == 0) End();
                if (isDirect) return Took(count);
            }
        }
        catch (Exception exception)
        {
            GiveBack(isSound: false);
            OriginFailure? failure = (exception as OriginException)?.Failure;
            if (failure is null && exception is IOException) failure = OriginFailure.Truncated;
            if (failure is null) throw;
            _counters.Failed(failure);
            if (exception is OriginException) throw;
            throw new OriginException(failure, $"{_address} broke off within the body.", exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isGivenBack) return;
        if (Framing == BodyFraming.Length && _left <= _connection.Buffered.Length)
        {
            _connection.Skip((int)_left);
            GiveBack(isSound: true);
        }
        else GiveBack(isSound: false);
    }

    // The most that may be taken of what comes next.
    private long Ahead => Framing switch
    {
        BodyFraming.Length => _left,
        BodyFraming.Chunked => _chunks.DataLeft,
        _ => long.MaxValue,
    };

    private int TakeBuffered(Span<byte> target)
    {
        int taken = 0;
        while (!_connection.Buffered.IsEmpty && !IsComplete && _chunks.Fault is null)
        {
            if (Framing == BodyFraming.Chunked && _chunks.DataLeft == 0)
            {
                _connection.Skip(_chunks.Read(_connection.Buffered));
                if (IsAtEnd()) GiveBack(isSound: true);
                continue;
            }
            int count = (int)Math.Min(Math.Min(target.Length - taken, _connection.Buffered.Length), Ahead);
            if (count == 0) break;
            _connection.Buffered[..count].CopyTo(target[taken..]);
            _connection.Skip(count);
            taken += Took(count);
        }
        return taken;
    }

    private int Took(int count)
    {
        _counters.Received(count);
        if (Framing == BodyFraming.Length) _left -= count;
        if (Framing == BodyFraming.Chunked) _chunks.Take(count);
        if (!IsComplete && IsAtEnd()) GiveBack(isSound: true);
        return count;
    }

    private bool IsAtEnd() => Framing switch
    {
        BodyFraming.None => true,
        BodyFraming.Length => _left == 0,
        BodyFraming.Chunked => _chunks.IsOver,
        _ => false,
    };

    // The origin closed: that is the end of one kind of body only.
    private void End()
    {
        if (Framing != BodyFraming.UntilClose) throw new IOException("The origin closed within the body.");
        IsComplete = true;
        GiveBack(isSound: false);
    }

    private void GiveBack(bool isSound)
    {
        if (_isGivenBack) return;
        _isGivenBack = true;
        IsComplete |= isSound;
        // An origin that answers before it took the whole body leaves its connection in the midst of a message.
        bool isReusable = isSound && _head.KeepsAlive && _sending.IsCompletedSuccessfully;
        _pool.Return(_connection, isReusable);
    }
}
