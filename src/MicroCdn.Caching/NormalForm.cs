using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Writes fields of requests in one way where several mean the same (RFC 9111, section 4.1).</summary>
/// <remarks>
/// Accept-Encoding becomes the set of codings that are of use; the origin is asked with the same words, or it might
/// choose a coding that only the first client understood. Accept-Language keeps its weights, in small letters,
/// languages of one weight by the alphabet. Of any other field the lines are joined, and white space around commas
/// goes.
/// An absent field is an empty value, one that is there and says nothing is a comma: they never match one another.
/// </remarks>
public static class NormalForm
{
    // More languages than anybody speaks. A field that names more is compared as it is.
    private const int MostLanguages = 32;

    // A list with nothing in it.
    private static ReadOnlySpan<byte> Nothing => ","u8;

    /// <summary>The normal form of a field of a request; empty when it is absent.</summary>
    public static ReadOnlySpan<byte> Of<TFields>(ReadOnlySpan<byte> name, in TFields request)
        where TFields : IFields, allows ref struct
    {
        if (!request.Has(name)) return default;
        ReadOnlySpan<byte> value = request.Joined(name);
        if (Ascii.EqualsIgnoreCase(name, "accept-encoding"u8)) return Encoding(value);
        ReadOnlySpan<byte> form = Ascii.EqualsIgnoreCase(name, "accept-language"u8) ? Language(value) : Spaces(value);
        return form.IsEmpty ? Nothing : form;
    }

    /// <summary>The codings of an Accept-Encoding field that make a difference (RFC 9110, section 12.5.3). It
    /// allocates nothing.</summary>
    public static ReadOnlySpan<byte> Encoding(ReadOnlySpan<byte> value)
    {
        int? gzip = null, brotli = null, zstd = null, identity = null, any = null;
        while (Tokens.Next(ref value, out ReadOnlySpan<byte> element))
        {
            if (!TryReadWeighted(element, out ReadOnlySpan<byte> coding, out int weight)) continue;
            if (Is(coding, "gzip"u8) || Is(coding, "x-gzip"u8)) gzip ??= weight;
            else if (Is(coding, "br"u8)) brotli ??= weight;
            else if (Is(coding, "zstd"u8)) zstd ??= weight;
            else if (Is(coding, "identity"u8)) identity ??= weight;
            else if (coding.SequenceEqual("*"u8)) any ??= weight;
        }
        int set = ((gzip ?? any) > 0 ? 1 : 0) + ((brotli ?? any) > 0 ? 2 : 0) + ((zstd ?? any) > 0 ? 4 : 0);
        return (identity ?? any) == 0 ? WithoutIdentity(set) : WithIdentity(set);
    }

    private static ReadOnlySpan<byte> WithIdentity(int set) => set switch
    {
        0 => "identity"u8,
        1 => "gzip"u8,
        2 => "br"u8,
        3 => "gzip, br"u8,
        4 => "zstd"u8,
        5 => "gzip, zstd"u8,
        6 => "br, zstd"u8,
        _ => "gzip, br, zstd"u8,
    };

    private static ReadOnlySpan<byte> WithoutIdentity(int set) => set switch
    {
        0 => "identity;q=0"u8,
        1 => "gzip, identity;q=0"u8,
        2 => "br, identity;q=0"u8,
        3 => "gzip, br, identity;q=0"u8,
        4 => "zstd, identity;q=0"u8,
        5 => "gzip, zstd, identity;q=0"u8,
        6 => "br, zstd, identity;q=0"u8,
        _ => "gzip, br, zstd, identity;q=0"u8,
    };

    // Languages by weight, then by the alphabet (RFC 9110, section 12.5.4): their order says nothing else.
    private static ReadOnlySpan<byte> Language(ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> list = value;
        List<(int Weight, string Range)> languages = [];
        while (Tokens.Next(ref list, out ReadOnlySpan<byte> element))
        {
            bool isRead = TryReadWeighted(element, out ReadOnlySpan<byte> range, out int weight);
            if (!isRead || languages.Count == MostLanguages) return Spaces(value);
            languages.Add((weight, System.Text.Encoding.Latin1.GetString(range).ToLowerInvariant()));
        }
        languages.Sort((one, other) => one.Weight != other.Weight ? other.Weight.CompareTo(one.Weight)
            : string.CompareOrdinal(one.Range, other.Range));
        return System.Text.Encoding.Latin1.GetBytes(string.Join(',', languages.ConvertAll(language =>
            language.Weight == QualityValue.Full ? language.Range : $"{language.Range};q={language.Weight}")));
    }

    // The value without white space around its commas; what stands between quotes is left alone.
    private static ReadOnlySpan<byte> Spaces(ReadOnlySpan<byte> value)
    {
        value = value.Trim(Tokens.Blanks);
        if (value.IndexOf((byte)',') < 0 || value.IndexOfAny(Tokens.Blanks) < 0) return value;
        byte[] form = new byte[value.Length];
        int length = 0, kept = 0;
        for (int at = 0; at < value.Length; at++)
        {
            int quoted = value[at] == '"' ? Tokens.QuotedLength(value[at..]) : 0;
            if (quoted > 0)
            {
                value.Slice(at, quoted).CopyTo(form.AsSpan(length));
                kept = length += quoted;
                at += quoted - 1;
                continue;
            }
            bool isBlank = value[at] is (byte)' ' or (byte)'\t';
            if (value[at] == ',') length = kept;
            if (isBlank && length > 0 && form[length - 1] == ',' && kept == length) continue;
            form[length++] = value[at];
            if (!isBlank) kept = length;
        }
        return form.AsSpan(0, length);
    }

    /// <summary>Reads an element with a weight, as <c>gzip;q=0.5</c>; false when it is malformed.</summary>
    internal static bool TryReadWeighted(ReadOnlySpan<byte> element, out ReadOnlySpan<byte> name, out int weight)
    {
        weight = QualityValue.Full;
        int semicolon = element.IndexOf((byte)';');
        name = (semicolon < 0 ? element : element[..semicolon]).TrimEnd(Tokens.Blanks);
        return Tokens.Is(name) && (semicolon < 0
            || QualityValue.TryRead(element[(semicolon + 1)..].TrimStart(Tokens.Blanks), out weight));
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other) => Ascii.EqualsIgnoreCase(name, other);
}
