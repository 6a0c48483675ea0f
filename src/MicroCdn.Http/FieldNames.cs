namespace MicroCdn.Http;

/// <summary>The names of the fields in <see cref="Field"/>, as they stand on the wire.</summary>
internal static class FieldNames
{
    /// <summary>The field of a name in any case; <see cref="Field.None"/> for one that nobody looks at.</summary>
    public static Field Find(ReadOnlySpan<byte> name)
    {
        Field field = ByLength(name);
        return field != Field.None && System.Text.Ascii.EqualsIgnoreCase(name, Name(field)) ? field : Field.None;
    }

    // Length and, where several share it, one letter leave one candidate.
    private static Field ByLength(ReadOnlySpan<byte> name) => name.Length switch
    {
        4 => Field.Host,
        5 => Field.Range,
        6 => (name[0] | 0x20) switch { 'o' => Field.Origin, 'e' => Field.Expect, _ => Field.Accept },
        7 => Field.Referer,
        8 => (name[3] | 0x20) == 'm' ? Field.IfMatch : Field.IfRange,
        10 => (name[0] | 0x20) == 'c' ? Field.Connection : Field.UserAgent,
        13 => Field.IfNoneMatch,
        14 => Field.ContentLength,
        15 => (name[0] | 0x20) == 'a' ? Field.AcceptEncoding : Field.XForwardedFor,
        16 => Field.WantReprDigest,
        17 => (name[0] | 0x20) == 'i' ? Field.IfModifiedSince : Field.TransferEncoding,
        19 => Field.IfUnmodifiedSince,
        _ => Field.None,
    };

    private static ReadOnlySpan<byte> Name(Field field) => field switch
    {
        Field.Host => "host"u8,
        Field.Connection => "connection"u8,
        Field.ContentLength => "content-length"u8,
        Field.TransferEncoding => "transfer-encoding"u8,
        Field.Accept => "accept"u8,
        Field.AcceptEncoding => "accept-encoding"u8,
        Field.Range => "range"u8,
        Field.IfRange => "if-range"u8,
        Field.IfMatch => "if-match"u8,
        Field.IfNoneMatch => "if-none-match"u8,
        Field.IfModifiedSince => "if-modified-since"u8,
        Field.IfUnmodifiedSince => "if-unmodified-since"u8,
        Field.WantReprDigest => "want-repr-digest"u8,
        Field.Origin => "origin"u8,
        Field.Expect => "expect"u8,
        Field.XForwardedFor => "x-forwarded-for"u8,
        Field.Referer => "referer"u8,
        Field.UserAgent => "user-agent"u8,
        _ => default,
    };
}
