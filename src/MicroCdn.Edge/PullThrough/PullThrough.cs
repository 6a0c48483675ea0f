using System.Security.Cryptography.X509Certificates;
using System.Text;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Origin;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Edge.PullThrough;

/// <summary>A cache in front of origins: what it can answer from memory it answers at once, on the event loop; for all
/// else a task goes to the disk, and to the origin.</summary>
internal sealed class PullThrough : IDisposable
{
    private readonly Complaints _complaints;
    private readonly OriginTable _origins;

    /// <summary>Opens the store; nobody is asked yet.</summary>
    /// <exception cref="IOException">The folder for copies cannot be used.</exception>
    public PullThrough(PullOptions options, Complaints complaints, TimeProvider time, ILogger logger)
    {
        (_complaints, Time, Name) = (complaints, time, options.Name);
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
        X509Certificate2Collection? authorities = null;
        if (options.Authorities is { } file) (authorities = []).ImportFromPemFile(file);
        StreamDialer dialer = new();
        _origins = new OriginTable(options.Origins.Select(rule =>
        {
            if (!OriginAddress.TryParse(rule.Url.AbsoluteUri, out OriginAddress? address, out string? wrong))
            {
                throw new ArgumentException(wrong);
            }
            OriginOptions asked = new(address!) { Allowed = options.Allowed, Authorities = authorities };
            return new OriginPlace(rule, new OriginServer(asked, dialer, time, logger));
        }));
    }

    /// <summary>The name in Cache-Status, Via and CDN-Loop.</summary>
    public string Name { get; }

    /// <summary>The same in bytes.</summary>
    public byte[] NameBytes { get; }

    public CachePolicy Policy { get; }

    public CacheStore Store { get; }

    public TimeProvider Time { get; }

    public Fetches Fetches { get; } = new();

    public Uncacheable Uncacheable { get; } = new();

    /// <summary>Seconds since 1970.</summary>
    public long Now => Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>True when an origin is asked for such a request.</summary>
    public bool Takes(in Request request) => _origins.Find(request.Authority, request.Path) is not null;

    /// <summary>Answers a request, now or later; false when no origin has it.</summary>
    public bool TryHandle(in Request request, Response response)
    {
        if (_origins.Find(request.Authority, request.Path) is not { } place) return false;
        RequestLines fields = request.Lines;
        if (OriginFields.IsLoop(fields, NameBytes))
        {
            response.Explain(HttpStatus.LoopDetected, "This request was here before: the origin leads back to it.");
            return true;
        }
        if (place.IsPartOfSite && ClimbingPath.Is(request.Path))
        {
            response.Explain(HttpStatus.BadRequest, "The path must not climb: it has a segment of two dots.");
            return true;
        }
        RequestRules rules = RequestRules.Of(request.MethodName, fields, Policy);
        CacheKey? key = place.KeyOf(request.Path, request.Query, Policy);
        if (key is { } known && rules.Method is MethodKind.Get or MethodKind.Head && request.BodyLength == 0
            && TryHit(known, rules, fields, response)) return true;
        PullRequest kept = new(request, place, key, rules);
        Delivery delivery = new(this, kept, response);
        response.Later(delivery);
        _ = Task.Run(new Retrieval(this, kept, response, delivery).RunAsync);
        return true;
    }

    /// <summary>Asks for a stale copy anew behind everybody's back (RFC 5861, section 3).</summary>
    public void Refresh(PullRequest request, Selection selection)
    {
        FetchPlan plan = new() { Validated = selection };
        plan.Join();
        Fetches.Join(selection.Copy!.Key, $"{Fetches.PartOf(selection.Rules, request)}|",
            () => new Fetch(this, request, plan), out _);
    }

    /// <summary>Writes 504: only a copy was wanted.</summary>
    public void WriteOnlyIfCached(Response response)
    {
        response.Begin(HttpStatus.GatewayTimeout);
        AnswerHead.WriteStatus(response, new CacheStatus(Outcome.OnlyIfCached), NameBytes);
        response.Field("Content-Type"u8, "text/plain; charset=utf-8"u8);
        response.End("Only a copy was wanted, and there is none that may be used.\n"u8);
    }

    /// <summary>Says what went wrong, at a bounded rate.</summary>
    public void Complain(string what) => _complaints.Add(what);

    /// <summary>Closes everything; what is being fetched is given up.</summary>
    public void Dispose()
    {
        foreach (OriginPlace place in _origins.Places) place.Server.Dispose();
        Store.Dispose();
    }

    private bool TryHit(CacheKey key, in RequestRules rules, in RequestLines fields, Response response)
    {
        if (!Store.TryFind(key, out CopySet copies)) return false;
        long now = Now;
        Selection selection = Selection.Of(rules, fields, copies, Policy, now);
        // A stale one has a task begun for it; a missing one a fetch.
        if (selection.Outcome != Outcome.Hit) return false;
        Wanted wanted = Wanted.Of(fields, selection.Rules!, selection.Copy!.Length, response.IsHeadOnly, now);
        CacheStatus status = new(Outcome.Hit) { SecondsLeft = selection.Rules!.At(now).SecondsLeft };
        if (CopyAnswer.Take(selection, wanted, status, now, mayWait: false) is not { } answer) return false;
        Store.Touch(selection.Copy);
        answer.Write(response, NameBytes);
        return true;
    }
}
