using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Asks the origin whether a copy is still good, and uses its answer (RFC 9111, section 4.3).</summary>
public static class Validation
{
    /// <summary>Adds the copy's own validators to a request, in place of the client's (RFC 9111, section 4.3.1). Both
    /// are sent where there are both, for origins that know one alone.</summary>
    public static void AddConditions(HeaderFields.Builder request, CopyRules copy)
    {
        if (!copy.Tag.IsEmpty) request.Add("If-None-Match"u8, copy.Tag.Span);
        if (copy.LastModified is null) return;
        request.Add("If-Modified-Since"u8, copy.Head.Fields.First("Last-Modified"u8));
    }

    /// <summary>True when a 304 is about a copy (RFC 9111, section 4.3.4).</summary>
    /// <remarks>
    /// Its strong tag must be the copy's, else no copy may be changed by it, and the origin is to be asked again
    /// without conditions. A 304 without any validator is taken for the copy whose validators were sent.
    /// </remarks>
    public static bool IsAbout(CopyRules copy, HeaderFields notModified)
    {
        ReadOnlySpan<byte> tag = notModified.First("ETag"u8);
        if (!tag.IsEmpty)
        {
            if (!EntityTag.IsOne(tag) || copy.Tag.IsEmpty) return false;
            return EntityTag.IsStrong(tag) ? tag.SequenceEqual(copy.Tag.Span)
                : EntityTag.AreWeaklyEqual(tag, copy.Tag.Span);
        }
        long? modified = Fields.Date(notModified, "Last-Modified"u8, copy.Head.ReceivedAt);
        return modified is null || copy.LastModified is null || modified == copy.LastModified;
    }

    /// <summary>A head with the fields of a 304, or of the answer to a HEAD, in place of its own of the same names (RFC
    /// 9111, section 3.2). Those that describe the body stay, and so does Set-Cookie where cookies are not
    /// stored.</summary>
    /// <param name="head">The head of the copy.</param>
    /// <param name="update">The fields that came.</param>
    /// <param name="request">The request that was answered, as the origin got it: Vary may have changed.</param>
    /// <param name="requestedAt">When it was asked, in seconds since 1970.</param>
    /// <param name="receivedAt">When the answer came, in seconds since 1970.</param>
    /// <param name="policy">The operator's choices.</param>
    /// <returns>The head. Whether it may be stored is to be decided again: the origin may have said private.</returns>
    public static StoredHead Update<TFields>(StoredHead head, HeaderFields update, in TFields request,
        long requestedAt, long receivedAt, CachePolicy policy)
        where TFields : IFields, allows ref struct
    {
        HeaderFields news = EndToEnd.ForStorage(update, Directives.Of(update));
        HeaderFields.Builder merged = new();
        for (int line = 0; line < head.Fields.Count; line++)
        {
            ReadOnlySpan<byte> name = head.Fields.NameAt(line);
            if (StaysStored(name, policy) || !news.Has(name)) merged.Add(head.Fields, line);
        }
        for (int line = 0; line < news.Count; line++)
        {
            if (!StaysStored(news.NameAt(line), policy)) merged.Add(news, line);
        }
        HeaderFields fields = merged.Build();
        return head with
        {
            Fields = fields,
            Selecting = news.Has("Vary"u8) ? Vary.Selecting(fields, request) : head.Selecting,
            RequestedAt = requestedAt,
            ReceivedAt = receivedAt,
            AgeAtReceipt = DeltaSeconds.Age(update),
        };
    }

    /// <summary>What the answer to a HEAD does to a copy (RFC 9111, section 4.3.5).</summary>
    public static HeadEffect OfHead(CopyRules copy, int status, HeaderFields head)
    {
        if (status != 200 || copy.Head.Status != 200) return HeadEffect.None;
        bool isSame = IsSame(copy, head, "ETag"u8) && IsSame(copy, head, "Last-Modified"u8)
            && IsSame(copy, head, "Content-Length"u8);
        return isSame ? HeadEffect.Update : HeadEffect.Stale;
    }

    private static bool IsSame(CopyRules copy, HeaderFields head, ReadOnlySpan<byte> name) =>
        !head.Has(name) || !copy.Head.Fields.Has(name) || head.First(name).SequenceEqual(copy.Head.Fields.First(name));

    // The bytes that are stored are what these say, whatever the origin says of bytes that it did not send.
    private static bool StaysStored(ReadOnlySpan<byte> name, CachePolicy policy) =>
        Is(name, "Content-Length"u8) || Is(name, "Content-Encoding"u8) || Is(name, "Content-Range"u8)
        || Is(name, "Content-MD5"u8) || Is(name, "Digest"u8) || Is(name, "Content-Digest"u8)
        || Is(name, "Repr-Digest"u8) || Is(name, "ETag"u8)
        || (!policy.StoresCookies && (Is(name, "Set-Cookie"u8) || Is(name, "Set-Cookie2"u8)));

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other) => Ascii.EqualsIgnoreCase(name, other);
}

/// <summary>What the answer to a HEAD does to a copy.</summary>
public enum HeadEffect
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is the same: its fields update the copy.</summary>
    Update,

    /// <summary>The origin has another: the copy counts as stale.</summary>
    Stale,
}
