using System.Collections.Concurrent;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>An answer that takes its time: its lines are told as they come up, from whatever thread.</summary>
internal sealed class LongAnswer(Answer answer) : ILineSource, IDisposable
{
    private readonly ConcurrentQueue<byte[]> _lines = new();
    private volatile bool _isOver, _isDropped;

    /// <summary>True once its connection ended before it was told to the end: nobody hears what follows.</summary>
    public bool IsUnheard => _isDropped && !_isOver;

    /// <summary>Adds a line. There are no more of them than servers and names of one question, and one a
    /// second.</summary>
    public void Say(ReadOnlySpan<byte> line)
    {
        if (_isDropped) return;
        _lines.Enqueue(line.ToArray());
        answer.Wake();
    }

    /// <summary>Says that there are no more.</summary>
    public void End()
    {
        _isOver = true;
        answer.Wake();
    }

    /// <inheritdoc/>
    public bool Write(Answer target)
    {
        // Before the lines are looked at: the last may come in between.
        bool isOver = _isOver;
        int before = target.UnsentBytes;
        while (target.UnsentBytes - before < Answer.PieceBytes - Limits.LineBytes
            && _lines.TryDequeue(out byte[]? line)) target.Write(line);
        return !isOver || !_lines.IsEmpty;
    }

    /// <summary>Called when all of it is told, and when its connection ends before.</summary>
    public void Dispose() => _isDropped = true;
}
