using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A folder of very many files of one process, on 4,096 shelves: what a cache keeps its copies in.</summary>
/// <remarks>
/// <para>A file is written among the parts and gets its name on a shelf by a rename when it is whole, so nothing on a
/// shelf was ever being written when the process was killed. What a power cut leaves is another matter: only
/// <see cref="Sync"/> makes what was renamed before it durable.</para>
/// <para>A lock file keeps a second process out. Parts that a killed process left are deleted on opening. What is
/// neither is somebody's, and is left.</para>
/// </remarks>
public sealed class CopyFolder : IDisposable
{
    /// <summary>How many shelves there are: three hexadecimal digits. A million files are 244 on each, so that one is
    /// listed in a fraction of a millisecond.</summary>
    public const int Shelves = 4096;

    private const string Parts = "parts", LockName = "lock", State = "state", Log = "purges";
    private const FileShare Anyone = FileShare.ReadWrite | FileShare.Delete;

    private readonly SafeFileHandle _lock;
    private readonly StoreHealth _health;
    private long _parts;

    private CopyFolder(string path, SafeFileHandle handle, StoreHealth health) =>
        (Path, _lock, _health) = (path, handle, health);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Opens the folder, making it where it does not exist.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="health">Whether it may still be written.</param>
    /// <param name="strangers">Names in it that are none of ours; at most a handful.</param>
    /// <exception cref="UnusableCopyFolderException">Another process has it open, or it cannot be
    /// written.</exception>
    public static CopyFolder Open(string path, StoreHealth health, out IReadOnlyList<string> strangers)
    {
        string full = System.IO.Path.GetFullPath(path);
        CopyFolder? folder = null;
        try
        {
            Directory.CreateDirectory(full);
            string lockPath = System.IO.Path.Combine(full, LockName);
            folder = new(full, File.OpenHandle(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None),
                health);
            string parts = Directory.CreateDirectory(System.IO.Path.Combine(full, Parts)).FullName;
            foreach (string part in Directory.EnumerateFiles(parts)) Try(() => File.Delete(part));
            strangers = [.. Directory.EnumerateFileSystemEntries(full)
                .Select(entry => System.IO.Path.GetFileName(entry)!).Where(name => !IsOurs(name)).Take(5)];
            return folder;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            folder?.Dispose();
            throw new UnusableCopyFolderException(full, exception);
        }
    }

    /// <summary>Visits the files of a shelf: their names, and the bytes that they take from the disk.</summary>
    public void List(int shelf, Action<string, long> visit)
    {
        DirectoryInfo folder = new(ShelfPath(shelf));
        if (!folder.Exists) return;
        foreach (string path in Directory.EnumerateFiles(folder.FullName))
        {
            // One that was deleted in between takes nothing.
            if (Taken(path) is >= 0 and var bytes) visit(System.IO.Path.GetFileName(path), bytes);
        }
    }

