using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Origin;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>One request to an origin, for one client or for many: asks, decides what becomes of the answer, and takes
/// its body in.</summary>
/// <remarks>Nobody who waits for it can end it: what is stored is of use for those who come later. What only passes
/// through ends with the last who reads it.</remarks>
internal sealed class Fetch(OriginFront front, PullRequest request, FetchPlan plan)
{
    private const int BufferBytes = 64 * 1024;

    private readonly TaskCompletionSource<FetchResult> _result =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What came of it, as soon as the head is there.</summary>
    public Task<FetchResult> Result => _result.Task;

    /// <summary>True once it is known to bring nothing.</summary>
    public bool HasFailed =>
        Result.IsCompleted && (!Result.IsCompletedSuccessfully || Result.Result.Failure is not null);

    /// <summary>Ends it before it began: whoever joined in this moment looks again.</summary>
    public void GiveUp() => _result.TrySetResult(new FetchResult { IsGivenUp = true });

    /// <summary>How it is asked.</summary>
    public FetchPlan Plan => plan;

    /// <summary>Asks, and stays until the body is in.</summary>
    public async Task RunAsync()
    {
        using OriginSpan span = OriginSpan.Begin(request);
        try
        {
            await FetchAsync(plan.Validated, span).ConfigureAwait(false);
        }
        catch (OriginException exception)
        {
            span.Failed(exception.Failure);
            _result.TrySetResult(new FetchResult { Failure = exception });
        }
        catch (Exception exception)
        {
            // Whoever waits hears of it; when the head was there already, nobody does.
            if (!_result.TrySetException(exception)) front.Complain($"{request.Place.Rule.Url}: {exception}");
        }
        finally
        {
            request.Body?.Dispose();
        }
    }

