using MicroCdn.Network;

namespace MicroCdn.Http.Http2;

// The answers of the streams: how they leave, in turns, and which of them wait too long for their clients.
internal sealed partial class Http2Streams
{
    /// <summary>True when <see cref="Proceed"/> would send something.</summary>
    public bool IsEager => _table.Count > 0 && HasRoom
        && (Volatile.Read(ref _woken) || _table.Any(StreamState.Given) || (_writer.Window > 0 && _table.AnySends()));

    /// <summary>True while a body is on its way, be it that its window is shut.</summary>
    public bool IsSending => _table.Any(StreamState.Sending);

    /// <summary>True when something is to be sent that waits for no window.</summary>
    public bool IsBusy => _table.Any(StreamState.Given) || _table.Any(StreamState.Waiting)
        || _table.Any(StreamState.Starving) || (_writer.Window > 0 && _table.AnySends());

    // For a frame of a body, and beside it what answers input: that is never to wait for bodies.
    private bool HasRoom => _answer.Room >= 2 * Answer.PieceBytes;

    // Its streams have no window, and it opens none worth the name.
    private bool IsHolding => _initialWindow < Http2Limits.Crumb && _granted < Http2Limits.LeastGranted;

    /// <summary>Sends what there is room for, a frame of each stream in turn.</summary>
    public void Proceed(long now)
    {
        if (_table.Count == 0) return;
        if (Interlocked.Exchange(ref _woken, false)) Wake(now);
        for (int place = _table.Count - 1; place >= 0 && HasRoom; place--)
        {
            if (_table[place].State == StreamState.Given) Give(_table[place], now);
        }
        while (HasRoom && _writer.Window > 0 && _table.Next() is { } stream) Send(stream, now);
    }

    /// <summary>When <see cref="Late"/> is due, or never.</summary>
    public long Deadline
    {
        get
        {
            long due = long.MaxValue;
            for (int place = 0; place < _table.Count; place++) due = Math.Min(due, DueAt(_table[place]));
            return due;
        }
    }

    /// <summary>Ends the streams whose clients take too long.</summary>
    public Fault Late(long now)
    {
        Fault fault = Fault.None;
        for (int place = _table.Count - 1; place >= 0 && HasRoom && fault == Fault.None; place--)
        {
            Http2Stream stream = _table[place];
            if (now < DueAt(stream)) continue;
            if (now >= UploadDueAt(stream)) fault = JudgeUpload(stream, now);
            else if (stream.State == StreamState.Receiving) fault = Refuse(stream, Refusal.Body, now);
            else if (stream.State == StreamState.Answered) fault = Reset(stream, Fault.None, now);
            else if (IsHolding) fault = Fault.EnhanceYourCalm;
            else if (TakesTooLittle(stream)) fault = Reset(stream, Fault.EnhanceYourCalm, now);
            else stream.Judge(now, _writer.Total);
        }
        return fault;
    }

    // Who shares the connection's window with others is not blamed for what they took of it.
    private bool TakesTooLittle(Http2Stream stream) => stream.Sent < HttpLimits.ReadBytes
        && (stream.Window <= 0 || _writer.Total - stream.TotalAt < HttpLimits.ReadBytes);

    private void Answered(Http2Stream stream, long now)
    {
        ForgetHead(stream);
        if (!stream.Body.Answer.Waits)
        {
            Give(stream, now);
            return;
        }
        stream.State = StreamState.Waiting;
        Enter(stream);
    }

    // The head leaves, and a small body with it.
    private void Give(Http2Stream stream, long now)
    {
        stream.Judge(now, _writer.Total);
        if (_writer.Head(stream))
        {
            Finish(stream, now);
            return;
        }
        stream.State = StreamState.Sending;
        bool isSmall = stream.Body.IsText && stream.Body.Answer.UnsentBytes <= _writer.MostData(stream);
        if (!isSmall || Send(stream, now)) Enter(stream);
    }

    // True when more of it is to come.
    private bool Send(Http2Stream stream, long now)
    {
        switch (_writer.Data(stream))
        {
            case Progress.Over:
                Finish(stream, now);
                return false;
            case Progress.Broken:
                _writer.Reset(stream.Id, Fault.Internal);
                if (!stream.IsEnded) _table.AddReset(stream.Id);
                Remove(stream);
                return false;
            case Progress.Starved:
                stream.State = StreamState.Starving;
                break;
            default:
                if (stream.Window <= 0) stream.Body.Shrink();
                break;
        }
        return true;
    }

    // Whose body is still coming is told later that it is of no use (RFC 9113, section 8.1).
    private void Finish(Http2Stream stream, long now)
    {
        if (stream.Exchange is { } exchange)
        {
            stream.Exchange = null;
            _exchanges!.Close(exchange);
        }
        if (stream.IsEnded)
        {
            Remove(stream);
            return;
        }
        stream.State = StreamState.Answered;
        stream.Judge(now, _writer.Total);
        Enter(stream);
    }

    // In the table a stream may lie for long.
    private void Enter(Http2Stream stream)
    {
        stream.Body.Shrink();
        if (_table.Find(stream.Id) is null) _table.Add(stream);
    }

    private void Wake(long now)
    {
        for (int place = 0; place < _table.Count; place++)
        {
            Http2Stream stream = _table[place];
            if (stream.IsUploading) OpenUpload(stream, now);
            if (stream.State == StreamState.Starving) stream.State = StreamState.Sending;
            else if (stream.State == StreamState.Waiting && TakeLater(stream)) stream.State = StreamState.Given;
            else continue;
            stream.Judge(now, _writer.Total);
        }
    }

    // What was said before an answer was given comes before it.
    private bool TakeLater(Http2Stream stream)
    {
        bool isGiven = stream.Body.IsGiven;
        while (stream.Body.NextAside() is { } head)
        {
            if (HasRoom) _writer.Inform(stream.Id, head);
        }
        return isGiven && stream.Body.TakeLater();
    }

    private long DueAt(Http2Stream stream) => Math.Min(UploadDueAt(stream), stream.State switch
    {
        StreamState.Receiving => stream.Since + (long)HttpLimits.HeadTime.TotalMilliseconds,
        StreamState.Answered => stream.Since + (long)Http2Limits.DrainTime.TotalMilliseconds,
        StreamState.Sending when stream.Window <= 0 || _writer.Window <= 0 => stream.Since
            + (long)(IsHolding ? Http2Limits.WindowTime : HttpLimits.ReadTime).TotalMilliseconds,
        _ => long.MaxValue,
    });
}
