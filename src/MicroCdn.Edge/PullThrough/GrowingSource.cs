using MicroCdn.Caching.Store;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Sends part of a body while it grows; cut where the body is.</summary>
internal sealed class GrowingSource : ILineSource, IDisposable
{
    private readonly GrowingReader? _reader;
    private readonly bool _isEndless;
    private long _left;
    private volatile Answer? _answer;

    private GrowingSource(GrowingCopy copy, ByteRange range)
    {
        (_left, _isEndless) = (range.Length, range.End == long.MaxValue);
        _reader = copy.TryJoin(range.Offset, () => _answer?.Wake());
    }

    /// <summary>Joins the readers of a body; null when it cannot be had from there on.</summary>
    /// <param name="copy">The body.</param>
    /// <param name="range">What is wanted, up to its end where nobody knows that.</param>
    public static GrowingSource? Of(GrowingCopy copy, ByteRange range)
    {
        // An origin may bring other bytes than it was asked for.
        bool isWithin = copy.Part.Offset <= range.Offset && range.End <= copy.Part.End;
        if (!isWithin) return null;
        GrowingSource source = new(copy, range);
        return source._reader is null ? null : source;
    }

    public bool Write(Answer answer)
    {
        _answer = answer;
        if (_left == 0) return false;
        int most = (int)Math.Min(Answer.PieceBytes, _left);
        int read = _reader!.Read(answer.GetSpan()[..most]);
        answer.Advance(read);
        _left -= read;
        if (read > 0) return _left > 0;
        switch (_reader.State)
        {
            case ReaderState.Ended when _isEndless:
                return false;
            case ReaderState.Ended or ReaderState.Cut:
                answer.Discard();
                return false;
            default:
                return true;
        }
    }

    public void Dispose() => _reader?.Dispose();
}
