using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>Appends wire words to a buffer without allocating.</summary>
public static class WireWriter
{
    /// <summary>Appends a number in decimal digits.</summary>
    public static void WriteNumber(this IBufferWriter<byte> output, long value)
    {
        Utf8Formatter.TryFormat(value, output.GetSpan(20), out int length);
        output.Advance(length);
    }

    /// <summary>Appends text as UTF-8.</summary>
    public static void WriteText(this IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    /// <summary>Appends a refusal.</summary>
    public static void WriteError(this IBufferWriter<byte> output, WireError error) => output.Write(error.Line.Span);
}
