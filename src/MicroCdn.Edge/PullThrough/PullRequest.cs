using System.Diagnostics;
using MicroCdn.Caching;
using MicroCdn.Content;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>A request that cannot be answered at once, kept beyond the moment that it came in.</summary>
internal sealed class PullRequest
{
    /// <summary>Keeps what is needed of it.</summary>
    public PullRequest(in Request request, OriginPlace place, CacheKey? key, in RequestRules rules)
    {
        (Place, Key, Rules) = (place, key, rules);
        Method = request.MethodName.ToArray();
        Fields = PurgedField.Without(request.ToFields());
        // What the key dropped of the query the origin does not see either; what changes something goes as it came.
        bool isOfKey = key is not null && rules.Method is MethodKind.Get or MethodKind.Head;
        Target = isOfKey ? place.TargetOf(key!.Value) : request.Target.ToArray();
        Body = request.TakeBody();
    }

    public OriginPlace Place { get; }

    /// <summary>Null when the target is too long to be stored.</summary>
    public CacheKey? Key { get; }

    public RequestRules Rules { get; }

    public byte[] Method { get; }

    public byte[] Target { get; }

    public HeaderFields Fields { get; }

    public RequestBody? Body { get; }

    /// <summary>What must be purged here before it is answered; null for nothing.</summary>
    public IReadOnlyList<PurgeDemand>? Demands { get; init; }

    /// <summary>The span of the client's request; null for nearly all.</summary>
    public Activity? Span { get; init; }

    public bool IsHead => Rules.Method == MethodKind.Head;
}
