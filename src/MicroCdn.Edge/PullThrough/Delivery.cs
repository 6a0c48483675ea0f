using System.Globalization;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Gives one postponed response, once; lets go of its bytes when the client leaves before.</summary>
internal sealed class Delivery(PullThrough pull, PullRequest request, Response response) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _leaving = new();
    private IDisposable? _source;
    private bool _isUnwanted;

    /// <summary>Done when the client is gone, or was served.</summary>
    public CancellationToken Leaving => _leaving.Token;

    /// <summary>The client is gone.</summary>
    public void Dispose()
    {
        IDisposable? source;
        lock (_lock) (source, _source, _isUnwanted) = (_source, null, true);
        source?.Dispose();
        // On the pool: this is a loop, and connections are closed by it.
        _ = _leaving.CancelAsync();
    }

    /// <summary>Answers from a copy; false when it lacks bytes.</summary>
    public bool TryGive(Selection selection, long now, CacheStatus? status = null)
    {
        if (selection.Copy is not { } copy)
        {
            // Only a copy was wanted (RFC 9111, section 5.2.1.7).
            response.Give(later => pull.WriteOnlyIfCached(later));
            return true;
        }
        Wanted wanted = WantedOf(selection.Rules!, copy.Length, now);
        CacheStatus told = status ?? new CacheStatus(selection.Outcome)
        {
            SecondsLeft = selection.Rules!.At(now).SecondsLeft,
        };
        if (CopyAnswer.Take(selection, wanted, told, now, mayWait: true) is not { } answer) return false;
        pull.Store.Touch(copy);
        response.Give(later => answer.Write(later, pull.NameBytes));
        return true;
    }

    /// <summary>Answers with what a fetch brought; false when it is not for this request.</summary>
    public bool TryGive(FetchResult result, Selection selection, bool leads, long now)
    {
        bool hasFailed = result.Failure is not null || Reuse.IsFailure(result.Status);
        if (hasFailed && selection.Copy is not null
            && Reuse.OnFailure(request.Rules, selection.Rules!, pull.Policy, now)
            && TryGive(selection with { Outcome = Outcome.HitError }, now)) return true;
        if (result.Failure is { } failure) throw failure;
        CacheStatus status = new(selection.Outcome)
        {
            ForwardStatus = result.Status, IsStored = result.IsStored, IsCollapsed = !leads,
        };
        if (!leads && !IsForEverybody(result, now)) return false;
        if (result.Validated is { } copy)
        {
            return TryGive(new Selection(selection.Outcome, copy, result.Rules), now, status);
        }
        return TryGiveGrowing(result, status, now);
    }

    /// <summary>Answers with parts of a copy and parts that are fetched; false when they cannot be put
    /// together.</summary>
    public bool TryAssemble(Selection selection, long now)
    {
        Wanted wanted = WantedOf(selection.Rules!, selection.Copy!.Length, now);
        if (selection.Rules!.StrongValidator.IsEmpty) return false;
        Assembly assembly = new(pull, request, selection, wanted.Range);
        CacheStatus status = new(Outcome.Partial) { IsStored = true };
        Give(selection.Rules.Head, wanted, selection.Copy.Length, selection.Rules.At(now).Age, status, assembly);
        _ = assembly.RunAsync();
        return true;
    }

    /// <summary>Answers with a sentence.</summary>
    public void Explain(int status, string sentence) => response.Give(later => later.Explain(status switch
    {
        400 => HttpStatus.BadRequest,
        503 => HttpStatus.ServiceUnavailable,
        504 => HttpStatus.GatewayTimeout,
        _ => HttpStatus.BadGateway,
    }, sentence));

    // Conditions and ranges mean something else in what changes something.
    private Wanted WantedOf(CopyRules rules, long? length, long now) =>
        request.Rules.Method is MethodKind.Get or MethodKind.Head
            ? Wanted.Of(request.Fields, rules, length, request.IsHead, now)
            : new Wanted(WantedKind.Whole, new ByteRange(0, length ?? long.MaxValue), false);

    // What was asked for somebody else may be given to whom it would be given from the store (RFC 9111, section 4).
    private bool IsForEverybody(FetchResult result, long now)
    {
        if (result.Rules is not { } rules || rules.AlwaysValidates || !rules.At(now).IsFresh) return false;
        bool isCurrent = result.Growing is { } growing ? result.IsStored && !growing.IsPurged
            : result.Validated!.PurgeState == PurgeState.Valid;
        return isCurrent && Vary.Matches(rules.Head.Selecting, request.Fields);
    }

    private bool TryGiveGrowing(FetchResult result, CacheStatus status, long now)
    {
        GrowingCopy growing = result.Growing!;
        StoredHead head = result.Rules!.Head;
        if (!result.IsStored)
        {
            // Who is not to share slices has no use for them: he asks for what he wants himself.
            bool isForRange = head.Status == 206 || (head.Status == 416 && request.Fields.Has("If-Range"u8));
            if (result.IsSlice && isForRange) return false;
            return TryPass(result, status);
        }
        Wanted wanted = WantedOf(result.Rules, growing.Length, now);
        long age = result.Rules.At(now).Age;
        if (wanted.Kind is WantedKind.NotModified or WantedKind.Nothing || !result.HasBody)
        {
            Give(head, wanted, growing.Length, age, status, null);
            return true;
        }
        if (GrowingSource.Of(growing, wanted.Range) is not { } source) return false;
        Give(head, wanted, growing.Length, age, status, source);
        return true;
    }

    private bool TryPass(FetchResult result, CacheStatus status)
    {
        StoredHead head = result.Rules!.Head with { Fields = result.PassedFields! };
        Wanted all = new(WantedKind.Whole, new ByteRange(0, result.Length ?? long.MaxValue), request.IsHead);
        GrowingSource? source = result.HasBody ? GrowingSource.Of(result.Growing!, all.Range) : null;
        if (result.HasBody && source is null) return false;
        Give(head, all, result.Length, null, status, source);
        return true;
    }

    private void Give(StoredHead head, Wanted wanted, long? length, long? age, CacheStatus status, IDisposable? source)
    {
        lock (_lock)
        {
            if (!_isUnwanted) (_source, source) = (source, null);
        }
        // It left in between.
        source?.Dispose();
        response.Give(later =>
        {
            IDisposable? body;
            lock (_lock) (body, _source) = (_source, null);
            AnswerHead.Begin(later, head, wanted, length);
            if (age is { } seconds) later.Field("Age"u8, seconds);
            AnswerHead.WriteStatus(later, status, pull.NameBytes);
            if (body is ILineSource pieces) End(later, wanted, pieces);
            else EndEmpty(later, head, wanted, length);
        });
    }

    private static void End(Response later, Wanted wanted, ILineSource pieces)
    {
        if (wanted.Range.Length > long.MaxValue / 2) later.EndWithStream(pieces);
        else later.EndWithPieces(pieces, wanted.Range.Length);
    }

    private static void EndEmpty(Response later, StoredHead head, Wanted wanted, long? length)
    {
        bool isLengthKnown = long.TryParse(head.Fields.First("Content-Length"u8), NumberStyles.None,
            CultureInfo.InvariantCulture, out long told);
        if (wanted.Kind == WantedKind.Nothing) later.End([]);
        else if (wanted.Kind == WantedKind.NotModified || head.Status is 204 or 304) later.EndEmpty();
        else if (wanted.IsHeadOnly && isLengthKnown) later.EndEmpty(told);
        else if (wanted.IsHeadOnly && length is null) later.EndEmpty();
        else later.End([]);
    }
}
