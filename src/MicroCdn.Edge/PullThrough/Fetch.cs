using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Origin;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>One request to an origin, for one client or for many: asks, decides what becomes of the answer, and takes
/// its body in.</summary>
/// <remarks>Nobody who waits for it can end it: what is stored is of use for those who come later.</remarks>
internal sealed class Fetch(PullThrough pull, PullRequest request, FetchPlan plan)
{
    private const int BufferBytes = 64 * 1024;

    private readonly TaskCompletionSource<FetchResult> _result =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What came of it, as soon as the head is there.</summary>
    public Task<FetchResult> Result => _result.Task;

    /// <summary>How it is asked.</summary>
    public FetchPlan Plan => plan;

    /// <summary>Asks, and stays until the body is in.</summary>
    public async Task RunAsync()
    {
        try
        {
            await FetchAsync(plan.Validated).ConfigureAwait(false);
        }
        catch (OriginException exception)
        {
            _result.TrySetResult(new FetchResult { Failure = exception });
        }
        catch (Exception exception)
        {
            _result.TrySetException(exception);
        }
        finally
        {
            request.Body?.Dispose();
        }
    }

    private async Task FetchAsync(Selection validated)
    {
        long mark = pull.Store.Mark(), requestedAt = pull.Now;
        OriginRequest asked = new()
        {
            Method = request.Method,
            Target = request.Target,
            Fields = plan.FieldsFor(request, validated, pull),
            Body = request.Body is { } body ? new RelayedBody(body) : null,
            Informational = plan.Informational,
        };
        using OriginExchange exchange = await request.Place.Server.SendAsync(asked, plan.Leaving)
            .ConfigureAwait(false);
        if (IsUnasked(exchange.Status, asked.Fields))
        {
            throw new OriginException(OriginFailure.Malformed,
                $"The answer of {request.Place.Server.Address} is broken: nobody asked for a {exchange.Status}.");
        }
        StoredHead head = HeadOf(exchange, requestedAt);
        // What it makes invalid is older than what it brings.
        if (Invalidate(exchange)) mark = pull.Store.Mark();
        if (exchange.Status == 304 && validated.Copy is not null)
        {
            if (Validation.IsAbout(validated.Rules!, exchange.Fields)) Freshen(validated, exchange, head, mark);
            else await FetchAsync(default).ConfigureAwait(false);
            return;
        }
        if (request.IsHead) UpdateByHead(validated, exchange, head, mark);
        await TakeInAsync(exchange, head, validated, mark).ConfigureAwait(false);
    }

    // Both answer a question and nothing else (RFC 9110, sections 15.3.7 and 15.4.5): who did not ask would take a part
    // for the whole, or nothing for something.
    private bool IsUnasked(int status, HeaderFields asked) => status switch
    {
        206 => request.Rules.Method == MethodKind.Get && !asked.Has("Range"u8),
        304 => !asked.Has("If-None-Match"u8) && !asked.Has("If-Modified-Since"u8),
        _ => false,
    };

    private StoredHead HeadOf(OriginExchange exchange, long requestedAt) => new()
    {
        Status = exchange.Status,
        Reason = exchange.Reason,
        Fields = EndToEnd.ForStorage(exchange.Fields, Directives.Of(exchange.Fields)),
        Selecting = Vary.Selecting(exchange.Fields, request.Fields),
        RequestedAt = requestedAt,
        ReceivedAt = pull.Now,
        AgeAtReceipt = DeltaSeconds.Age(exchange.Fields),
        WasAuthorized = request.Rules.IsAuthorized,
    };

    // RFC 9111, section 4.4.
    private bool Invalidate(OriginExchange exchange)
    {
        IReadOnlyList<CacheKey> changed = request.Key is { } key
            ? Invalidation.Of(request.Rules.Method, key, exchange.Status, exchange.Fields, pull.Policy) : [];
        foreach (CacheKey one in changed) pull.Store.Invalidate(one);
        return changed.Count > 0;
    }

    // RFC 9111, section 4.3.4.
    private void Freshen(Selection validated, OriginExchange exchange, StoredHead answer, long mark)
    {
        Copy copy = validated.Copy!;
        StoredHead head = Validation.Update(copy.Head, exchange.Fields, request.Fields, answer.RequestedAt,
            answer.ReceivedAt, pull.Policy);
        CopyRules rules = CopyRules.Of(head, pull.Policy);
        Storability storability = Storing.Decide(request.Rules, request.Key!.Value, rules, pull.Policy);
        bool isKept = storability == Storability.Yes && pull.Store.Update(copy, head, mark);
        if (storability != Storability.Yes) pull.Store.Remove(copy);
        _result.TrySetResult(new FetchResult { Validated = copy, Rules = rules, Status = 304, IsStored = isKept });
    }

