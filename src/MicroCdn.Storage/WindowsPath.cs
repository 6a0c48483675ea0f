using System.Buffers;

namespace MicroCdn.Storage;

/// <summary>Tells which paths lead to an ordinary file on Windows.</summary>
/// <remarks>
/// There <c>NUL.txt</c> is a device, <c>a.txt:b</c> a stream inside another file, and <c>a.txt.</c> the file
/// <c>a.txt</c>. A file of the network may have such a name, since Linux allows it; saved under it, it would be lost,
/// or in the place of another file. Pure: it asks no system.
/// </remarks>
internal static class WindowsPath
{
    private static readonly SearchValues<char> NotInNames = SearchValues.Create(
        [.. "<>:\"|?*", .. Enumerable.Range(0, ' ').Select(control => (char)control)]);

    private static readonly HashSet<string> Devices = new(StringComparer.OrdinalIgnoreCase)
    {
        "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$",
    };

    /// <summary>True when every part of a path is the name of a folder or file that can be made under just this
    /// name.</summary>
    public static bool IsOrdinary(string path)
    {
        string rest = path.Replace('/', '\\');
        if (rest.StartsWith(@"\\.\", StringComparison.Ordinal)) return false;
        if (rest.StartsWith(@"\\?\", StringComparison.Ordinal)) rest = rest[4..];
        if (rest.Length > 1 && char.IsAsciiLetter(rest[0]) && rest[1] == ':') rest = rest[2..];
        return rest.Split('\\').All(part => part is "" or "." or ".." || IsOrdinaryName(part));
    }

    private static bool IsOrdinaryName(string name)
    {
        if (name[^1] is '.' or ' ' || name.AsSpan().ContainsAny(NotInNames)) return false;
        // A device is one with anything behind a dot, and with spaces before that.
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        string start = (dot < 0 ? name : name[..dot]).TrimEnd(' ');
        return !Devices.Contains(start) && !IsPort(start);
    }

    // COM1 to LPT9, also with the digits of Latin-1 that stand raised.
    private static bool IsPort(string name) => name.Length == 4
        && (name.StartsWith("COM", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("LPT", StringComparison.OrdinalIgnoreCase))
        && (char.IsAsciiDigit(name[3]) || name[3] is '\u00B9' or '\u00B2' or '\u00B3');
}
