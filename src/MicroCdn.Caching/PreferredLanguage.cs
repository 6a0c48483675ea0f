using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Finds a copy in the one language that a request prefers to all others, where no copy was made for such a
/// request.</summary>
/// <remarks>
/// Two Accept-Language fields match when both can be normalised to the same (RFC 9111, section 4.1). A copy whose
/// Content-Language is what its own request wanted most shows that the origin has this language and gives it to those
/// who want it most: both fields then come to that one language. It is kept narrow, since an origin may label all its
/// pages alike, or fall back to a language that nobody asked for: the copy's request named the language with full
/// weight, it is the only one the copy is in, the tags are the same, and nothing else that Vary names differs.
/// </remarks>
internal static class PreferredLanguage
{
    private static ReadOnlySpan<byte> Field => "accept-language"u8;

    /// <summary>The language that a list prefers to all others; empty when there is none (RFC 9110, section
    /// 12.5.4).</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> accepted)
    {
        ReadOnlySpan<byte> best = default;
        int most = 0;
        while (Tokens.Next(ref accepted, out ReadOnlySpan<byte> element))
        {
            if (!NormalForm.TryReadWeighted(element, out ReadOnlySpan<byte> range, out int weight)) return default;
            if (weight < most || weight == 0) continue;
            best = weight > most || Ascii.EqualsIgnoreCase(best, range) ? range : default;
            most = weight;
        }
        return best.SequenceEqual("*"u8) ? default : best;
    }

    /// <summary>True when a copy is in this language alone, and answers a request but for Accept-Language.</summary>
    public static bool Answers<TFields>(CopyRules copy, ReadOnlySpan<byte> language, in TFields request)
        where TFields : IFields, allows ref struct
    {
        HeaderFields fields = copy.Head.Fields, selecting = copy.Head.Selecting;
        bool isIn = Ascii.EqualsIgnoreCase(fields.Joined("Content-Language"u8), language);
        if (copy.Head.Status != 200 || !isIn) return false;
        bool wasWanted = false;
        for (int line = 0; line < selecting.Count; line++)
        {
            ReadOnlySpan<byte> name = selecting.NameAt(line), value = selecting.ValueAt(line);
            // In the normal form a language without a weight has the full one.
            if (Ascii.EqualsIgnoreCase(name, Field)) wasWanted = Tokens.Names(value, language);
            else if (!NormalForm.Of(name, request).SequenceEqual(value)) return false;
        }
        return wasWanted;
    }
}
