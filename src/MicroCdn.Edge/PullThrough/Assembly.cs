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
internal sealed class Assembly(PullThrough pull, PullRequest request, Selection selection, ByteRange wanted)
    : ILineSource, IDisposable
{
    // What was fetched for somebody else may be over, and in the copy, before it can be joined. Where that happens
    // again and again the copy does not keep it.
    private const long Late = -1;
    private const int MostLate = 3;

    private readonly Lock _lock = new();
    private ILineSource? _piece;
    private TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Answer? _answer;
    private bool _isOver;
    private bool _isCut;
    private bool _isUnwanted;

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

    /// <summary>Goes from piece to piece.</summary>
    public async Task RunAsync()
    {
        bool isWhole = false;
        try
        {
            long at = wanted.Offset;
            int late = 0;
            while (at < wanted.End)
            {
                (ILineSource? piece, long end) = await NextAsync(new ByteRange(at, wanted.End - at))
                    .ConfigureAwait(false);
                if (piece is null && end == Late && late++ < MostLate) continue;
                if (piece is null) return;
                if (!await HandOverAsync(piece).ConfigureAwait(false)) return;
                at = end;
            }
            isWhole = true;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            pull.Complain($"{request.Place.Rule.Url}: {exception.Message}");
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
        // What was added to the copy since is found in it.
        Copy copy = await CurrentAsync().ConfigureAwait(false);
        long there = Math.Min(copy.Present.Available(rest.Offset), rest.Length);
        if (there > 0)
        {
            ByteRange range = new(rest.Offset, there);
            return copy.TryMemory(range.Offset, range.Length, out ReadOnlyMemory<byte> memory)
                ? (new MemoryPiece(memory), range.End)
                : copy.Open() is { } file ? (new FilePiece(file, copy.BodyOffset, range), range.End) : (null, 0);
        }
        return await FetchAsync(copy, rest).ConfigureAwait(false);
    }

    private async Task<(ILineSource? Piece, long End)> FetchAsync(Copy copy, ByteRange rest)
    {
        ByteRange missing = Slices.Next(copy.Present, rest, copy.Length)!.Value;
        FetchPlan plan = new() { Extended = copy, Range = RangeOf(missing, copy.Length) };
        Fetch fetch = pull.Fetches.Join(copy.Key, $"{Fetches.PartOf(selection.Rules, request)}|{plan.Range}",
            () => new Fetch(pull, request, plan), out bool leads);
        FetchResult result = await fetch.Result.ConfigureAwait(false);
        try
        {
            if (result.Failure is { } failure) throw failure;
            bool isSame = result.Rules!.StrongValidator.SequenceEqual(selection.Rules!.StrongValidator);
            // An outage says nothing about the copy.
            if (result.Status is 416 || (result.Status is 200 or 206 && !isSame)) pull.Store.Remove(copy);
            if (!isSame || !result.IsStored || result.Growing is not { } growing) return (null, 0);
            // An origin may bring less than it was asked for.
            long end = Math.Min(Math.Min(missing.End, growing.Part.End), rest.End);
            ByteRange part = new(rest.Offset, Math.Max(0, end - rest.Offset));
            if (part.Length == 0) return (null, 0);
            return GrowingSource.Of(growing, part) is { } source ? (source, part.End) : (null, Late);
        }
        finally
        {
            if (leads) plan.Join();
        }
    }

    private async Task<Copy> CurrentAsync()
    {
        CopySet copies = await pull.Store.FindAsync(selection.Copy!.Key).ConfigureAwait(false);
        foreach (Copy copy in copies.Copies)
        {
            CopyRules rules = Selection.RulesOf(copy, pull.Policy);
            if (rules.StrongValidator.SequenceEqual(selection.Rules!.StrongValidator)
                && (Vary.Matches(rules.Head.Selecting, request.Fields)
                    || rules.Head.Selecting.Bytes.SequenceEqual(selection.Rules.Head.Selecting.Bytes))) return copy;
        }
        return selection.Copy;
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

    private sealed class FilePiece(SharedFile file, int bodyOffset, ByteRange range) : ILineSource, IDisposable
    {
        private SharedFile? _file = file;
        private long _at = range.Offset;

        public bool Write(Answer answer)
        {
            int length = (int)Math.Min(Answer.PieceBytes, range.End - _at);
            CopyFile source = new(_file!);
            if (source.Read(answer.GetSpan()[..length], bodyOffset + _at) != length)
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
