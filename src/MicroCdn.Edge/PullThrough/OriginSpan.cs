using System.Diagnostics;
using System.Text;
using MicroCdn.Http.Tracing;
using MicroCdn.Origin;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>The span of asking an origin, or a parent before it; mostly there is none.</summary>
/// <remarks>It belongs to the request for which the origin is asked. Those that join the same fetch wait for it in
/// spans of their own.</remarks>
internal sealed class OriginSpan : IDisposable
{
    private static readonly OriginSpan None = new(null);

    private readonly Activity? _span;
    private int _status;
    private string? _trouble;

    private OriginSpan(Activity? span) => _span = span;

    /// <summary>Begins one if the client's request has one.</summary>
    public static OriginSpan Begin(PullRequest request)
    {
        if (request.Span is not { } parent) return None;
        Uri origin = request.Place.Rule.Url;
        // Without the query, which may hold a key.
        string target = Encoding.Latin1.GetString(request.Target).Split('?')[0];
        Activity? span = Tracer.BeginQuestion(parent, Encoding.ASCII.GetString(request.Method), origin.Authority,
            $"{origin.GetLeftPart(UriPartial.Path).TrimEnd('/')}{target}");
        return span is null ? None : new OriginSpan(span);
    }

    /// <summary>The fields of the question with this span in them. Without one they go on as they came: so does the
    /// client's traceparent, as a server that takes no part passes it on (W3C Trace Context, section 4.3).</summary>
    public HeaderFields Carried(HeaderFields fields) =>
        _span is null ? fields : TraceParent.Put(fields, _span.Context);

    /// <summary>Notes the status of the answer.</summary>
    public void Answered(int status)
    {
        if (_span is not null) _status = status;
    }

    /// <summary>Notes why there is none, or no whole one.</summary>
    public void Failed(OriginFailure failure)
    {
        if (_span is not null) _trouble = failure.Word;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // For who asks, a client's mistake is an error too (semantic conventions for HTTP spans, section Status).
        if (_span is not null) Tracer.End(_span, _status, _trouble ?? (_status >= 400 ? $"{_status}" : null));
    }
}
