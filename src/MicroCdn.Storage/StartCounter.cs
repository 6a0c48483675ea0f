using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>Counts the starts of a server in a file: each start has a larger number than all before it.</summary>
/// <remarks>
/// <para>Others take what a smaller number says for old and ignore it, so a number that falls back would make a living
/// server unheard. It is therefore one more than the file's, or the milliseconds since 1970 where these are more: a
/// clock that was set back is made good by the file, a lost, damaged or unwritable file by the clock. Only both at once
/// lead astray.</para>
/// <para>The file is durable before the number is handed out: after a power cut no number comes twice.</para>
/// </remarks>
[SupportedOSPlatform("linux")]
public static class StartCounter
{
    // Number, check, LF; whatever is longer is damaged.
    private const int MostBytes = 64;
    private const int CheckDigits = 8;

    // A damaged digit that passed the check would leave no room to count: no clock comes near half of all numbers.
    private const long Most = long.MaxValue / 2;

    /// <summary>Counts this start.</summary>
    /// <param name="path">The file; null to count by the clock alone.</param>
    /// <param name="time">The clock.</param>
    /// <param name="trouble">One sentence when the file cannot be used, or was damaged; else null.</param>
    /// <param name="health">Whether the store that the file belongs to may be written.</param>
    /// <returns>The number of this start, 1 or more.</returns>
    public static long Next(string? path, TimeProvider time, out string? trouble, StoreHealth? health = null)
    {
        trouble = null;
        long clock = Math.Max(1, time.GetUtcNow().ToUnixTimeMilliseconds());
        if (path is null) return clock;
        try
        {
            long before = Read(path, ref trouble);
            long next = Math.Max(before + 1, clock);
            using AtomicFile file = AtomicFile.Create(path, health);
            file.Write(Encoding.ASCII.GetBytes(Line(next)));
            file.Commit();
            return next;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            trouble = $"the starts cannot be counted in '{path}', the clock numbers this one: {exception.Message}";
            return clock;
        }
    }

    private static long Read(string path, ref string? trouble)
    {
        EntryKind kind = Libc.Look(path, followLinks: true, out FileFacts facts);
        if (kind != EntryKind.File) return 0;
        byte[] bytes = new byte[MostBytes];
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete);
        string text = Encoding.Latin1.GetString(bytes, 0, RandomAccess.Read(file, bytes, 0));
        string number = text.Split(' ')[0];
        bool valid = long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            && count <= Most && text == Line(count) && facts.Size == text.Length;
        if (valid) return count;
        trouble = $"'{path}' is damaged: the starts are counted from the clock anew";
        return 0;
    }

    private static string Line(long number)
    {
        string text = number.ToString(CultureInfo.InvariantCulture);
        string check = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
        return $"{text} {check[..CheckDigits]}\n";
    }
}
