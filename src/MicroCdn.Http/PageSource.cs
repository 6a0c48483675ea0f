using MicroCdn.Network;

namespace MicroCdn.Http;

/// <summary>Sends a page that is at hand, a piece at a time: a response holds no more than its buffer.</summary>
public sealed class PageSource(ReadOnlyMemory<byte> page, IDisposable? owner = null)
    : ILineSource, IDisposable
{
    private ReadOnlyMemory<byte> _left = page;

    /// <inheritdoc/>
    public bool Write(Answer answer)
    {
        int length = Math.Min(_left.Length, Answer.PieceBytes);
        answer.Write(_left.Span[..length]);
        _left = _left[length..];
        return !_left.IsEmpty;
    }

    /// <inheritdoc/>
    public void Dispose() => owner?.Dispose();
}
