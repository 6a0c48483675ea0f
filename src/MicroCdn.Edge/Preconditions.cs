using MicroCdn.Protocol;

namespace MicroCdn.Edge;

/// <summary>Decides whether a GET or HEAD is worth its answer, by what the client says it already has (RFC 9110,
/// section 13).</summary>
/// <remarks>
/// Each field is the whole field value, empty when absent. What is malformed says nothing: a list of tags that cannot
/// be read matches nothing, a date that cannot be read counts as absent (sections 13.1.3 and 13.1.4). So the worst that
/// a broken client gets is a transfer that it might have been spared, or a refusal that it asked for.
/// </remarks>
internal readonly ref struct Preconditions
{
    /// <summary>If-Match: entity tags, or <c>*</c> (RFC 9110, section 13.1.1).</summary>
    public ReadOnlySpan<byte> IfMatch { get; init; }

    /// <summary>If-None-Match: entity tags, or <c>*</c> (RFC 9110, section 13.1.2).</summary>
    public ReadOnlySpan<byte> IfNoneMatch { get; init; }

    /// <summary>If-Modified-Since: a date (RFC 9110, section 13.1.3).</summary>
    public ReadOnlySpan<byte> IfModifiedSince { get; init; }

    /// <summary>If-Unmodified-Since: a date (RFC 9110, section 13.1.4).</summary>
    public ReadOnlySpan<byte> IfUnmodifiedSince { get; init; }

    /// <summary>If-Range: an entity tag or a date (RFC 9110, section 13.1.5).</summary>
    public ReadOnlySpan<byte> IfRange { get; init; }

    /// <summary>Evaluates the fields for a representation that exists, in the order of RFC 9110, section
    /// 13.2.2.</summary>
    /// <param name="entityTag">Its strong entity tag with the quotes; empty while it is not known: then only <c>*</c>
    /// matches it.</param>
    /// <param name="lastModified">Its Last-Modified in seconds since 1970.</param>
    /// <param name="now">The time now in seconds since 1970, for years of two digits.</param>
    public PreconditionResult Evaluate(ReadOnlySpan<byte> entityTag, long lastModified, long now)
    {
        // Steps 1 and 2: a tag is surer than a date, so the date is not even looked at beside it.
        if (!IfMatch.IsEmpty)
        {
            if (!EntityTags.Match(IfMatch, entityTag, strongly: true)) return PreconditionResult.Failed;
        }
        else if (HttpDate.TryParse(IfUnmodifiedSince, now, out long unmodifiedSince) && lastModified > unmodifiedSince)
        {
            return PreconditionResult.Failed;
        }

        // Steps 3 and 4, likewise.
        if (!IfNoneMatch.IsEmpty)
        {
            return EntityTags.Match(IfNoneMatch, entityTag, strongly: false)
                ? PreconditionResult.NotModified : PreconditionResult.Proceed;
        }
        return HttpDate.TryParse(IfModifiedSince, now, out long modifiedSince) && lastModified <= modifiedSince
            ? PreconditionResult.NotModified : PreconditionResult.Proceed;
    }

    /// <summary>True when a Range field may be followed (RFC 9110, section 13.1.5, step 5 of section 13.2.2).</summary>
    /// <remarks>
    /// A date is strong only when the second that it names had ended before this one began: in that second the file
    /// may have changed again (RFC 9110, section 8.8.2.2).
    /// </remarks>
    /// <param name="entityTag">The strong entity tag with the quotes; empty while it is not known.</param>
    /// <param name="lastModified">Last-Modified in seconds since 1970.</param>
    /// <param name="now">The time now in seconds since 1970.</param>
    public bool AllowRange(ReadOnlySpan<byte> entityTag, long lastModified, long now)
    {
        if (IfRange.IsEmpty) return true;
        if (HttpDate.TryParse(IfRange, now, out long date)) return date == lastModified && date < now - 1;
        return EntityTags.IsOne(IfRange) && EntityTags.Match(IfRange, entityTag, strongly: true);
    }
}

/// <summary>What the preconditions of a GET or HEAD come to.</summary>
internal enum PreconditionResult
{
    /// <summary>Answer as if there were none.</summary>
    Proceed,

    /// <summary>304: the client has it already (RFC 9110, section 15.4.5).</summary>
    NotModified,

    /// <summary>412: the client wants another state of it (RFC 9110, section 15.5.13).</summary>
    Failed,
}
