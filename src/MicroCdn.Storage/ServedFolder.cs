using System.IO.Enumeration;
using System.Runtime.Versioning;
using MicroCdn.Protocol;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A folder whose regular files are served, and nothing outside it, whatever links it holds.</summary>
/// <remarks>
/// A link is followed when what it leads to lies inside the folder. Whether it does is asked of the file that was
/// really opened, so no race between looking and opening can lead out. Devices, pipes and sockets are never opened.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed class ServedFolder
{
    private const int MostDepth = 64;
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = true,
        RecurseSubdirectories = false,
    };

    private readonly string _inside;

    /// <summary>Takes a folder that exists.</summary>
    /// <exception cref="DirectoryNotFoundException">It does not exist, or is no folder.</exception>
    public ServedFolder(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        int fd = Libc.OpenPath(full);
        string? real = fd < 0 || Libc.Look(fd, out _) != EntryKind.Folder ? null : Libc.PathOf(fd);
        if (fd >= 0) Libc.Close(fd);
        Path = real ?? throw new DirectoryNotFoundException(
            $"There is no folder '{path}': make it, or name the one to serve.");
        _inside = Path == "/" ? "/" : Path + "/";
    }

    /// <summary>The folder's real path.</summary>
    public string Path { get; }

    /// <summary>Which folder stands under the path now; null when there is none.</summary>
    public FolderId? Now => Libc.FolderAt(Path);

    /// <summary>True when its files may be listed and opened.</summary>
    public bool MayBeRead
    {
        get
        {
            // Looking through the dot takes the right to search, opening that to list.
            using SafeFileHandle handle = Libc.OpenRead(_inside + ".");
            return !handle.IsInvalid;
        }
    }

    /// <summary>True when a path lies inside the folder, or is the folder, also when links lead there.</summary>
    public bool Holds(string path)
    {
        string full = RealPath(System.IO.Path.GetFullPath(path));
        return full == Path || full.StartsWith(_inside, StringComparison.Ordinal);
    }

    /// <summary>Visits every file that may be served; unreadable folders and impossible names are passed
    /// over.</summary>
    public void Scan(Action<FileName, FileFacts> visit)
    {
        // The folders from the root to here: a link back to one of them would never end.
        Stack<FolderId> above = new();
        ScanFolder("", above, visit);
    }

    /// <summary>Opens a file of the folder; null with a reason when there is none that may be served.</summary>
    public FolderFile? Open(FileName name, out OpenFailure failure)
    {
        failure = OpenFailure.Missing;
        int fd = Libc.OpenPath(_inside + name.Value);
        if (fd < 0)
        {
            failure = Reason();
            return null;
        }
        try
        {
            if (Libc.Look(fd, out _) != EntryKind.File) return null;
            if (Libc.PathOf(fd) is not { } real || !real.StartsWith(_inside, StringComparison.Ordinal)) return null;
            SafeFileHandle handle = Libc.OpenRead($"/proc/self/fd/{fd}");
            if (!handle.IsInvalid && Libc.Look((int)handle.DangerousGetHandle(), out FileFacts facts) == EntryKind.File)
            {
                return new FolderFile(handle, facts);
            }
            failure = Reason();
            handle.Dispose();
            return null;
        }
        finally
        {
            Libc.Close(fd);
        }
    }

    // The real path of what is there already, and behind it what is not there yet.
    private static string RealPath(string full)
    {
        int fd = Libc.OpenPath(full);
        string? real = fd < 0 ? null : Libc.PathOf(fd);
        if (fd >= 0) Libc.Close(fd);
        return real ?? (System.IO.Path.GetDirectoryName(full) is { } above
            ? System.IO.Path.Combine(RealPath(above), System.IO.Path.GetFileName(full)) : full);
    }

    // Why the last call on a file failed.
    internal static OpenFailure Reason() => System.Runtime.InteropServices.Marshal.GetLastPInvokeError()
        is Libc.ErrorTooManyFiles or Libc.ErrorTableFull ? OpenFailure.NoDescriptors : OpenFailure.Missing;

    private void ScanFolder(string prefix, Stack<FolderId> above, Action<FileName, FileFacts> visit)
    {
        string folder = _inside + prefix;
        if (above.Count >= MostDepth || Libc.FolderAt(folder) is not { } self || above.Contains(self)) return;
        above.Push(self);
        try
        {
            foreach ((string name, bool isLink) in List(folder)) Visit(prefix + name, isLink, above, visit);
        }
        catch (IOException)
        {
            // The folder went away while it was read; the next scan sees what is there then.
        }
        above.Pop();
    }

    private void Visit(string path, bool isLink, Stack<FolderId> above, Action<FileName, FileFacts> visit)
    {
        EntryKind kind = Libc.Look(_inside + path, followLinks: true, out FileFacts facts);
        if (kind is EntryKind.Missing or EntryKind.Other || (isLink && !LeadsInside(path))) return;
        if (kind == EntryKind.Folder) ScanFolder(path + "/", above, visit);
        else if (FileName.TryCreate(path, out FileName name)) visit(name, facts);
    }

    private bool LeadsInside(string path)
    {
        int fd = Libc.OpenPath(_inside + path);
        if (fd < 0) return false;
        string? real = Libc.PathOf(fd);
        Libc.Close(fd);
        return real is not null && real.StartsWith(_inside, StringComparison.Ordinal);
    }

    private static FileSystemEnumerable<(string Name, bool IsLink)> List(string folder) =>
        new(folder, (ref FileSystemEntry entry) =>
            (entry.FileName.ToString(), (entry.Attributes & FileAttributes.ReparsePoint) != 0), Everything);
}

/// <summary>Why a file could not be opened.</summary>
public enum OpenFailure
{
    /// <summary>It is not there, or may not be served.</summary>
    Missing,

    /// <summary>The process has no file descriptors left.</summary>
    NoDescriptors,

    /// <summary>The server leaves and gives out nothing new.</summary>
    Ended,
}

/// <summary>An open file of a served folder.</summary>
[SupportedOSPlatform("linux")]
public sealed class FolderFile(SafeFileHandle handle, FileFacts facts) : IDisposable
{
    /// <summary>The open handle.</summary>
    public SafeFileHandle Handle => handle;

    /// <summary>The file's facts when it was opened.</summary>
    public FileFacts Facts => facts;

    /// <summary>True while nobody edited the file in place; being replaced or removed leaves an open file as it
    /// is.</summary>
    public bool IsUnchanged() => Libc.Look((int)handle.DangerousGetHandle(), out FileFacts now) == EntryKind.File
        && now.Size == facts.Size && now.Modified == facts.Modified;

    /// <summary>Reads bytes at an offset; fewer than asked only at the end of the file.</summary>
    public int Read(Span<byte> buffer, long offset) => Libc.Read(handle, buffer, offset);

    /// <summary>Lets go of what the page cache holds of a part, so that it is read from the disk next time; length 0
    /// means to the end.</summary>
    public void Uncache(long offset, long length) => Libc.Uncache(handle, offset, length);

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();
}
