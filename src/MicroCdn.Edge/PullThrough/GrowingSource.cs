using MicroCdn.Caching.Store;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Sends part of a body while it grows; cut where the body is.</summary>
internal sealed class GrowingSource : ILineSource, IDisposable
{
    private readonly GrowingReader? _reader;
    private readonly Action _left;
    private readonly bool _isEndless;
    private long _unread;
    private volatile Answer? _answer;

    private GrowingSource(FetchResult result, ByteRange range)
    {
        (_unread, _isEndless, _left) = (range.Length, range.End == long.MaxValue, result.Left);
        _reader = result.Growing!.TryJoin(range.Offset, () => _answer?.Wake());
    }

    /// <summary>Joins the readers of a body; null when it cannot be had from there on.</summary>
    /// <param name="result">The fetch that brings it.</param>
    /// <param name="range">What is wanted, up to its end where nobody knows that.</param>
    public static GrowingSource? Of(FetchResult result, ByteRange range)
    {
        ByteRange part = result.Growing!.Part;
        // An origin may bring other bytes than it was asked for.
        bool isWithin = part.Offset <= range.Offset && range.End <= part.End;
        if (!isWithin) return null;
        GrowingSource source = new(result, range);
        return source._reader is null ? null : source;
    }

    public bool Write(Answer answer)
    {
        _answer = answer;
        if (_unread == 0) return false;
        int most = (int)Math.Min(Answer.PieceBytes, _unread);
        int read = _reader!.Read(answer.GetSpan()[..most]);
        answer.Advance(read);
        _unread -= read;
        if (read > 0) return _unread > 0;
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

    public void Dispose()
    {
        _reader?.Dispose();
        _left();
    }
}
