namespace MicroCdn.Caching;

/// <summary>Compares entity tags (RFC 9110, section 8.8.3).</summary>
internal static class EntityTag
{
    /// <summary>True when a value is one entity tag and nothing else.</summary>
    public static bool IsOne(ReadOnlySpan<byte> value) => !value.IsEmpty && LengthOf(value) == value.Length;

    /// <summary>True when a tag that is well-formed is strong.</summary>
    public static bool IsStrong(ReadOnlySpan<byte> tag) => !tag.StartsWith("W/"u8);

    /// <summary>True when two tags are the same if their weakness does not matter (section 8.8.3.2).</summary>
    public static bool AreWeaklyEqual(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other) =>
        Opaque(one).SequenceEqual(Opaque(other));

    /// <summary>True when If-None-Match is <c>*</c> or names a tag (section 13.1.2). One that is malformed anywhere
    /// names nothing.</summary>
    public static bool IsNamed(ReadOnlySpan<byte> list, ReadOnlySpan<byte> tag)
    {
        list = list.Trim(Tokens.Blanks);
        if (list.SequenceEqual("*"u8)) return true;
        bool found = false;
        while (!(list = list.TrimStart(", \t"u8)).IsEmpty)
        {
            int length = LengthOf(list);
            if (length == 0) return false;
            found |= !tag.IsEmpty && AreWeaklyEqual(list[..length], tag);
            list = list[length..].TrimStart(Tokens.Blanks);
            if (!list.IsEmpty && list[0] != ',') return false;
        }
        return found;
    }

    private static ReadOnlySpan<byte> Opaque(ReadOnlySpan<byte> tag) => IsStrong(tag) ? tag : tag[2..];

    private static int LengthOf(ReadOnlySpan<byte> text)
    {
        int weak = text.StartsWith("W/"u8) ? 2 : 0;
        if (text.Length < weak + 2 || text[weak] != '"') return 0;
        for (int at = weak + 1; at < text.Length; at++)
        {
            if (text[at] == '"') return at + 1;
            if (text[at] is <= 0x20 or 0x7F) return 0;
        }
        return 0;
    }
}
