using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Part of a representation put together of what a copy has and what is still to be fetched, in order, all
/// under one strong validator (RFC 9110, section 15.3.7.3).</summary>
/// <remarks>A task goes from piece to piece and fetches what is missing; the connection takes from the piece that is at
/// hand and sleeps where there is none. When the origin has another state of it by now the answer is cut, never
/// mixed.</remarks>
internal sealed class Assembly(OriginFront front, PullRequest request, Selection selection, ByteRange wanted)
    : ILineSource, IDisposable
{
    // Each is one more look at the store.
    private const int MostTries = 3;

    private readonly Lock _lock = new();
    private ILineSource? _piece;
    private (ILineSource? Piece, long End) _first;
    private TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Answer? _answer;
    private bool _isOver;
    private bool _isCut;
    private bool _isUnwanted;
    private int? _forwardStatus;

    /// <summary>How what is at hand is called: what the origin answered is known where it was asked for that.</summary>
    public CacheStatus Status => new(Outcome.Partial) { IsStored = true, ForwardStatus = _forwardStatus };

    public bool Write(Answer answer)
    {
        ILineSource? piece;
        lock (_lock)
        {
            _answer = answer;
            piece = _piece;
            if (piece is null && !_isCut) return !_isOver;
        }
        if (piece is null)
        {
            answer.Discard();
            return false;
        }
        if (piece.Write(answer) || answer.Broken) return true;
        TaskCompletionSource taken;
        lock (_lock)
        {
            _piece = null;
            (taken, _taken) = (_taken, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        (piece as IDisposable)?.Dispose();
        taken.SetResult();
        // The next piece may be there only in a moment; what it wakes is asked again.
        return true;
    }

    public void Dispose()
    {
        TaskCompletionSource taken;
        ILineSource? piece;
        lock (_lock) (piece, _piece, taken, _isUnwanted) = (_piece, null, _taken, true);
        (piece as IDisposable)?.Dispose();
        taken.TrySetResult();
    }

    /// <summary>Takes the first piece in hand; false when it cannot be had: then nothing was said to the client
    /// yet.</summary>
    public async Task<bool> BeginAsync()
    {
        _first = await NextAsync(wanted).ConfigureAwait(false);
        return _first.Piece is not null;
    }

    /// <summary>Goes from piece to piece, once the first is in hand.</summary>
    public async Task RunAsync()
    {
        bool isWhole = false;
        try
        {
            long at = wanted.Offset;
            while (at < wanted.End)
            {
                (ILineSource? piece, long end) = at == wanted.Offset ? _first
                    : await NextAsync(new ByteRange(at, wanted.End - at)).ConfigureAwait(false);
                if (piece is null) return;
                if (!await HandOverAsync(piece).ConfigureAwait(false)) return;
                at = end;
            }
            isWhole = true;
        }
        catch (Exception exception)
        {
            string what = exception is IOException ? exception.Message : exception.ToString();
            front.Complain($"{request.Place.Rule.Url}: {what}");
        }
        finally
        {
            lock (_lock) (_isOver, _isCut) = (isWhole, !isWhole);
            _answer?.Wake();
        }
    }

    private async Task<bool> HandOverAsync(ILineSource piece)
    {
        Task taken;
        lock (_lock)
        {
            taken = _taken.Task;
            if (!_isUnwanted) _piece = piece;
        }
        if (_isUnwanted)
        {
            (piece as IDisposable)?.Dispose();
            return false;
        }
        _answer?.Wake();
        await taken.ConfigureAwait(false);
        return !_isUnwanted;
    }

    // What is there goes out as far as it reaches; what is missing is fetched.
    private async Task<(ILineSource? Piece, long End)> NextAsync(ByteRange rest)
    {
        for (int tries = 0; tries < MostTries; tries++)
        {
            // What was added to the copy since is found in it.
            (Copy copy, CopySet seen) = await CurrentAsync().ConfigureAwait(false);
            ByteRange there = rest with { Length = Math.Min(copy.Present.Available(rest.Offset), rest.Length) };
            if (there.Length > 0 && Read(copy, there) is { } piece) return (piece, there.End);
            // A copy that has left meanwhile lacks everything.
            ByteRange missing = Slices.Next(there.Length > 0 ? ByteSet.Empty : copy.Present, rest, copy.Length)!.Value;
            (SliceAnswer slice, ILineSource? fetched, long end) = await FetchAsync(copy, seen, missing, rest)
                .ConfigureAwait(false);
            if (fetched is not null) return (fetched, end);
            if (slice == SliceAnswer.Changed) front.Store.Remove(copy);
            // A fetch that was joined at its very end let go of its bytes: they are in the copy now.
            if (slice != SliceAnswer.Fits) break;
        }
        return (null, 0);
    }

    private ILineSource? Read(Copy copy, ByteRange range)
    {
        if (copy.TryMemory(range.Offset, range.Length, out ReadOnlyMemory<byte> memory)) return new MemoryPiece(memory);
        return copy.Open() is { } file ? new FilePiece(front.Store, copy, file, range) : null;
    }

    private async Task<(SliceAnswer Slice, ILineSource? Piece, long End)> FetchAsync(
        Copy copy, CopySet seen, ByteRange missing, ByteRange rest)
    {
        FetchPlan plan = new() { Extended = copy, Asked = missing, Range = RangeOf(missing, copy.Length) };
        Fetch? fetch = front.Fetches.Join(copy.Key, $"{Fetches.PartOf(selection.Rules, request)}|{plan.Range}", seen,
            () => new Fetch(front, request, plan), out bool leads);
        // It is there by now, or may be.
        if (fetch is null) return (SliceAnswer.Fits, null, 0);
        try
        {
            FetchResult result = await fetch.Result.ConfigureAwait(false);
            if (result.IsGivenUp) return (SliceAnswer.Fits, null, 0);
            if (result.Failure is { } failure) throw failure;
            _forwardStatus = result.Status;
            ByteRange part = new(rest.Offset, Math.Min(missing.End, rest.End) - rest.Offset);
            // The whole of the very same state is as good.
            bool isSame = result.IsStored && (result.Slice == SliceAnswer.Fits
                || (result.Slice == SliceAnswer.Whole && IsSame(result, copy)));
            return (result.Slice, isSame ? GrowingSource.Of(result, part) : null, part.End);
        }
        finally
        {
            if (leads) plan.Join();
        }
    }

    private bool IsSame(FetchResult result, Copy copy) => result.Length == copy.Length
        && result.Rules!.StrongValidator.SequenceEqual(selection.Rules!.StrongValidator)
        && result.Rules.Head.Fields.Joined("Content-Encoding"u8)
            .SequenceEqual(selection.Rules.Head.Fields.Joined("Content-Encoding"u8));

    private async Task<(Copy Copy, CopySet Seen)> CurrentAsync()
    {
        CopySet copies = await front.Store.FindAsync(selection.Copy!.Key).ConfigureAwait(false);
        foreach (Copy copy in copies.Copies)
        {
            CopyRules rules = Selection.RulesOf(copy, front.Policy);
            if (rules.StrongValidator.SequenceEqual(selection.Rules!.StrongValidator)
                && (Vary.Matches(rules.Head.Selecting, request.Fields)
                    || rules.Head.Selecting.Bytes.SequenceEqual(selection.Rules.Head.Selecting.Bytes)))
            {
                return (copy, copies);
            }
        }
        return (selection.Copy, copies);
    }

    private static string RangeOf(ByteRange range, long complete)
    {
        Span<byte> text = stackalloc byte[48];
        return System.Text.Encoding.ASCII.GetString(text[..PartialContent.WriteRange(range, complete, text)]);
    }

    private sealed class MemoryPiece(ReadOnlyMemory<byte> bytes) : ILineSource
    {
        private int _at;

        public bool Write(Answer answer)
        {
            int length = Math.Min(Answer.PieceBytes, bytes.Length - _at);
            answer.Write(bytes.Span.Slice(_at, length));
            return (_at += length) < bytes.Length;
        }
    }

    private sealed class FilePiece(CacheStore store, Copy copy, SharedFile file, ByteRange range)
        : ILineSource, IDisposable
    {
        private SharedFile? _file = file;
        private long _at = range.Offset;

        public bool Write(Answer answer)
        {
            int length = (int)Math.Min(Answer.PieceBytes, range.End - _at);
            if (CopyFile.Read(store, copy, _file!, answer.GetSpan()[..length], copy.BodyOffset + _at) != length)
            {
                answer.Discard();
                return false;
            }
            answer.Advance(length);
            return (_at += length) < range.End;
        }

        public void Dispose() => Interlocked.Exchange(ref _file, null)?.Release();
    }
}
