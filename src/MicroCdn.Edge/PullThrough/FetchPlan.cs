using System.Text;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>How an origin is asked for something.</summary>
internal sealed class FetchPlan
{
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The copy whose validators are sent; none for a plain request.</summary>
    public Selection Validated { get; init; }

    /// <summary>The copy that lacks what is asked for.</summary>
    public Copy? Extended { get; init; }

    /// <summary>The Range field that is sent; empty for none.</summary>
    public string Range { get; init; } = "";

    /// <summary>The bytes that it asks for, where a copy lacks them.</summary>
    public ByteRange Asked { get; init; }

    /// <summary>True when the client's own conditions and ranges go on: nothing is expected to be stored.</summary>
    public bool IsPassing { get; init; }

    /// <summary>True when a stale copy is refreshed, and no client waits for it.</summary>
    public bool IsRefresh { get; init; }

    /// <summary>Done when the only client that wanted it has left; never, where others may come.</summary>
    public CancellationToken Leaving { get; init; }

    /// <summary>Hears interim answers.</summary>
    public Action<int, HeaderFields>? Informational { get; init; }

    /// <summary>Done once whoever asked reads the body, or does not want it.</summary>
    public Task Joined => _joined.Task;

    /// <summary>Says that the reader is there, or will not come.</summary>
    public void Join() => _joined.TrySetResult();

    /// <summary>True when a 206 brings bytes that were asked for. Where the client's own range went on that is his
    /// business, and only its place in the whole must be known.</summary>
    public bool IsAsked(PartialContent part)
    {
        if (part.Complete is not { } complete) return false;
        if (Range.Length == 0) return IsPassing;
        ByteRanges asked = ByteRanges.Parse(Encoding.ASCII.GetBytes(Range), complete);
        return asked.Kind == RangeKind.Single && part.Range.Offset == asked.Single.Offset
            && part.Range.End <= asked.Single.End;
    }

    /// <summary>The fields of the request to the origin.</summary>
    public HeaderFields FieldsFor(PullRequest request, Selection validated, OriginFront front)
    {
        if (IsPassing || request.Key is null || request.Rules.Method is not (MethodKind.Get or MethodKind.Head))
        {
            return OriginFields.ForPassing(request.Fields, front.Name).Build();
        }
        HeaderFields.Builder fields = OriginFields.ForStorage(request.Fields, front.Name, front.Policy);
        if (validated.Rules is { } rules && !request.IsHead) Validation.AddConditions(fields, rules);
        if (Range.Length > 0) fields.Add("Range"u8, Encoding.ASCII.GetBytes(Range));
        if (Extended is { } copy)
        {
            fields.Add("If-Range"u8, Selection.RulesOf(copy, front.Policy).StrongValidator);
        }
        return fields.Build();
    }
}
