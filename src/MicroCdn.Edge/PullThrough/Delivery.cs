using System.Globalization;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Origin;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Gives one postponed response, once; lets go of its bytes when the client leaves before.</summary>
internal sealed class Delivery(OriginFront front, PullRequest request, Response response) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _leaving = new();
    private Action? _release;
    private bool _isUnwanted;

    /// <summary>Done when the client is gone, or was served.</summary>
    public CancellationToken Leaving => _leaving.Token;

    /// <summary>The client is gone.</summary>
    public void Dispose()
    {
        Action? release;
        lock (_lock) (release, _release, _isUnwanted) = (_release, null, true);
        release?.Invoke();
        // On the pool: this is a loop, and connections are closed by it.
        _ = _leaving.CancelAsync();
    }

    /// <summary>Answers from a copy; false when it lacks bytes.</summary>
    public bool TryGive(Selection selection, long now, CacheStatus? status = null)
    {
        // Only a copy was wanted (RFC 9111, section 5.2.1.7).
        if (selection.Copy is not { } copy)
        {
            GiveOnlyIfCached();
            return true;
        }
        Wanted wanted = WantedOf(selection.Rules!, copy.Length, now);
        CacheStatus told = status ?? new CacheStatus(selection.Outcome)
        {
            SecondsLeft = selection.Rules!.At(now).SecondsLeft,
        };
        if (CopyAnswer.Take(front.Store, selection, wanted, told, now, mayWait: true) is not { } answer)
        {
            return false;
        }
        front.Store.Touch(copy);
        Give(answer.Release, later => answer.Write(later, front));
        return true;
    }

    /// <summary>Answers with what a fetch brought; false when it is not for this request.</summary>
    /// <param name="result">What it brought.</param>
    /// <param name="plan">How it was asked for.</param>
    /// <param name="selection">The copy that was at hand before.</param>
    /// <param name="leads">True when it was begun for this request.</param>
    /// <param name="now">Seconds since 1970.</param>
    public async Task<bool> TryGiveAsync(
        FetchResult result, FetchPlan plan, Selection selection, bool leads, long now)
    {
        bool hasFailed = result.Failure is not null || Reuse.IsFailure(result.Status);
        if (hasFailed && selection.Copy is not null
            && Reuse.OnFailure(request.Rules, selection.Rules!, front.Policy, now)
            && TryGive(selection with { Outcome = Outcome.HitError }, now,
                OfFailure(result, selection, now))) return true;
        if (result.Failure is { } failure) throw failure;
        CacheStatus status = new(selection.Outcome)
        {
            ForwardStatus = result.Status, IsStored = result.IsStored, IsCollapsed = !leads,
        };
        if (!leads)
        {
            // A failure is everybody's: an origin in trouble is not asked once more for each who waited.
            if (hasFailed && !result.IsStored)
            {
                Explain(selection.Outcome, result.Status, $"The origin answered {result.Status}.");
                return true;
            }
            if (!IsForEverybody(result, now)) return false;
        }
        if (result.Validated is not { } copy) return TryGiveGrowing(result, plan, status, leads, now);
        Selection validated = new(selection.Outcome, copy, result.Rules);
        return TryGive(validated, now, status)
            || await TryAssembleAsync(validated with { Outcome = Outcome.Partial }, now).ConfigureAwait(false);
    }

    /// <summary>Answers with parts of a copy and parts that are fetched; false when it lacks nothing, or they cannot be
    /// put together.</summary>
    public async Task<bool> TryAssembleAsync(Selection selection, long now)
    {
        (Copy copy, CopyRules rules) = (selection.Copy!, selection.Rules!);
        Wanted wanted = WantedOf(rules, copy.Length, now);
        if (rules.StrongValidator.IsEmpty || copy.Present.Contains(wanted.Range)) return false;
        Assembly assembly = new(front, request, selection, wanted.Range);
        if (!await assembly.BeginAsync().ConfigureAwait(false)) return false;
        Give(rules.Head, wanted, copy.Length, rules.At(now).Age, assembly.Status, assembly);
        _ = assembly.RunAsync();
        return true;
    }

    /// <summary>Says that only a copy was wanted, and there is none that may be used.</summary>
    public void GiveOnlyIfCached() => response.Give(front.WriteOnlyIfCached);

    /// <summary>Says that the cache that asks has purged more than this one. Without Cache-Status, so that it takes it
    /// for no answer and asks elsewhere.</summary>
    public void GiveBehind() => response.Give(static later => later.Explain(HttpStatus.ServiceUnavailable,
        "This cache has not heard yet of what was purged; ask the origin."));

    /// <summary>Answers with a sentence.</summary>
    /// <param name="outcome">Why the origin was to be asked.</param>
    /// <param name="status">The status.</param>
    /// <param name="sentence">What went wrong.</param>
    public void Explain(Outcome outcome, int status, string sentence)
    {
        HttpStatus told = status switch
        {
            400 => HttpStatus.BadRequest,
            503 => HttpStatus.ServiceUnavailable,
            504 => HttpStatus.GatewayTimeout,
            _ => HttpStatus.BadGateway,
        };
        response.Give(later =>
            AnswerHead.Explain(later, told, new CacheStatus(outcome), front.NameBytes, sentence));
    }

    private static CacheStatus OfFailure(FetchResult result, Selection selection, long now) => new(Outcome.HitError)
    {
        ForwardStatus = result.Failure is null ? result.Status : null,
        SecondsLeft = selection.Rules!.At(now).SecondsLeft,
    };

    // Conditions and ranges mean something else in what changes something.
    private Wanted WantedOf(CopyRules rules, long? length, long now) =>
        request.Rules.Method is MethodKind.Get or MethodKind.Head
            ? Wanted.Of(request.Fields, rules, length, request.IsHead, now)
            : new Wanted(WantedKind.Whole, new ByteRange(0, length ?? long.MaxValue), false);

    // What was asked for somebody else may be given to whom it would be given from the store (RFC 9111, section 4).
    private bool IsForEverybody(FetchResult result, long now)
    {
        bool isCurrent = result.Growing is { } growing ? result.IsStored && !growing.IsPurged
            : result.Validated!.PurgeState == PurgeState.Valid;
        return isCurrent && Reuse.Decide(request.Rules, request.Fields, [result.Rules!], now).Outcome == Outcome.Hit;
    }

    private bool TryGiveGrowing(FetchResult result, FetchPlan plan, CacheStatus status, bool leads, long now)
    {
        GrowingCopy growing = result.Growing!;
        // Slices that we asked for, to keep them, are of no use to a client when they cannot be kept.
        if (!result.IsStored) return IsOwnRange(plan) && TryPass(result, status);
        StoredHead head = result.Rules!.Head;
        if (leads && result.LeaderFields is { } own) head = head with { Fields = own };
        Wanted wanted = WantedOf(result.Rules, growing.Length, now);
        long age = result.Rules.At(now).Age;
        GrowingSource? source = null;
        if (wanted.Range.Length > 0 && result.HasBody)
        {
            source = GrowingSource.Of(result, wanted.Range);
            if (source is null) return false;
        }
        Give(head, wanted, growing.Length, age, status, source);
        return true;
    }

    // Also where the slice that was asked for happens to be what the client wants.
    private bool IsOwnRange(FetchPlan plan) => plan.Range.Length == 0 || (!request.Fields.Has("If-Range"u8)
        && request.Fields.Joined("Range"u8).SequenceEqual(System.Text.Encoding.ASCII.GetBytes(plan.Range)));

    private bool TryPass(FetchResult result, CacheStatus status)
    {
        StoredHead head = result.Rules!.Head with { Fields = result.LeaderFields! };
        if (head.Fields.Bytes.Length + head.Reason.Length > HttpLimits.RelayedHeadBytes)
        {
            throw new OriginException(OriginFailure.HeadTooLarge, "the head is longer than what can be passed on");
        }
        bool isLengthKnown = long.TryParse(head.Fields.First("Content-Length"u8), NumberStyles.None,
            CultureInfo.InvariantCulture, out long told);
        ByteRange all = request.IsHead ? default : new ByteRange(0, result.Length ?? long.MaxValue);
        GrowingSource? source = result.HasBody ? GrowingSource.Of(result, all) : null;
        if (result.HasBody && source is null) return false;
        Wanted whole = new(WantedKind.Whole, all, request.IsHead);
        Give(head, whole, isLengthKnown ? told : null, null, status, source);
        return true;
    }

    private void Give(StoredHead head, Wanted wanted, long? length, long? age, CacheStatus status, ILineSource? body) =>
        Give((body as IDisposable) is { } held ? held.Dispose : null, later =>
        {
            AnswerHead.Begin(later, head, wanted, length);
            if (age is { } seconds) later.Field("Age"u8, seconds);
            AnswerHead.WriteStatus(later, status, front.NameBytes);
            if (body is null) AnswerHead.EndEmpty(later, head, wanted, length);
            else if (wanted.Range.End == long.MaxValue) later.EndWithStream(new CountedSource(body, front.Files));
            else later.EndWithPieces(new CountedSource(body, front.Files), wanted.Range.Length);
        });

    // What is released when the client leaves is the response's own from the moment that it is written.
    private void Give(Action? release, Action<Response> write)
    {
        bool isUnwanted;
        lock (_lock)
        {
            isUnwanted = _isUnwanted;
            if (!isUnwanted) _release = release;
        }
        if (isUnwanted) release?.Invoke();
        else
        {
            response.Give(later =>
            {
                lock (_lock) _release = null;
                write(later);
            });
        }
    }
}
