using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Storage;

/// <summary>Where a file that somebody asked for is really written.</summary>
internal static class TargetPath
{
    // Of every common file system.
    private const int MostNameBytes = 255;

    /// <summary>The full path, through a link to what it leads to, as every program writes.</summary>
    /// <exception cref="IOException">A device, a pipe or a folder has the name; none is ever replaced. Or the name is
    /// one that Windows takes for something else.</exception>
    public static string Resolve(string target)
    {
        // Before GetFullPath, which cuts dots and spaces, and makes a device of a name.
        if (Ways.AreOfWindows && !WindowsPath.IsOrdinary(target))
        {
            throw new IOException($"'{target}' leads to no ordinary file on Windows");
        }
        string full = Path.GetFullPath(target);
        if (new FileInfo(full).LinkTarget is not null)
        {
            full = File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        }
        return Durable.Look(full) is EntryKind.Other or EntryKind.Folder
            ? throw new IOException($"'{full}' is no regular file") : full;
    }

    /// <summary>A name beside the target that no other process has.</summary>
    /// <remarks>Cut, since name and ending together must stay within <see cref="MostNameBytes"/>.</remarks>
    public static string Beside(string full, string random)
    {
        string name = Path.GetFileName(full);
        string start = name.Length > 40 ? name[..40] : name;
        return Path.Combine(FolderOf(full), $".{start}.{random}.part");
    }

    /// <summary>The name of a target's lasting part, which every process finds again.</summary>
    /// <remarks>Where it and the ending of its journal would not fit, it is cut, and a digest tells it from
    /// others.</remarks>
    public static string Part(string full)
    {
        byte[] name = Encoding.UTF8.GetBytes(Path.GetFileName(full));
        return name.Length <= MostNameBytes - ".part.marks".Length ? full + ".part"
            : Beside(full, Convert.ToHexStringLower(SHA256.HashData(name).AsSpan(0, 6)));
    }

    /// <summary>The folder of a full path.</summary>
    public static string FolderOf(string full) => Path.GetDirectoryName(full) ?? Path.DirectorySeparatorChar.ToString();
}
