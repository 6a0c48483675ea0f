using System.Security.Cryptography.X509Certificates;
using System.Text;
using MicroCdn.Access;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Content;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Origin;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Edge.PullThrough;

/// <summary>A cache in front of origins: what it can answer from memory it answers at once, on the event loop; for all
/// else a task goes to the disk, and to the origin.</summary>
internal sealed class OriginFront : IDisposable
{
    private readonly Complaints _complaints;
    private readonly OriginTable _origins;
    private readonly Shield? _shield;
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Opens the store; nobody is asked yet.</summary>
    /// <exception cref="IOException">The folder for copies cannot be used.</exception>
    public OriginFront(
        PullOptions options, ServedFiles files, Complaints complaints, TimeProvider time, ILogger logger)
    {
        (_complaints, Time, Name, Files) = (complaints, time, options.Name, files);
        NameBytes = Encoding.ASCII.GetBytes(options.Name);
        Policy = (options.IsConformant ? CachePolicy.Conformant : CachePolicy.Site) with
        {
            Query = options.QueryKeep.Count > 0 ? QueryRule.Keep(options.QueryKeep)
                : options.QueryDrop.Count > 0 ? QueryRule.Drop(options.QueryDrop) : QueryRule.KeepAll,
        };
        Store = new CacheStore(new CacheStoreOptions
        {
            Folder = options.Folder, DiskBytes = options.DiskBytes, MemoryBytes = options.MemoryBytes,
        }, time, logger);
        Fetches = new Fetches(Store);
        StreamDialer dialer = new();
        X509Certificate2Collection? authorities = null;
        if (options.Authorities is { } file) (authorities = []).ImportFromPemFile(file);
        OriginServer Server(string url, TimeSpan? firstByteTime = null)
        {
            if (!OriginAddress.TryParse(url, out OriginAddress? address, out string? wrong))
            {
                throw new ArgumentException(wrong);
            }
            OriginOptions asked = new(address!) { Allowed = options.Allowed, Authorities = authorities };
            if (firstByteTime is { } patience) asked = asked with { FirstByteTime = patience };
            return new OriginServer(asked, dialer, time, logger);
        }
        PurgeProgress progress = new();
        _shield = options.Parents.Count == 0 ? null : new Shield([.. options.Parents.Select(parent =>
            new Parent(parent.Id, parent.Id == options.Id ? null
                : Server(parent.Url.AbsoluteUri, Parent.FirstByteTime)))], progress);
        // A parent is asked by its own host, so that it would not know a rule for another one.
        _origins = new OriginTable(options.Origins.Select(rule =>
            new OriginPlace(rule, Server(rule.Url.AbsoluteUri), rule.Host.Length == 0 ? _shield : null)));
        Purges = new PurgeTarget(this, _origins, progress);
        // In memory alone there are no copies that somebody could have purged before.
        if (!options.WaitsForPurges || options.Folder is null) CatchUp();
    }

    /// <summary>The origins, by which requests go to them.</summary>
    public ReadOnlySpan<OriginPlace> Places => _origins.Places;

    /// <summary>Bytes of bodies that came from origins.</summary>
    public long FilledBytes
    {
        get
        {
            long bytes = 0;
            foreach (OriginPlace place in Places) bytes += place.Counters.BodyBytes;
            return bytes;
        }
    }

    /// <summary>Whether other caches of the fleet are asked before origins.</summary>
    public bool HasParents => _shield is not null;

    /// <summary>Bytes of bodies that came from other caches of the fleet.</summary>
    public long ParentBytes => _shield?.BodyBytes ?? 0;

    /// <summary>The name in Cache-Status, Via and CDN-Loop.</summary>
    public string Name { get; }

    /// <summary>The same in bytes.</summary>
    public byte[] NameBytes { get; }

    /// <summary>The library beside it, where what is sent is counted.</summary>
    public ServedFiles Files { get; }

    public CachePolicy Policy { get; }

    public CacheStore Store { get; }

    public TimeProvider Time { get; }

    public Fetches Fetches { get; }

    public Uncacheable Uncacheable { get; } = new();

    /// <summary>What purges are applied to.</summary>
    public PurgeTarget Purges { get; }

    /// <summary>Done once copies of earlier runs may be used.</summary>
    public Task CaughtUp => _caughtUp.Task;

    /// <summary>Seconds since 1970.</summary>
    public long Now => Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>True when an origin is asked for such a request.</summary>
    public bool Takes(in Request request) => _origins.Find(request.Authority, request.Path) is not null;

