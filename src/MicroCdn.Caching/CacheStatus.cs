using System.Buffers.Text;

namespace MicroCdn.Caching;

/// <summary>What Cache-Status says of one answer (RFC 9211).</summary>
/// <param name="Outcome">How it went.</param>
public readonly record struct CacheStatus(Outcome Outcome)
{
    /// <summary>The longest value beside the cache's name, in bytes.</summary>
    public const int MostBytes = 160;

    /// <summary>What the origin answered; null when it did not, or was not asked.</summary>
    public int? ForwardStatus { get; init; }

    /// <summary>How long the copy stays fresh, in seconds; negative when it is stale.</summary>
    public long? SecondsLeft { get; init; }

    /// <summary>True when the answer was stored.</summary>
    public bool IsStored { get; init; }

    /// <summary>True when it was asked for once for several requests.</summary>
    public bool IsCollapsed { get; init; }

    /// <summary>Writes the value; returns its length.</summary>
    /// <param name="name">The cache's name: a token.</param>
    /// <param name="target">At least <see cref="MostBytes"/> more than the name.</param>
    public int Write(ReadOnlySpan<byte> name, Span<byte> target)
    {
        int length = Add(name, target, 0);
        // A copy that stands in for an origin was still asked for: it was stale (RFC 9211, sections 2.1 and 2.2).
        bool isForwarded = Outcome.IsForwarded() || Outcome == Outcome.HitError;
        if (isForwarded)
        {
            length = Add("; fwd="u8, target, length);
            length = Add(Outcome == Outcome.HitError ? "stale"u8 : Outcome.Word(), target, length);
            if (ForwardStatus is { } status) length += Number("; fwd-status="u8, status, target[length..]);
        }
        else if (Outcome is not (Outcome.OnlyIfCached or Outcome.Loop))
        {
            length = Add("; hit"u8, target, length);
        }
        if (SecondsLeft is { } left) length += Number("; ttl="u8, left, target[length..]);
        if (IsStored) length = Add("; stored"u8, target, length);
        if (IsCollapsed) length = Add("; collapsed"u8, target, length);
        bool isDetailed = Outcome is Outcome.HitStale or Outcome.HitError or Outcome.OnlyIfCached or Outcome.Loop;
        if (!isDetailed) return length;
        length = Add("; detail="u8, target, length);
        return Add(Outcome.Word(), target, length);
    }

    private static int Number(ReadOnlySpan<byte> name, long number, Span<byte> target)
    {
        int length = Add(name, target, 0);
        Utf8Formatter.TryFormat(number, target[length..], out int written);
        return length + written;
    }

    private static int Add(ReadOnlySpan<byte> part, Span<byte> target, int at)
    {
        part.CopyTo(target[at..]);
        return at + part.Length;
    }
}
