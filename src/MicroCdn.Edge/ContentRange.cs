using System.Text.Unicode;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Edge;

/// <summary>Writes Content-Range (RFC 9110, section 14.4).</summary>
internal static class ContentRange
{
    private const int MostBytes = 72;

    /// <summary><c>bytes first-last/length</c>, of part of a representation.</summary>
    public static void Write(Response response, ByteRange range, long length)
    {
        Span<byte> value = stackalloc byte[MostBytes];
        response.Field("Content-Range"u8, value[..Format(range, length, value)]);
    }

    /// <summary><c>bytes */length</c>, of a range that does not exist.</summary>
    public static void WriteUnsatisfied(Response response, long length)
    {
        Span<byte> value = stackalloc byte[MostBytes];
        Utf8.TryWrite(value, $"bytes */{length}", out int written);
        response.Field("Content-Range"u8, value[..written]);
    }

    /// <summary>Writes the value; returns its length, at most 72 bytes.</summary>
    public static int Format(ByteRange range, long length, Span<byte> target)
    {
        Utf8.TryWrite(target, $"bytes {range.Offset}-{range.End - 1}/{length}", out int written);
        return written;
    }
}