    private async Task FetchAsync(Selection validated, OriginSpan span)
    {
        long mark = front.Store.Mark(), requestedAt = front.Now;
        OriginRequest asked = new()
        {
            Method = request.Method,
            Target = request.Target,
            Fields = span.Carried(plan.FieldsFor(request, validated, front)),
            Body = request.Body is { } body ? new RelayedBody(body) : null,
            Informational = plan.Informational,
        };
        using OriginExchange exchange = await request.Place.SendAsync(asked, front.Complain, plan.Leaving)
            .ConfigureAwait(false);
        span.Answered(exchange.Status);
        if (IsUnasked(exchange.Status, asked.Fields))
        {
            throw new OriginException(OriginFailure.Malformed,
                $"The answer of {request.Place.Rule.Url} is broken: nobody asked for a {exchange.Status}.");
        }
        StoredHead head = HeadOf(exchange, requestedAt);
        // What it makes invalid is older than what it brings.
        if (Invalidate(exchange)) mark = front.Store.Mark();
        // A 304 to the client's own conditions says nothing of ours.
        if (exchange.Status == 304 && validated.Copy is not null && !plan.IsPassing && !request.IsHead)
        {
            bool isFresh = Validation.IsAbout(validated.Rules!, exchange.Fields)
                && TryFreshen(validated, exchange, head, mark);
            if (!isFresh) await FetchAsync(default, span).ConfigureAwait(false);
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
        Fields = Dated(EndToEnd.ForStorage(exchange.Fields, Directives.Of(exchange.Fields))),
        Selecting = Vary.Selecting(exchange.Fields, request.Fields),
        RequestedAt = requestedAt,
        ReceivedAt = front.Now,
        AgeAtReceipt = DeltaSeconds.Age(exchange.Fields),
        WasAuthorized = request.Rules.IsAuthorized,
    };

    // Whoever stores a response that says no date writes down when it came (RFC 9110, section 6.6.1).
    private HeaderFields Dated(HeaderFields fields)
    {
        if (fields.Has("Date"u8)) return fields;
        HeaderFields.Builder builder = new();
        for (int line = 0; line < fields.Count; line++) builder.Add(fields, line);
        Span<byte> date = stackalloc byte[HttpDate.Length];
        HttpDate.Format(front.Now, date);
        return builder.Add("Date"u8, date).Build();
    }

    // RFC 9111, section 4.4.
    private bool Invalidate(OriginExchange exchange)
    {
        IReadOnlyList<CacheKey> changed = request.Key is { } key
            ? Invalidation.Of(request.Rules.Method, key, exchange.Status, exchange.Fields, front.Policy) : [];
        foreach (CacheKey one in changed) front.Invalidate(one);
        return changed.Count > 0;
    }

    // RFC 9111, section 4.3.4. False when the head would be longer than any that is kept or passed on: one that comes
    // whole is shorter.
    private bool TryFreshen(Selection validated, OriginExchange exchange, StoredHead answer, long mark)
    {
        Copy copy = validated.Copy!;
        StoredHead head = Validation.Update(copy.Head, exchange.Fields, request.Fields, answer.RequestedAt,
            answer.ReceivedAt, front.Policy);
        CopyRules rules = CopyRules.Of(head, front.Policy);
        Storability storability = Storing.Decide(request.Rules, request.Key!.Value, rules, front.Policy);
        if (storability == Storability.TooLarge) return false;
        bool isKept = storability == Storability.Yes && front.Store.Update(copy, head, mark);
        // What lies in this one request says nothing against the copy.
        if (storability != Storability.Yes && !IsOfRequest(storability)) front.Store.Remove(copy);
        _result.TrySetResult(new FetchResult { Validated = copy, Rules = rules, Status = 304, IsStored = isKept });
        return true;
    }

    // RFC 9111, section 4.3.5.
    private void UpdateByHead(Selection validated, OriginExchange exchange, StoredHead answer, long mark)
    {
        if (validated.Copy is not { } copy || request.Rules.IsAuthorized) return;
        HeadEffect effect = Validation.OfHead(validated.Rules!, exchange.Status, exchange.Fields);
        if (effect == HeadEffect.Stale) front.Invalidate(copy.Key);
        if (effect != HeadEffect.Update) return;
        StoredHead head = Validation.Update(copy.Head, exchange.Fields, request.Fields, answer.RequestedAt,
            answer.ReceivedAt, front.Policy);
        RequestRules get = RequestRules.Of("GET"u8, request.Fields, front.Policy);
        Storability storability = Storing.Decide(get, copy.Key, CopyRules.Of(head, front.Policy), front.Policy);
        if (storability == Storability.Yes) front.Store.Update(copy, head, mark);
        else if (!IsOfRequest(storability)) front.Store.Remove(copy);
    }

    private static bool IsOfRequest(Storability storability) =>
        storability is Storability.Authorized or Storability.NoStoreAsked or Storability.Method;

    private async Task TakeInAsync(OriginExchange exchange, StoredHead head, Selection validated, long mark)
    {
        Taking taking = Judge(exchange, head, validated);
        Learn(exchange, taking, validated);
        using GrowingCopy growing = Grow(exchange, taking, mark);
        // The last reader may leave when the body has ended: it is not disposed, and holds nothing.
        CancellationTokenSource unread = new();
        bool isStored = taking.Storability == Storability.Yes && !plan.IsPassing;
        bool hasFieldsOfItsOwn = !isStored || taking.Rules.Directives.FieldsNotStored.Length > 0;
        _result.TrySetResult(new FetchResult
        {
            Growing = growing,
            Left = EndUnread,
            Rules = taking.Rules,
            Status = exchange.Status,
            IsStored = isStored,
            Slice = taking.Slice,
            LeaderFields = hasFieldsOfItsOwn ? EndToEnd.Of(exchange.Fields) : null,
            Length = exchange.Framing == BodyFraming.None ? null : exchange.Length,
            HasBody = exchange.Framing != BodyFraming.None,
        });
        // What passed through is not there any more for one who joins late, nor what was stored and let go of.
        await plan.Joined.ConfigureAwait(false);
        growing.Seal(isWanted: plan.IsRefresh);
        EndUnread();
        await PumpAsync(exchange, growing, unread.Token).ConfigureAwait(false);

        // An origin may be silent for half a minute before it is given up: nobody's connection is held so long.
        void EndUnread()
        {
            if (plan.Joined.IsCompleted && growing is { IsPassing: true, IsRead: false }) _ = unread.CancelAsync();
        }
    }

    // What may be stored, and came in one sound frame, becomes a copy; all else passes through.
    private Taking Judge(OriginExchange exchange, StoredHead head, Selection validated)
    {
        CopyRules rules = CopyRules.Of(head, front.Policy);
        Taking passing = new(rules, Storability.Status);
        if (request.Key is not { } key || !exchange.IsSoundlyFramed) return passing;
        if (exchange.Framing == BodyFraming.UntilClose) return passing;
        // A failure does not take the place of a copy that can stand in for it.
        if (Reuse.IsFailure(head.Status) && validated.Copy is not null
            && Reuse.OnFailure(request.Rules, validated.Rules!, front.Policy, front.Now)) return passing;
        Storability storability = Storing.Decide(request.Rules, key, rules, front.Policy);
        if (storability != Storability.Yes) return new Taking(rules, storability);
        SliceAnswer slice = plan.Extended is { } copy
            ? Slices.Judge(Selection.RulesOf(copy, front.Policy), copy.Length, plan.Asked, rules) : SliceAnswer.Refused;
        if (head.Status != 206 || plan.IsPassing) return new Taking(rules, storability) { Slice = slice };
        // Without a validator nothing is ever added to it, but it answers for its own bytes.
        if (!PartialContent.TryRead(head, out PartialContent part) || !plan.IsAsked(part)) return passing;
        if (plan.Extended is not null && slice == SliceAnswer.Refused) return passing;
        return new Taking(CopyRules.Of(part.WholeHead(head), front.Policy), storability) { Slice = slice, Part = part };
    }

    private void Learn(OriginExchange exchange, Taking taking, Selection validated)
    {
        bool isStorable = taking.Storability == Storability.Yes;
        bool isFailure = Reuse.IsFailure(exchange.Status);
        // What failed, or was this one client's alone, says nothing of the answers to others.
        bool isLesson = isStorable || !(isFailure || IsOfRequest(taking.Storability));
        if (request.Key is { } key && request.Rules.Method == MethodKind.Get && isLesson)
        {
            front.Uncacheable.Note(key, !isStorable);
        }
        bool isRefusal = exchange.Status is 401 or 403 or 407 or 429 || request.Rules.IsAuthorized;
        if (isStorable || isRefusal || validated.Copy is not { } old) return;
        if (Storing.Retires(exchange.Status, validated.Rules!, front.Now)) front.Store.Remove(old);
    }

    private GrowingCopy Grow(OriginExchange exchange, Taking taking, long mark)
    {
        CacheKey key = request.Key ?? new CacheKey("");
        StoredHead head = taking.Rules.Head;
        // What was asked for with the client's own conditions and ranges is the client's alone.
        if (taking.Storability != Storability.Yes || plan.IsPassing)
        {
            return front.Store.BeginPassing(key, head, exchange.Length);
        }
        if (taking.Part is not { } part) return front.Store.Begin(key, head, exchange.Length, mark);
        return taking.Slice == SliceAnswer.Fits ? front.Store.Extend(plan.Extended!, part.Range)
            : front.Store.BeginPart(key, head, part.Complete!.Value, part.Range, mark);
    }

    // What becomes of an answer.
    private sealed record Taking(CopyRules Rules, Storability Storability)
    {
        public SliceAnswer Slice { get; init; } = SliceAnswer.Refused;

        public PartialContent? Part { get; init; }
    }

    private async Task PumpAsync(
        OriginExchange exchange, GrowingCopy growing, CancellationToken unread)
    {
        UnreadPace pace = new(front.Time);
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (await exchange.ReadAsync(buffer, unread).ConfigureAwait(false) is > 0 and var read)
            {
                if (pace.IsTooSlow(read, growing.IsRead)) return;
                if (!await growing.WriteAsync(buffer.AsMemory(0, read), unread).ConfigureAwait(false)) return;
            }
            growing.Complete();
        }
        catch (OriginException exception)
        {
            growing.Abort(exception.Message);
        }
        catch (OperationCanceledException)
        {
            growing.Abort("nobody wants it any more");
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
