using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>What of a request matters to the cache, read once.</summary>
public readonly record struct RequestRules
{
    /// <summary>What kind of method it has.</summary>
    public MethodKind Method { get; private init; }

    /// <summary>True when it has Authorization (RFC 9111, section 3.5).</summary>
    public bool IsAuthorized { get; private init; }

    /// <summary>Cache-Control: no-store (RFC 9111, section 5.2.1.5).</summary>
    public bool NoStore { get; private init; }

    /// <summary>Cache-Control: no-cache, or Pragma: no-cache without Cache-Control (RFC 9111, sections 5.2.1.4 and
    /// 5.4).</summary>
    public bool NoCache { get; private init; }

    /// <summary>Cache-Control: only-if-cached (RFC 9111, section 5.2.1.7).</summary>
    public bool OnlyIfCached { get; private init; }

    /// <summary>Cache-Control: max-age, in seconds (RFC 9111, section 5.2.1.1).</summary>
    public long? MaxAge { get; private init; }

    /// <summary>Cache-Control: min-fresh, in seconds (RFC 9111, section 5.2.1.3).</summary>
    public long MinFresh { get; private init; }

    /// <summary>Cache-Control: max-stale, in seconds; without a number any staleness (RFC 9111, section
    /// 5.2.1.2).</summary>
    public long? MaxStale { get; private init; }

    /// <summary>Reads a request.</summary>
    public static RequestRules Of<TFields>(ReadOnlySpan<byte> method, in TFields fields, CachePolicy policy)
        where TFields : IFields, allows ref struct
    {
        RequestRules rules = new() { Method = KindOf(method), IsAuthorized = fields.Has("Authorization"u8) };
        if (!policy.HonoursRequests) return rules;
        if (!fields.Has("Cache-Control"u8))
        {
            return rules with { NoCache = Tokens.Names(fields.Joined("Pragma"u8), "no-cache"u8) };
        }
        DirectiveReader reader = new(fields.Joined("Cache-Control"u8));
        while (reader.Next()) rules = rules.With(reader);
        return rules;
    }

    /// <summary>What kind of method one is (RFC 9110, section 9.2.1). Names are case-sensitive, and one that is not
    /// known might change anything.</summary>
    public static MethodKind KindOf(ReadOnlySpan<byte> method) =>
        method.SequenceEqual("GET"u8) ? MethodKind.Get
        : method.SequenceEqual("HEAD"u8) ? MethodKind.Head
        : method.SequenceEqual("POST"u8) ? MethodKind.Post
        : method.SequenceEqual("OPTIONS"u8) || method.SequenceEqual("TRACE"u8) ? MethodKind.OtherSafe
        : MethodKind.OtherUnsafe;

    private RequestRules With(in DirectiveReader read)
    {
        ReadOnlySpan<byte> name = read.Name;
        bool isNumber = DeltaSeconds.TryRead(read.Argument, out long seconds) && !read.IsMalformed;
        if (Is(name, "no-store"u8)) return this with { NoStore = true };
        if (Is(name, "no-cache"u8)) return this with { NoCache = true };
        if (Is(name, "only-if-cached"u8)) return this with { OnlyIfCached = true };
        if (Is(name, "max-stale"u8) && !read.HasArgument) return this with { MaxStale = MaxStale ?? DeltaSeconds.Most };
        // Advice that cannot be read is none.
        if (!isNumber) return this;
        if (Is(name, "max-age"u8)) return this with { MaxAge = MaxAge ?? seconds };
        if (Is(name, "min-fresh"u8)) return this with { MinFresh = Math.Max(MinFresh, seconds) };
        return Is(name, "max-stale"u8) ? this with { MaxStale = MaxStale ?? seconds } : this;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other) => Ascii.EqualsIgnoreCase(name, other);
}

/// <summary>What a method means to a cache (RFC 9110, section 9.2).</summary>
public enum MethodKind
{
    /// <summary>GET: copies are of its answers.</summary>
    Get,

    /// <summary>HEAD: answered from copies; its answers update them.</summary>
    Head,

    /// <summary>POST: it makes copies invalid, and may leave one.</summary>
    Post,

    /// <summary>Another that changes nothing: passed through.</summary>
    OtherSafe,

    /// <summary>Any other: passed through, and it makes copies invalid.</summary>
    OtherUnsafe,
}
