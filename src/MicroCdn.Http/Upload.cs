namespace MicroCdn.Http;

/// <summary>A body on its way from an HTTP/1.1 connection to who took it, and what is expected of the
/// sender.</summary>
internal sealed class Upload(RequestBody body, long now)
{
    private readonly BodyFraming _framing = new(body.Length);
    private long _since = now;
    private long _bytes;
    private bool _isHeldBack;

    /// <summary>True while more of it is to come.</summary>
    public bool IsOpen => !body.IsOver;

    /// <summary>True once all of it came.</summary>
    public bool IsWhole => body.IsWhole;

    /// <summary>True while nothing more is taken: until a good part of what came was read.</summary>
    public bool IsFull => _isHeldBack || body.Room <= 0;

    /// <summary>When the sender is too slow, as things stand.</summary>
    public long Deadline => IsOpen && !IsFull ? _since + (long)HttpLimits.ReadTime.TotalMilliseconds : long.MaxValue;

    /// <summary>Takes what came; how much of it belongs to the body.</summary>
    public int Take(ReadOnlySpan<byte> input, long now)
    {
        int used = _framing.Take(input, body.Room, out ReadOnlySpan<byte> bytes);
        _bytes += bytes.Length;
        body.Push(bytes);
        if (_framing.IsOver) body.Complete();
        if (_framing.IsBroken) Fail(new InvalidDataException("the client's chunks are not what chunks must be"));
        _isHeldBack = IsOpen && body.Room <= 0;
        return used;
    }

    /// <summary>Goes on after it was full.</summary>
    public void Resume(long now)
    {
        // What was not read on meanwhile was not the sender's to send.
        if (body.TakeNews() > 0 && body.Room > 0) (_since, _bytes, _isHeldBack) = (now, 0, false);
    }

    /// <summary>Judges the sender; false when it was too slow.</summary>
    public bool Judge(long now)
    {
        bool isSlow = _bytes < HttpLimits.ReadBytes;
        (_since, _bytes) = (now, 0);
        if (isSlow) Fail(new IOException("the client sent its body too slowly"));
        return !isSlow;
    }

    /// <summary>It will not come to its end.</summary>
    public void Fail(Exception reason) => body.Fail(reason);
}