    // RFC 9111, section 4.3.5.
    private void UpdateByHead(Selection validated, OriginExchange exchange, StoredHead answer, long mark)
    {
        if (validated.Copy is not { } copy) return;
        switch (Validation.OfHead(validated.Rules!, exchange.Status, exchange.Fields))
        {
            case HeadEffect.Update:
                pull.Store.Update(copy, Validation.Update(copy.Head, exchange.Fields, request.Fields,
                    answer.RequestedAt, answer.ReceivedAt, pull.Policy), mark);
                break;
            case HeadEffect.Stale:
                pull.Store.Invalidate(copy.Key);
                break;
        }
    }

    private async Task TakeInAsync(OriginExchange exchange, StoredHead head, Selection validated, long mark)
    {
        GrowingCopy growing = Grow(exchange, ref head, mark, out CopyRules rules, out Storability storability);
        using GrowingCopy owned = growing;
        bool isStored = storability == Storability.Yes;
        if (request.Key is { } key && request.Rules.Method == MethodKind.Get) pull.Uncacheable.Note(key, !isStored);
        if (!isStored && validated.Copy is { } old && Storing.Retires(exchange.Status, validated.Rules!, pull.Now))
        {
            pull.Store.Remove(old);
        }
        _result.TrySetResult(new FetchResult
        {
            Growing = growing,
            Rules = rules,
            Status = exchange.Status,
            IsStored = isStored,
            IsSlice = plan.Range.Length > 0,
            PassedFields = isStored ? null : EndToEnd.Of(exchange.Fields),
            Length = exchange.Framing == BodyFraming.None ? null : exchange.Length,
            HasBody = exchange.Framing != BodyFraming.None,
        });
        // What passed through is not there any more for one who joins late, nor what was stored and let go of.
        await plan.Joined.ConfigureAwait(false);
        await PumpAsync(exchange, growing).ConfigureAwait(false);
    }

    // What may be stored, and came in one sound frame, becomes a copy; all else passes through.
    private GrowingCopy Grow(OriginExchange exchange, ref StoredHead head, long mark, out CopyRules rules,
        out Storability storability)
    {
        rules = CopyRules.Of(head, pull.Policy);
        CacheKey key = request.Key ?? new CacheKey("");
        storability = request.Key is null || !exchange.IsSoundlyFramed || exchange.Framing == BodyFraming.UntilClose
            ? Storability.Method : Storing.Decide(request.Rules, key, rules, pull.Policy);
        PartialContent part = default;
        if (storability == Storability.Yes && head.Status == 206)
        {
            // Without a validator nothing is ever added to it, but it answers for its own bytes.
            bool isPart = PartialContent.TryRead(head, out part) && plan.IsAsked(part);
            if (!isPart) storability = Storability.Status;
        }
        if (storability != Storability.Yes) return pull.Store.BeginPassing(key, head, exchange.Length);
        if (head.Status != 206) return pull.Store.Begin(key, head, exchange.Length, mark);
        head = part.WholeHead(head);
        rules = CopyRules.Of(head, pull.Policy);
        return plan.Extended is { } copy && part.MayJoin(Selection.RulesOf(copy, pull.Policy), copy.Length, rules)
            ? pull.Store.Extend(copy, part.Range)
            : pull.Store.BeginPart(key, head, part.Complete!.Value, part.Range, mark);
    }

    private async Task PumpAsync(OriginExchange exchange, GrowingCopy growing)
    {
        UnreadPace pace = new(pull.Time);
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (await exchange.ReadAsync(buffer, plan.Leaving).ConfigureAwait(false) is > 0 and var read)
            {
                if (pace.IsTooSlow(read, growing.IsRead)) return;
                if (!await growing.WriteAsync(buffer.AsMemory(0, read)).ConfigureAwait(false)) return;
            }
            growing.Complete();
        }
        catch (OriginException exception)
        {
            growing.Abort(exception.Message);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private sealed class RelayedBody(RequestBody body) : OriginBody
    {
        public override long? Length => body.Length < 0 ? null : body.Length;

        public override ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken) =>
            body.ReadAsync(target, cancellationToken);
    }
}
