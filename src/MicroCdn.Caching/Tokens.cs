using System.Buffers;
using System.Text;

namespace MicroCdn.Caching;

/// <summary>The small words of HTTP fields: tokens, and lists of them (RFC 9110, sections 5.6.1 and 5.6.2).</summary>
internal static class Tokens
{
    private static readonly SearchValues<byte> Letters = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>The white space that may stand around an element.</summary>
    public static ReadOnlySpan<byte> Blanks => " \t"u8;

    /// <summary>How many bytes of a token a text begins with.</summary>
    public static int LengthOf(ReadOnlySpan<byte> text)
    {
        int length = text.IndexOfAnyExcept(Letters);
        return length < 0 ? text.Length : length;
    }

    /// <summary>True when a text is one token and nothing else.</summary>
    public static bool Is(ReadOnlySpan<byte> text) => !text.IsEmpty && LengthOf(text) == text.Length;

    /// <summary>Takes the next element that is not empty off a list without quoted strings; false at its end.</summary>
    public static bool Next(scoped ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> element)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            element = (comma < 0 ? list : list[..comma]).Trim(Blanks);
            list = comma < 0 ? default : list[(comma + 1)..];
            if (!element.IsEmpty) return true;
        }
        element = default;
        return false;
    }

    /// <summary>True when a list without quoted strings names something, in any case.</summary>
    public static bool Names(ReadOnlySpan<byte> list, ReadOnlySpan<byte> name)
    {
        while (Next(ref list, out ReadOnlySpan<byte> element))
        {
            if (Ascii.EqualsIgnoreCase(element, name)) return true;
        }
        return false;
    }

    /// <summary>The length of the quoted string that a text begins with, both quotes included; 0 when it is not
    /// closed (RFC 9110, section 5.6.4).</summary>
    public static int QuotedLength(ReadOnlySpan<byte> text)
    {
        for (int at = 1; at < text.Length; at++)
        {
            if (text[at] == '\\') at++;
            else if (text[at] == '"') return at + 1;
        }
        return 0;
    }
}
