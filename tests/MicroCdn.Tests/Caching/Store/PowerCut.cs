using System.Runtime.Versioning;
using MicroCdn.Storage;

namespace MicroCdn.Tests.Caching.Store;

/// <summary>Leaves of a folder what a power cut may leave: all that was synced, and of what was written since any
/// part.</summary>
/// <remarks>Page by page the old bytes or the new ones, zeros where there were none; the old length or the new one; new
/// names that are not there, and old ones that are there again. No order is kept, so it is worse than any disk: what
/// survives this survives each prefix of what was written. Only what takes the place of another file has come to rest
/// before: there is the old one whole, or the new one.</remarks>
[SupportedOSPlatform("linux")]
internal sealed class PowerCut
{
    private const int PageBytes = 4096;

    // Each of these is made durable by itself before anybody is told that it is written.
    private static readonly string[] DurableBySelf = ["state", "purges", "lock"];

    private readonly string _folder;
    private readonly Dictionary<string, byte[]> _replaced = [];
    private Dictionary<string, byte[]> _synced;
    private Dictionary<string, ulong> _files;

    public PowerCut(string folder) =>
        (_folder, _synced, _files) = (folder, ReadAll(folder), FilesOf(folder));

    /// <summary>Everything that is there now has come to rest.</summary>
    public void Synced()
    {
        _replaced.Clear();
        (_synced, _files) = (ReadAll(_folder), FilesOf(_folder));
    }

    /// <summary>Sees what has taken the place of something else since.</summary>
    public void Look()
    {
        Dictionary<string, ulong> files = FilesOf(_folder);
        foreach ((string name, ulong file) in files)
        {
            if (!_synced.TryGetValue(name, out byte[]? old) || _files.GetValueOrDefault(name, file) == file) continue;
            _replaced.TryAdd(name, old);
            _synced[name] = File.ReadAllBytes(Path.Combine(_folder, name));
        }
        _files = files;
    }

    /// <summary>Cuts. What is left has come to rest.</summary>
    public void Cut(Random chance)
    {
        foreach ((string name, byte[] old) in _replaced)
        {
            string path = Path.Combine(_folder, name);
            if (chance.Next(2) == 0 && File.Exists(path)) File.WriteAllBytes(path, _synced[name] = old);
        }
        Dictionary<string, byte[]> now = ReadAll(_folder);
        foreach (string name in now.Keys.Union(_synced.Keys).Order(StringComparer.Ordinal))
        {
            string path = Path.Combine(_folder, name);
            if (DurableBySelf.Contains(name)) continue;
            if (Left(_synced.GetValueOrDefault(name), now.GetValueOrDefault(name), chance) is { } left)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllBytes(path, left);
            }
            else
            {
                File.Delete(path);
            }
        }
        Synced();
    }

    private static byte[]? Left(byte[]? before, byte[]? now, Random chance)
    {
        if (before is not null && now is not null && before.AsSpan().SequenceEqual(now)) return now;
        if (now is null) return chance.Next(2) == 0 ? before : null;
        if (before is null && chance.Next(4) == 0) return null;
        byte[] left = new byte[chance.Next(2) == 0 ? now.Length : before?.Length ?? chance.Next(now.Length + 1)];
        // Most often nearly all came to the disk, or nearly nothing did.
        double share = chance.Next(3) switch { 0 => 0.02, 1 => 0.5, _ => 0.98 };
        for (int at = 0; at < left.Length; at += PageBytes)
        {
            byte[]? from = chance.NextDouble() < share ? now : before;
            if (from is null || at >= from.Length) continue;
            int bytes = Math.Min(PageBytes, Math.Min(left.Length, from.Length) - at);
            from.AsSpan(at, bytes).CopyTo(left.AsSpan(at));
        }
        return left;
    }

    private static Dictionary<string, ulong> FilesOf(string folder) =>
        Directory.EnumerateFiles(folder, "*-*", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetRelativePath(folder, path), path =>
                Libc.Look(path, followLinks: false, out FileFacts facts) == EntryKind.File ? facts.Inode : 0);

    private static Dictionary<string, byte[]> ReadAll(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) != "lock")
            .ToDictionary(path => Path.GetRelativePath(folder, path), File.ReadAllBytes);
}
