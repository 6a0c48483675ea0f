using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Http;

/// <summary>Chooses the content coding that a client likes best among those there are (RFC 9110, section
/// 12.5.3).</summary>
public static class ContentCodings
{
    private const int Unnamed = -1;

    // On equal quality: the fewest bytes first. Whoever asks nobody's opinion gets the plain bytes.
    private static readonly Coding[] Preferred = [Coding.Zstd, Coding.Brotli, Coding.Gzip, Coding.Identity];

    /// <summary>Chooses by an Accept-Encoding field (RFC 9110, section 12.5.3).</summary>
    /// <remarks>
    /// A coding named twice counts as it was named first. An element that is malformed counts as not there. A client
    /// that accepts nothing of what there is gets the plain bytes, which that section prefers to an error. Plain bytes
    /// that a client did not mention are acceptable, and behind everything that it did mention.
    /// </remarks>
    /// <param name="field">The field value; empty when absent, which asks for plain bytes.</param>
    /// <param name="available">The codings there are; the plain bytes always are.</param>
    public static Coding Choose(ReadOnlySpan<byte> field, Coding available)
    {
        int zstd = Unnamed, brotli = Unnamed, gzip = Unnamed, identity = Unnamed, others = Unnamed;
        foreach (Range element in field.Split((byte)','))
        {
            ReadOnlySpan<byte> text = field[element].Trim(" \t"u8);
            int end = text.IndexOfAny(" \t;"u8);
            ReadOnlySpan<byte> name = end < 0 ? text : text[..end];
            if (!TryReadQuality(text[name.Length..], out int quality)) continue;
            if (Is(name, "zstd"u8)) Note(ref zstd, quality);
            else if (Is(name, "br"u8)) Note(ref brotli, quality);
            else if (Is(name, "gzip"u8) || Is(name, "x-gzip"u8)) Note(ref gzip, quality);
            else if (Is(name, "identity"u8)) Note(ref identity, quality);
            else if (Is(name, "*"u8)) Note(ref others, quality);
        }
        Coding best = Coding.Identity;
        int most = 0;
        foreach (Coding coding in Preferred)
        {
            if ((available & coding) == 0) continue;
            int named = coding switch
            {
                Coding.Zstd => zstd,
                Coding.Brotli => brotli,
                Coding.Gzip => gzip,
                _ => identity,
            };
            int quality = named == Unnamed ? others : named;
            if (quality > most) (best, most) = (coding, quality);
        }
        return best;
    }

    /// <summary>The name of a coding in Content-Encoding (RFC 9110, section 8.4.1; RFC 7932; RFC 8878).</summary>
    public static ReadOnlySpan<byte> NameOf(Coding coding) => coding switch
    {
        Coding.Zstd => "zstd"u8,
        Coding.Brotli => "br"u8,
        Coding.Gzip => "gzip"u8,
        _ => "identity"u8,
    };

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> coding) => Ascii.EqualsIgnoreCase(name, coding);

    private static void Note(ref int quality, int value)
    {
        if (quality == Unnamed) quality = value;
    }

    // OWS ";" OWS weight (RFC 9110, section 12.4.2).
    private static bool TryReadQuality(ReadOnlySpan<byte> parameters, out int quality)
    {
        quality = QualityValue.Full;
        parameters = parameters.TrimStart(" \t"u8);
        return parameters.IsEmpty
            || (parameters[0] == ';' && QualityValue.TryRead(parameters[1..].TrimStart(" \t"u8), out quality));
    }
}

/// <summary>How the bytes of a representation are coded (RFC 9110, section 8.4.1).</summary>
[Flags]
public enum Coding
{
    /// <summary>As they are.</summary>
    Identity = 1,

    /// <summary>gzip (RFC 1952).</summary>
    Gzip = 2,

    /// <summary>br (RFC 7932).</summary>
    Brotli = 4,

    /// <summary>zstd (RFC 8878, with the window of RFC 9659).</summary>
    Zstd = 8,
}
