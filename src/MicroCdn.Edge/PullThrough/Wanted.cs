using MicroCdn.Caching;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>What of a representation a client gets, once its conditions and ranges are judged (RFC 9110, sections 13
/// and 14).</summary>
/// <param name="Kind">Which kind of answer.</param>
/// <param name="Range">The bytes that are needed for it; none for a head alone.</param>
/// <param name="IsHeadOnly">True for HEAD.</param>
internal readonly record struct Wanted(WantedKind Kind, ByteRange Range, bool IsHeadOnly)
{
    /// <summary>Judges a request against a copy.</summary>
    /// <param name="fields">The fields of the request.</param>
    /// <param name="rules">The copy.</param>
    /// <param name="length">Length of the complete body; null where nobody knows, and then there are no ranges.</param>
    /// <param name="isHead">True for HEAD.</param>
    /// <param name="now">Seconds since 1970.</param>
    public static Wanted Of<TFields>(in TFields fields, CopyRules rules, long? length, bool isHead, long now)
        where TFields : IFields, allows ref struct
    {
        if (Conditions.AreNotModified(fields, rules)) return new Wanted(WantedKind.NotModified, default, isHead);
        if (isHead) return new Wanted(WantedKind.Whole, default, true);
        ByteRange all = new(0, length ?? long.MaxValue);
        if (length is not { } known || rules.Head.Status != 200 || !fields.Has("Range"u8))
        {
            return new Wanted(WantedKind.Whole, all, false);
        }
        Preconditions preconditions = new() { IfRange = fields.Joined("If-Range"u8) };
        bool isAllowed = preconditions.AllowRange(rules.StrongValidator is [(byte)'"', ..] tag ? tag : default,
            rules.LastModified ?? long.MinValue, now);
        ByteRanges ranges = isAllowed ? ByteRanges.Parse(fields.Joined("Range"u8), known) : default;
        return ranges.Kind switch
        {
            RangeKind.Single => new Wanted(WantedKind.Part, ranges.Single, false),
            RangeKind.Unsatisfiable => new Wanted(WantedKind.Nothing, default, false),
            // Several parts of a copy are not worth a second form of it: the whole answers them too (section 14.2).
            _ => new Wanted(WantedKind.Whole, all, false),
        };
    }
}

/// <summary>The kinds of answers to a GET or HEAD.</summary>
internal enum WantedKind
{
    /// <summary>The whole, with the copy's own status.</summary>
    Whole,

    /// <summary>206.</summary>
    Part,

    /// <summary>304.</summary>
    NotModified,

    /// <summary>416: no byte of the range exists.</summary>
    Nothing,
}
