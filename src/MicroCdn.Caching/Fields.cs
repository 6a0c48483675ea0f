using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Reads values of fields that may stand only once.</summary>
internal static class Fields
{
    /// <summary>A date of a response, as it is read to calculate freshness (RFC 9111, section 4.2); null when the field
    /// is absent, stands in several lines, or cannot be read.</summary>
    public static long? Date(HeaderFields fields, ReadOnlySpan<byte> name, long now)
    {
        int line = fields.IndexOf(name);
        return line >= 0 && fields.IndexOf(name, line + 1) < 0
            && HttpDate.TryParseLeniently(fields.ValueAt(line), now, out long date) ? date : null;
    }
}
