namespace MicroCdn.Edge;

/// <summary>Compares the entity tags of a field with that of a representation (RFC 9110, section 8.8.3).</summary>
internal static class EntityTags
{
    private static ReadOnlySpan<byte> Blanks => " \t"u8;

    /// <summary>True when a list of tags (RFC 9110, sections 13.1.1 and 13.1.2) is <c>*</c> or holds the tag.</summary>
    /// <param name="list">The field value. One that is malformed anywhere matches nothing.</param>
    /// <param name="tag">The representation's strong tag with the quotes; empty while it is not known.</param>
    /// <param name="strongly">Whether a weak tag in the list counts as different (RFC 9110, section 8.8.3.2).</param>
    public static bool Match(ReadOnlySpan<byte> list, ReadOnlySpan<byte> tag, bool strongly)
    {
        list = list.Trim(Blanks);
        if (list.SequenceEqual("*"u8)) return true;
        bool found = false;
        while (true)
        {
            // Empty elements mean nothing (RFC 9110, section 5.6.1.2).
            list = list.TrimStart(Blanks);
            if (list.IsEmpty) return found;
            if (list[0] == ',')
            {
                list = list[1..];
                continue;
            }
            int length = LengthOf(list, out int weak);
            if (length == 0) return false;
            found |= list[weak..length].SequenceEqual(tag) && !(strongly && weak > 0);
            list = list[length..].TrimStart(Blanks);
            if (!list.IsEmpty && list[0] != ',') return false;
        }
    }

    /// <summary>True when a field is one entity tag and nothing else.</summary>
    public static bool IsOne(ReadOnlySpan<byte> field)
    {
        field = field.Trim(Blanks);
        return !field.IsEmpty && LengthOf(field, out _) == field.Length;
    }

    // The length of the tag that a text begins with, 0 when it begins with none. A comma within the quotes is its own.
    private static int LengthOf(ReadOnlySpan<byte> text, out int weak)
    {
        weak = text.StartsWith("W/"u8) ? 2 : 0;
        ReadOnlySpan<byte> opaque = text[weak..];
        if (opaque.IsEmpty || opaque[0] != '"') return 0;
        for (int at = 1; at < opaque.Length; at++)
        {
            if (opaque[at] == '"') return weak + at + 1;
            if (opaque[at] is <= 0x20 or 0x7F) return 0;
        }
        return 0;
    }
}