    /// <summary>Answers a request, now or later; false when no origin has it.</summary>
    public bool TryHandle(in Request request, Response response)
    {
        if (_origins.Find(request.Authority, request.Path) is not { } place) return false;
        response.NoteOrigin(place.Number);
        response.NoteRoute("pull");
        RequestLines fields = request.Lines;
        if (OriginFields.IsLoop(fields, NameBytes))
        {
            AnswerHead.Explain(response, HttpStatus.LoopDetected, new CacheStatus(Outcome.Loop), NameBytes,
                "This request was here before: the origin leads back to it.");
            return true;
        }
        if (place.IsPartOfSite && ClimbingPath.Is(request.Path))
        {
            response.Explain(HttpStatus.BadRequest, "The path must not climb: it has a segment of two dots.");
            return true;
        }
        if (request.Method == Method.Options && OriginFields.IsLastHop(fields))
        {
            response.Begin(HttpStatus.NoContent);
            response.Fields("Allow: GET, HEAD, OPTIONS\r\n"u8);
            response.EndEmpty();
            return true;
        }
        RequestRules rules = RequestRules.Of(request.MethodName, fields, Policy);
        ReadOnlySpan<char> text =
            place.KeyOf(request.Path, SignedLink.Without(request.Query), Policy,
                stackalloc char[OriginPlace.MostShort]);
        // A cache that has us for a parent, and has purged more than we.
        PurgeDemand[]? demands = IsQuestion(request, rules) && PurgedField.TryRead(fields, out PurgeDemand[] read)
            && Purges.Progress.IsBehind(read) ? read : null;
        if (demands is null && !text.IsEmpty && IsQuestion(request, rules)
            && TryHit(text, rules, fields, response)) return true;
        CacheKey? key = text.IsEmpty ? null : new CacheKey(text.ToString());
        PullRequest kept = new(request, place, key, rules) { Demands = demands, Span = response.Span };
        Delivery delivery = new(this, kept, response);
        response.Later(delivery);
        _ = Task.Run(new Retrieval(this, kept, response, delivery).RunAsync);
        return true;
    }

    /// <summary>Asks for a stale copy anew behind everybody's back (RFC 5861, section 3).</summary>
    public void Refresh(PullRequest request, Selection selection)
    {
        // Nobody's credentials are used for what everybody gets; the next client asks.
        if (request.Rules.IsAuthorized || request.IsHead) return;
        FetchPlan plan = new() { Validated = selection, IsRefresh = true };
        plan.Join();
        if (!Store.TryFind(selection.Copy!.Key, out CopySet seen)) return;
        Fetches.Join(selection.Copy.Key, $"{Fetches.PartOf(selection.Rules, request)}|", seen,
            () => new Fetch(this, request, plan), out _);
    }

    /// <summary>Takes out the copies of a key, and lets nobody join what was asked for before.</summary>
    public void Invalidate(CacheKey key)
    {
        Store.Invalidate(key);
        Fetches.Part(other => other == key.Text);
    }

    /// <summary>Writes 504: only a copy was wanted.</summary>
    public void WriteOnlyIfCached(Response response) => AnswerHead.Explain(response, HttpStatus.GatewayTimeout,
        new CacheStatus(Outcome.OnlyIfCached), NameBytes,
        "Only a copy was wanted, and there is none that may be used.");

    /// <summary>Lets copies of earlier runs be used.</summary>
    public void CatchUp() => _caughtUp.TrySetResult();

    /// <summary>Says what went wrong, at a bounded rate.</summary>
    public void Complain(string what) => _complaints.Add(what);

    /// <summary>Closes everything; what is being fetched is given up.</summary>
    public void Dispose()
    {
        foreach (OriginPlace place in _origins.Places) place.Close();
        _shield?.Dispose();
        Store.Dispose();
    }

    // Only these are answered from copies, and may be asked elsewhere when they are refused here.
    private static bool IsQuestion(in Request request, in RequestRules rules) =>
        rules.Method is MethodKind.Get or MethodKind.Head && request.BodyLength == 0;

    private bool TryHit(ReadOnlySpan<char> key, in RequestRules rules, in RequestLines fields, Response response)
    {
        if (!CaughtUp.IsCompleted || !Store.TryFind(key, out CopySet copies)) return false;
        long now = Now;
        Selection selection = Selection.Of(rules, fields, copies, Policy, now);
        // A stale one has a task begun for it; a missing one a fetch.
        if (selection.Outcome != Outcome.Hit) return false;
        Wanted wanted = Wanted.Of(fields, selection.Rules!, selection.Copy!.Length, response.IsHeadOnly, now);
        CacheStatus status = new(Outcome.Hit) { SecondsLeft = selection.Rules!.At(now).SecondsLeft };
        if (CopyAnswer.Take(Store, selection, wanted, status, now, mayWait: false) is not { } answer) return false;
        Store.Touch(selection.Copy);
        answer.Write(response, this);
        return true;
    }
}
