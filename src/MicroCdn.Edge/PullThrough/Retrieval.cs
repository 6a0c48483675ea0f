using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Origin;

namespace MicroCdn.Edge.PullThrough;

/// <summary>One client's request that is answered later: by the origin, by a fetch that somebody else began, or by a
/// copy that had to be looked for.</summary>
internal sealed class Retrieval(
    OriginFront front, PullRequest request, Response response, Delivery delivery)
{
    // The first may tell by which fields the answer varies, the second that it is not for everybody. After these comes
    // one fetch of its own, and at last the client's own request as it is.
    private const int MostShared = 2;

    private Outcome _outcome = Outcome.UriMiss;

    /// <summary>Answers.</summary>
    public async Task RunAsync()
    {
        try
        {
            await AnswerAsync().ConfigureAwait(false);
        }
        catch (OriginException exception)
        {
            front.Complain($"{request.Place.Rule.Url}: {exception.Message}");
            delivery.Explain(_outcome, exception.Failure.Status,
                $"The origin could not be asked: {exception.Failure.Word}.");
        }
        catch (OperationCanceledException) when (delivery.Leaving.IsCancellationRequested)
        {
            delivery.Explain(_outcome, 502, "Nobody is there to hear this.");
        }
        catch (Exception exception)
        {
            front.Complain($"a request for {request.Place.Rule.Url} failed within: {exception}");
            delivery.Explain(_outcome, 502, "The cache failed to answer this.");
        }
    }

    private async Task AnswerAsync()
    {
        await front.CaughtUp.ConfigureAwait(false);
        if (request.Demands is { } demands && !await front.Purges.Progress.IsInStepAsync(demands, front.Time)
            .ConfigureAwait(false))
        {
            delivery.GiveBehind();
            return;
        }
        CopyRules? known = null;
        for (int turn = 0; ; turn++)
        {
            long now = front.Now;
            (Selection selection, CopySet copies) = await SelectAsync(now).ConfigureAwait(false);
            _outcome = selection.Outcome;
            if (!selection.Outcome.IsForwarded())
            {
                if (selection.Outcome == Outcome.HitStale) front.Refresh(request, selection);
                if (delivery.TryGive(selection, now)) return;
                if (request.Rules.OnlyIfCached)
                {
                    delivery.GiveOnlyIfCached();
                    return;
                }
                selection = selection with { Outcome = Outcome.Partial };
            }
            if (selection.Copy is { IsLost: true } lost)
            {
                front.Store.Remove(lost);
                selection = new Selection(Outcome.UriMiss, null, null);
            }
            if (copies.Copies.Length > 0) known ??= Selection.RulesOf(copies.Copies[0], front.Policy);
            if (selection.Outcome == Outcome.Partial && turn < MostShared
                && await delivery.TryAssembleAsync(selection, now).ConfigureAwait(false)) return;
            (bool isGiven, CopyRules? learned) = await FetchAsync(selection, copies, known, turn).ConfigureAwait(false);
            if (isGiven) return;
            known = learned;
        }
    }

    private async ValueTask<(Selection Selection, CopySet Copies)> SelectAsync(long now)
    {
        CopySet copies = request.Key is { } key ? await front.Store.FindAsync(key).ConfigureAwait(false)
            : CopySet.Empty;
        return (Selection.Of(request.Rules, request.Fields, copies, front.Policy, now), copies);
    }

    // True when the client is served; else what is known now of the answers to this key.
    private async Task<(bool IsGiven, CopyRules? Learned)> FetchAsync(
        Selection selection, CopySet copies, CopyRules? known, int turn)
    {
        bool isShared = turn < MostShared && MayShare();
        string range = isShared && selection.Outcome is Outcome.UriMiss or Outcome.VaryMiss
            && turn == 0 ? Slices.First(request.Fields.Joined("Range"u8)) : "";
        bool isValidated = turn < MostShared && selection.Outcome is Outcome.Stale or Outcome.Request;
        FetchPlan plan = new()
        {
            // HEAD has no conditions of ours, but what it is answered changes the copy.
            Validated = isValidated || request.IsHead ? selection : default,
            Range = range,
            // What is not to be shared is the client's and the origin's business: with the client's own conditions.
            IsPassing = !isValidated && request.Rules.Method is (MethodKind.Get or MethodKind.Head)
                && (turn > MostShared || IsOwn()),
            // What may have changed something is heard to its end: copies have to go (RFC 9111, section 4.4).
            Leaving = !isShared && request.Rules.Method is (MethodKind.Get or MethodKind.Head)
                ? delivery.Leaving : default,
            Informational = (status, fields) => response.Inform(status, default, fields),
        };
        bool leads = true;
        Fetch? fetch;
        if (isShared)
        {
            string part = $"{Fetches.PartOf(known, request)}|{range}";
            fetch = front.Fetches.Join(
                request.Key!.Value, part, copies, () => new Fetch(front, request, plan), out leads);
            if (fetch is null) return (false, known);
        }
        else
        {
            fetch = new Fetch(front, request, plan);
            _ = fetch.RunAsync();
        }
        FetchResult result = await fetch.Result.ConfigureAwait(false);
        if (result.IsGivenUp) return (false, known);
        // What somebody else stored in the meantime can stand in for an origin that failed.
        if (result.Failure is not null && selection.Copy is null)
        {
            selection = (await SelectAsync(front.Now).ConfigureAwait(false)).Selection;
        }
        try
        {
            bool isGiven = await delivery.TryGiveAsync(result, fetch.Plan, selection, leads, front.Now)
                .ConfigureAwait(false);
            // What may change something is never asked for twice.
            bool mayAskAgain = !plan.IsPassing && request.Rules.Method is (MethodKind.Get or MethodKind.Head);
            if (!isGiven && !mayAskAgain)
            {
                throw new InvalidOperationException("an answer of its own did not serve its request");
            }
            return (isGiven, result.Rules ?? known);
        }
        finally
        {
            if (leads) plan.Join();
        }
    }

    private bool MayShare() => request is { Key: { } key, Body: null }
        && request.Rules is { Method: MethodKind.Get, IsAuthorized: false } && !front.Uncacheable.Has(key);

    // What was never stored is not expected to be now; and who asks with credentials for a part, or whether there is
    // something new, is spared the whole.
    private bool IsOwn() => request.Key is not { } key || front.Uncacheable.Has(key) || request.IsHead
        || (request.Rules.IsAuthorized && (request.Fields.Has("Range"u8) || request.Fields.Has("If-None-Match"u8)
            || request.Fields.Has("If-Modified-Since"u8)));
}
