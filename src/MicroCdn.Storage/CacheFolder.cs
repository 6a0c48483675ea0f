using System.Security.Cryptography;

namespace MicroCdn.Storage;

/// <summary>A bounded folder of small entries that may be lost at any time, shared by all processes of a
/// user.</summary>
/// <remarks>
/// Each entry is a file of its own that is replaced by a rename, so processes that write at the same time forget
/// nothing but an older state of the same entry. It begins with the SHA-256 of the rest: one that is torn or was
/// written by something else is no entry. So neither entries nor folder wait for the disk: after a power cut they may
/// be gone. Whatever fails, fails silently: a cache never costs its user anything.
/// </remarks>
public sealed class CacheFolder(string path)
{
    /// <summary>Largest entry in bytes: the chunk digests of 128 GiB, or a list of 64 servers several times
    /// over.</summary>
    public const int EntryBytes = 4 * 1024 * 1024;

    private const int MostEntries = 512;
    private const long MostBytes = 64 * 1024 * 1024;
    private const int CheckBytes = 32;
    private const UnixFileMode OwnerAlone =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The folder of the user's caches, as the system has it.</summary>
    public static string OfUser
    {
        get
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (OperatingSystem.IsWindows())
            {
                return Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "microcdn", "cache");
            }
            if (OperatingSystem.IsMacOS()) return Path.Combine(home, "Library", "Caches", "microcdn");
            string? named = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            return Path.Combine(Path.IsPathRooted(named) ? named : Path.Combine(home, ".cache"), "microcdn");
        }
    }

    /// <summary>The entry under a key; null when there is none.</summary>
    public byte[]? Get(string key)
    {
        try
        {
            string file = FileOf(key);
            if (new FileInfo(file) is not { Exists: true, Length: <= EntryBytes + CheckBytes }) return null;
            byte[] bytes = File.ReadAllBytes(file);
            if (bytes.Length < CheckBytes) return null;
            return SHA256.HashData(bytes.AsSpan(CheckBytes)).AsSpan().SequenceEqual(bytes.AsSpan(0, CheckBytes))
                ? bytes[CheckBytes..] : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps an entry, in place of the one before; the oldest give way when there are too many.</summary>
    public void Put(string key, ReadOnlySpan<byte> entry)
    {
        if (entry.Length > EntryBytes) return;
        string temporary = Path.Combine(path, $"{RandomNumberGenerator.GetHexString(16, lowercase: true)}.new");
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
            else Directory.CreateDirectory(path, OwnerAlone);
            File.WriteAllBytes(temporary, [.. SHA256.HashData(entry), .. entry]);
            File.Move(temporary, FileOf(key), overwrite: true);
            Prune();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Delete(temporary);
        }
    }

    private static void Delete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another process may be at it; the next one that is too many finds it again.
        }
    }

    private string FileOf(string key) =>
        Path.Combine(path, Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key))));

    private void Prune()
    {
        FileInfo[] files = new DirectoryInfo(path).GetFiles();
        long bytes = files.Sum(file => file.Length);
        if (files.Length <= MostEntries && bytes <= MostBytes) return;
        int left = files.Length;
        foreach (FileInfo file in files.OrderBy(file => file.LastWriteTimeUtc))
        {
            // Below the bound by a tenth, so that not every entry has to look again what is to go.
            if (left <= MostEntries * 9 / 10 && bytes <= MostBytes * 9 / 10) return;
            Delete(file.FullName);
            left--;
            bytes -= file.Length;
        }
    }
}
