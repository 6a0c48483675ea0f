namespace MicroCdn.Caching.Store;

/// <summary>Reads a body while it comes, at its own pace.</summary>
/// <remarks>One thread at a time.</remarks>
public sealed class GrowingReader : IDisposable
{
    private readonly GrowingCopy _copy;
    private readonly Action _wake;

    internal GrowingReader(GrowingCopy copy, long offset, Action wake) =>
        (_copy, Offset, _wake) = (copy, offset, wake);

    /// <summary>The next byte to be read.</summary>
    public long Offset { get; private set; }

    /// <summary>What there is to wait for.</summary>
    public ReaderState State
    {
        get
        {
            if (IsLeftBehind) return ReaderState.Cut;
            // What came before an abort is there to be read, and the state is asked first.
            GrowingState state = _copy.State;
            if (Offset < _copy.Written) return HasFailed ? ReaderState.Cut : ReaderState.Ready;
            return state switch
            {
                GrowingState.Growing => ReaderState.Waiting,
                GrowingState.Complete => ReaderState.Ended,
                _ => ReaderState.Cut,
            };
        }
    }

    /// <summary>True when it was too slow for the others.</summary>
    public bool IsLeftBehind { get; internal set; }

    internal bool IsAsleep { get; set; }

    internal bool HasLeft { get; set; }

    private bool HasFailed { get; set; }

    /// <summary>Reads what is there; 0 when there is nothing yet, or no more: <see cref="State"/> tells which. After a
    /// 0 it is woken once.</summary>
    public int Read(Span<byte> target)
    {
        if (target.IsEmpty || HasFailed) return 0;
        try
        {
            return _copy.Read(this, target);
        }
        catch (Exception)
        {
            // The part file cannot be read back, or whatever else: this answer is cut, like one whose origin failed. On
            // a loop thread an exception would cut all others' too.
            HasFailed = true;
            return 0;
        }
    }

    /// <summary>Leaves.</summary>
    public void Dispose() => _copy.Leave(this);

    internal void Advance(int bytes) => Offset += bytes;

    internal void Wake() => _wake();
}

/// <summary>What a reader has to wait for.</summary>
public enum ReaderState
{
    /// <summary>There is something to read.</summary>
    Ready,

    /// <summary>Nothing yet; it is woken.</summary>
    Waiting,

    /// <summary>All was read.</summary>
    Ended,

    /// <summary>It was cut short: the answer must be cut too.</summary>
    Cut,
}