    /// <summary>Starts a part; nobody else has its name.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public CopyPart Create()
    {
        _health.Refuse();
        string path = System.IO.Path.Combine(Path, Parts, $"{Interlocked.Increment(ref _parts):x}");
        return new CopyPart(path, new SharedFile(
            File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, Anyone)));
    }

    /// <summary>Gives a part its name on a shelf; whoever has it open keeps it open.</summary>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public void Place(CopyPart part, int shelf, string name)
    {
        _health.Refuse();
        string target = FilePath(shelf, name);
        try
        {
            File.Move(part.Path, target, overwrite: true);
        }
        catch (DirectoryNotFoundException)
        {
            Directory.CreateDirectory(ShelfPath(shelf));
            File.Move(part.Path, target, overwrite: true);
        }
    }

    /// <summary>The same once its bytes are durable, for one that takes the place of another: a power cut leaves either
    /// of them whole.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void PlaceDurable(CopyPart part, int shelf, string name)
    {
        _health.Refuse();
        try
        {
            Durable.Sync(part.File.Handle);
        }
        catch (NotDurableException exception)
        {
            _health.Fail(part.Path, exception);
            throw;
        }
        Place(part, shelf, name);
    }

    /// <summary>Opens a file of a shelf for reading and, to add to it, for writing; null when it cannot be
    /// opened.</summary>
    public SharedFile? Open(int shelf, string name)
    {
        try
        {
            return new SharedFile(File.OpenHandle(FilePath(shelf, name), FileMode.Open, FileAccess.ReadWrite, Anyone));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>True when a shelf has a file of this name.</summary>
    public bool Has(int shelf, string name) => File.Exists(FilePath(shelf, name));

    /// <summary>Deletes a file of a shelf; false when it is still there.</summary>
    public bool Delete(int shelf, string name) => Try(() => File.Delete(FilePath(shelf, name)));

    /// <summary>Deletes a part that is not wanted.</summary>
    public static bool Delete(CopyPart part) => Try(() => File.Delete(part.Path));

    /// <summary>Bytes that a user of this process may still write to the disk.</summary>
    public long FreeBytes => FreeSpace.Of(Path);

    /// <summary>Makes everything that was written before survive a power cut; false where the system offers no such
    /// call, so that nothing may be taken for durable.</summary>
    /// <exception cref="NotDurableException">The disk refused: nothing more is written.</exception>
    public bool Sync()
    {
        _health.Refuse();
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            Libc.SyncFileSystem(_lock);
            return true;
        }
        catch (NotDurableException exception)
        {
            _health.Fail(Path, exception);
            throw;
        }
    }

    /// <summary>The few bytes that were last put down by <see cref="WriteState"/>; empty when there are none.</summary>
    public byte[] ReadState()
    {
        string path = System.IO.Path.Combine(Path, State);
        return new FileInfo(path) is { Exists: true, Length: <= 4096 } ? File.ReadAllBytes(path) : [];
    }

    /// <summary>Puts a few bytes down in place of those before, durably.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void WriteState(ReadOnlySpan<byte> bytes)
    {
        using AtomicFile file = AtomicFile.Create(System.IO.Path.Combine(Path, State), _health);
        file.Write(bytes);
        file.Commit();
    }

    /// <summary>The log of what is not valid any more.</summary>
    public RecordLog OpenLog() => new(System.IO.Path.Combine(Path, Log), _health);

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    // A state being written, killed in between, leaves a name of AtomicFile's.
    private static bool IsOurs(string name) => name is Parts or LockName or State or Log
        || (name.Length == 3 && name.All(char.IsAsciiHexDigitLower))
        || (name.StartsWith('.') && name.EndsWith(".part", StringComparison.Ordinal));

    // A sparse file takes less than its length.
    private static long Taken(string path)
    {
        if (OperatingSystem.IsLinux()) return Libc.Taken(path);
        return new FileInfo(path) is { Exists: true, Length: var length } ? length : -1;
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private string ShelfPath(int shelf) => System.IO.Path.Combine(Path, $"{shelf:x3}");

    private string FilePath(int shelf, string name) => System.IO.Path.Combine(ShelfPath(shelf), name);
}

/// <summary>The folder for copies cannot be used; the message says why, and what to do.</summary>
public sealed class UnusableCopyFolderException(string path, Exception inner)
    : IOException(Sentence(path, inner), inner)
{
    // EWOULDBLOCK, and ERROR_SHARING_VIOLATION as a HRESULT.
    private const int LockedOfLinux = 11, LockedOfMacOS = 35, LockedOfWindows = unchecked((int)0x80070020);

    private static string Sentence(string path, Exception inner) =>
        inner.HResult is LockedOfLinux or LockedOfMacOS or LockedOfWindows
            ? $"another process uses the cache folder '{path}': end it, or choose another folder with --cache"
            : $"the cache folder '{path}' cannot be used, choose another with --cache: {inner.Message}";
}

/// <summary>A file that has no place on a shelf yet.</summary>
/// <param name="path">Where it is.</param>
/// <param name="file">Open for reading and writing, and held by whoever has the part.</param>
public sealed class CopyPart(string path, SharedFile file)
{
    /// <summary>Open for reading and writing.</summary>
    public SharedFile File => file;

    internal string Path => path;
}
