using System.Buffers;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Http;

/// <summary>The fields of another server's response, as they are passed on: all but those about its connection and its
/// framing (RFC 9110, section 7.6.1).</summary>
internal readonly record struct RelayedFields(bool HasDate, bool IsCrossOrigin)
{
    /// <summary>Writes them, and tells which of ours are there already.</summary>
    public static RelayedFields Write(HeaderFields fields, IBufferWriter<byte> output)
    {
        bool hasDate = false, isCrossOrigin = false;
        ReadOnlySpan<byte> bytes = fields.Bytes;
        int start = 0, at = 0;
        for (int line = 0; line < fields.Count; line++)
        {
            ReadOnlySpan<byte> name = fields.NameAt(line);
            int end = at + name.Length + fields.ValueAt(line).Length + ": \r\n"u8.Length;
            hasDate |= name.Length == 4 && Ascii.EqualsIgnoreCase(name, "date"u8);
            isCrossOrigin |= name.Length == 27 && Ascii.EqualsIgnoreCase(name, "access-control-allow-origin"u8);
            if (IsOurs(name))
            {
                output.Write(bytes[start..at]);
                start = end;
            }
            at = end;
        }
        output.Write(bytes[start..]);
        return new RelayedFields(hasDate, isCrossOrigin);
    }

    // What we say ourselves, or not at all.
    private static bool IsOurs(ReadOnlySpan<byte> name) => name.Length switch
    {
        7 => Ascii.EqualsIgnoreCase(name, "upgrade"u8),
        10 => Ascii.EqualsIgnoreCase(name, "connection"u8) || Ascii.EqualsIgnoreCase(name, "keep-alive"u8),
        14 => Ascii.EqualsIgnoreCase(name, "content-length"u8),
        16 => Ascii.EqualsIgnoreCase(name, "proxy-connection"u8),
        17 => Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8),
        _ => false,
    };
}
