using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Origin;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>What came of a fetch when its head was there.</summary>
internal sealed record FetchResult
{
    /// <summary>True when nothing was asked, since the copies had changed.</summary>
    public bool IsGivenUp { get; init; }

    /// <summary>The origin could not be asked.</summary>
    public OriginException? Failure { get; init; }

    /// <summary>The copy that the origin confirmed.</summary>
    public Copy? Validated { get; init; }

    /// <summary>The body as it comes.</summary>
    public GrowingCopy? Growing { get; init; }

    /// <summary>Told whenever a reader of the body has left. Any thread; quick.</summary>
    public Action Left { get; init; } = static () => { };

    /// <summary>What the head allows; null after a failure.</summary>
    public CopyRules? Rules { get; init; }

    /// <summary>The status of the origin's answer.</summary>
    public int Status { get; init; }

    /// <summary>True when it becomes a copy.</summary>
    public bool IsStored { get; init; }

    /// <summary>The fields for whoever it was asked for, where they are others than those that are stored: of what is
    /// not stored all, Age among them.</summary>
    public HeaderFields? LeaderFields { get; init; }

    /// <summary>What came where part of a copy was asked for.</summary>
    public SliceAnswer Slice { get; init; } = SliceAnswer.Refused;

    /// <summary>Length of the body, where it is known.</summary>
    public long? Length { get; init; }

    /// <summary>False for what has none by its status or method.</summary>
    public bool HasBody { get; init; }
}
