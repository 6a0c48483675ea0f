namespace MicroCdn.Network;

/// <summary>One answer of several that leave over the same connection: its owner takes bytes off it, as many as have
/// their turn.</summary>
/// <remarks>What is taken from a file is read, not sent by the kernel; and it is the owner who ends a short one: the
/// connection and the answers beside it go on.</remarks>
public sealed class SharedAnswer
{
    // A longer text keeps the buffer it was written to.
    private const int ShrinkBytes = BufferPool.Size / 2;

    /// <summary>An empty answer.</summary>
    /// <param name="connection">The connection's own, which gives it buffers.</param>
    /// <param name="woken">Called, from any thread, when an answer was given that was postponed, or a source that had
    /// nothing may be asked again.</param>
    public SharedAnswer(Answer connection, Action woken) => Answer = new Answer(connection.Pool, woken);

    /// <summary>What is written to.</summary>
    public Answer Answer { get; }

    /// <summary>The text that comes first.</summary>
    public ReadOnlySpan<byte> Text => Answer.Unsent;

    /// <summary>True when all that comes is text, and at hand.</summary>
    public bool IsText => Answer.File is null && Answer.Source is null;

    /// <summary>True when it could not be had to its end: what was taken is not the whole.</summary>
    public bool IsBroken => Answer.Broken;

    /// <summary>True when an answer that was postponed is given. What was said before it was said by then.</summary>
    public bool IsGiven => Answer.IsGiven;

    /// <summary>The next of what is to be said before a postponed answer, or null.</summary>
    public byte[]? NextAside() => Answer.NextAside();

    /// <summary>Takes over an answer that was postponed; false when it is not given yet.</summary>
    public bool TakeLater() => Answer.TakeLater();

    /// <summary>Takes text off the front.</summary>
    public void TakeText(int length) => Answer.TextSent(length);

    /// <summary>Takes bytes; fewer than there is room for when there are no more, or none yet
    /// (<see cref="Answer.IsPending"/>), or when it is broken.</summary>
    public int Read(Span<byte> target)
    {
        int used = 0;
        while (used < target.Length && !Answer.Broken)
        {
            Span<byte> room = target[used..];
            if (Answer.HasText)
            {
                int length = Math.Min(room.Length, Answer.UnsentBytes);
                Answer.Unsent[..length].CopyTo(room);
                Answer.TextSent(length);
                used += length;
            }
            else if (Answer.File is { } file) used += Read(file, room);
            else if (Answer.Source is null || !Answer.RefillOnce()) break;
        }
        return used;
    }

    /// <summary>Keeps what is unsent in no more memory than it needs: it may lie for long.</summary>
    public void Shrink()
    {
        if (Answer.UnsentBytes is > 0 and <= ShrinkBytes) Answer.Shrink();
    }

    /// <summary>Makes it as new; false when somebody may still have a postponed answer for it.</summary>
    public bool TryReset() => Answer.TryReset();

    // The last bytes are only given when the file is still what it was at their beginning.
    private int Read(IFileSource file, Span<byte> target)
    {
        int most = (int)Math.Min(target.Length, Answer.FileLeft);
        int read = file.Read(target[..most], Answer.FileOffset);
        bool isWhole = read == most && (!Answer.EndsFile(read) || file.Unchanged());
        if (isWhole) Answer.FileSent(read);
        else Answer.EndFile(broken: true);
        return isWhole && !Answer.Broken ? read : 0;
    }
}
