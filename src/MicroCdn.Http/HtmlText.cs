using System.Buffers;

namespace MicroCdn.Http;

/// <summary>Writes text into a page so that it stays text, between tags and within quoted attributes.</summary>
/// <remarks>
/// The same five characters are what XML needs, and their numbers mean the same there. A name may hold characters that
/// turn the direction of writing: a page sets names apart with <c>bdi</c>.
/// </remarks>
public static class HtmlText
{
    private static readonly SearchValues<byte> Special = SearchValues.Create("&<>\"'"u8);

    /// <summary>Appends text in UTF-8, at most five bytes for each of its bytes.</summary>
    public static void Write(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAny(Special);
            if (plain < 0) plain = text.Length;
            output.Write(text[..plain]);
            if (plain == text.Length) return;
            output.Write(text[plain] switch
            {
                (byte)'&' => "&#38;"u8,
                (byte)'<' => "&#60;"u8,
                (byte)'>' => "&#62;"u8,
                (byte)'"' => "&#34;"u8,
                _ => "&#39;"u8,
            });
            text = text[(plain + 1)..];
        }
    }
}
