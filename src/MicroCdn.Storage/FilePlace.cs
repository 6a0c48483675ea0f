using System.Runtime.Versioning;

namespace MicroCdn.Storage;

/// <summary>Which file a path led to: who keeps it open notices that it was moved, deleted or replaced.</summary>
[SupportedOSPlatform("linux")]
public sealed class FilePlace(string path)
{
    private readonly ulong _inode = Inode(path);

    /// <summary>True while the path leads to the same file; false also when there was none.</summary>
    public bool IsUnchanged => _inode != 0 && Inode(path) == _inode;

    private static ulong Inode(string path) =>
        Libc.Look(path, followLinks: true, out FileFacts facts) == EntryKind.File ? facts.Inode : 0;
}
