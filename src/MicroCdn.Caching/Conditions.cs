using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Answers a client's conditional request from a copy (RFC 9111, section 4.3.2).</summary>
/// <remarks>If-Match and If-Unmodified-Since are for the origin of a change; a cache may ignore them in a GET (RFC
/// 9110, sections 13.1.1 and 13.1.4), and this one does. If-Range and Range come after these.</remarks>
public static class Conditions
{
    /// <summary>True when the client has what the copy is of: the answer is 304.</summary>
    /// <param name="fields">The fields of the request. If-None-Match, where it is there, decides alone.</param>
    /// <param name="copy">The copy that would be sent. Only one of a 200 can be not modified (RFC 9110, section
    /// 13.2.1).</param>
    public static bool AreNotModified<TFields>(in TFields fields, CopyRules copy)
        where TFields : IFields, allows ref struct
    {
        if (copy.Head.Status != 200) return false;
        if (fields.Has("If-None-Match"u8)) return EntityTag.IsNamed(fields.Joined("If-None-Match"u8), copy.Tag.Span);
        // Without Last-Modified the Date counts, and without that when it came (RFC 9111, section 4.3.2). What the
        // client sends must be a date to the letter (RFC 9110, section 13.1.3): only freshness is read leniently.
        return fields.Has("If-Modified-Since"u8)
            && HttpDate.TryParse(fields.Joined("If-Modified-Since"u8), copy.Head.ReceivedAt, out long since)
            && (copy.LastModified ?? copy.Date) <= since;
    }

    /// <summary>True when a field of a copy belongs into a 304 of it: all but those that describe the body that is not
    /// sent (RFC 9110, section 15.4.5).</summary>
    public static bool IsIn304(ReadOnlySpan<byte> name) => !Is(name, "Content-Length"u8) && !Is(name, "Content-Type"u8)
        && !Is(name, "Content-Encoding"u8) && !Is(name, "Content-Language"u8) && !Is(name, "Content-Range"u8)
        && !Is(name, "Content-MD5"u8) && !Is(name, "Content-Digest"u8) && !Is(name, "Digest"u8);

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other) => Ascii.EqualsIgnoreCase(name, other);
}
