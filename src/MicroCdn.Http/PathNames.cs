using System.Buffers;
using MicroCdn.Protocol;

namespace MicroCdn.Http;

/// <summary>Turns the path of a request target into a file name, and a file name into a path (RFC 3986, section
/// 3.3).</summary>
/// <remarks>
/// Decoding happens once, and what could mean different things to different servers on the way is no name at all: dot
/// segments, empty segments, backslashes, encoded slashes, control characters, overlong UTF-8. What is refused here
/// finds nothing and opens nothing: the answer is 404, as for any name that does not exist.
/// </remarks>
public static class PathNames
{
    /// <summary>The most bytes that one byte of a name takes in a path.</summary>
    public const int MostGrowth = 3;

    // Unreserved characters, slash, and the sub-delims of a segment. Colon and at sign are left out on purpose: encoded
    // they mean the same, and raw they make a relative reference look like a scheme or an authority.
    private static readonly SearchValues<byte> Plain = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;="u8);

    // What no path may carry raw: what ends it, what some servers take for a slash, and what needs a second look.
    private static readonly SearchValues<byte> Odd = SearchValues.Create([.. "%?#\\ "u8, .. Controls()]);

    /// <summary>Reads a path; false when it names nothing that could exist.</summary>
    /// <param name="path">The raw path of the request target, without a query.</param>
    /// <param name="target">Where the decoded name goes: <see cref="Limits.NameBytes"/> suffice for any.</param>
    /// <param name="length">The length of the name in bytes: 0 for the root, and without the slash of a folder.</param>
    /// <param name="isFolder">Whether the path ends in a slash.</param>
    public static bool TryRead(ReadOnlySpan<byte> path, Span<byte> target, out int length, out bool isFolder)
    {
        length = 0;
        isFolder = false;
        if (path.IsEmpty || path[0] != '/') return false;
        path = path[1..];
        isFolder = path.IsEmpty || path[^1] == '/';
        if (path.IsEmpty) return true;
        if (isFolder) path = path[..^1];
        if (target.Length > Limits.NameBytes) target = target[..Limits.NameBytes];
        if (!TryDecode(path, target, out length)) return false;
        ReadOnlySpan<byte> name = target[..length];
        return FileName.IsValid(name) && !HasLateControls(name);
    }

    /// <summary>Writes a file name as a path that begins with a slash (RFC 3986, section 3.3).</summary>
    /// <remarks>In HTML it still needs <see cref="HtmlText"/>: ampersands and apostrophes stand as they are.</remarks>
    /// <param name="name">A file name in UTF-8; empty for the root.</param>
    /// <param name="output">Gets at most one byte and three for each byte of the name.</param>
    public static void Write(ReadOnlySpan<byte> name, IBufferWriter<byte> output)
    {
        output.Write("/"u8);
        while (!name.IsEmpty)
        {
            int plain = name.IndexOfAnyExcept(Plain);
            if (plain < 0) plain = name.Length;
            output.Write(name[..plain]);
            if (plain == name.Length) return;
            ReadOnlySpan<byte> hex = "0123456789ABCDEF"u8;
            byte value = name[plain];
            output.Write([(byte)'%', hex[value >> 4], hex[value & 15]]);
            name = name[(plain + 1)..];
        }
    }

    private static bool TryDecode(ReadOnlySpan<byte> path, Span<byte> target, out int length)
    {
        length = 0;
        while (!path.IsEmpty)
        {
            int plain = path.IndexOfAny(Odd);
            if (plain < 0) plain = path.Length;
            if (plain > target.Length - length) return false;
            path[..plain].CopyTo(target[length..]);
            length += plain;
            path = path[plain..];
            if (path.IsEmpty) return true;
            if (path[0] != '%' || path.Length < 3 || length == target.Length) return false;
            // Negative when one of the two is no digit.
            int value = (Hex(path[1]) << 4) | Hex(path[2]);
            if (value is < 0x20 or 0x7F or '/' or '\\') return false;
            target[length++] = (byte)value;
            path = path[3..];
        }
        return true;
    }

    private static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        _ => -1,
    };

    // U+0080 to U+009F: control characters too, which a terminal that shows a log would obey.
    private static bool HasLateControls(ReadOnlySpan<byte> name)
    {
        for (int at = name.IndexOf((byte)0xC2); at >= 0; at = name.IndexOf((byte)0xC2))
        {
            if (name[at + 1] < 0xA0) return true;
            name = name[(at + 2)..];
        }
        return false;
    }

    private static byte[] Controls() => [.. Enumerable.Range(0, 0x20).Select(value => (byte)value), 0x7F];
}
