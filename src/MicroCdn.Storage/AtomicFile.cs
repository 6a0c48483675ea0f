using System.Security.Cryptography;
using MicroCdn.Protocol;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A file that appears under its name only when it is whole: written beside the target, made durable,
/// renamed.</summary>
/// <remarks>
/// The order that survives a power cut: temporary file, write, fsync, rename, fsync of the folder. Without the first
/// fsync the name may come back empty, without the second it may not come back at all; a folder that is made for it has
/// had the fsync of its own parent by then. Disposed before
/// <see cref="Commit()"/>, it leaves nothing; whatever stood under the name before is untouched.
/// </remarks>
public sealed class AtomicFile : IDisposable
{
    private readonly string _temporary;
    private readonly SafeFileHandle _handle;
    private readonly StoreHealth? _health;
    private string _target;
    private long _room;
    private bool _committed;

    private AtomicFile(string target, string temporary, SafeFileHandle handle, StoreHealth? health)
    {
        (_target, _temporary, _handle, _health) = (target, temporary, handle, health);
    }

    /// <summary>Starts a file, making the folders above it.</summary>
    /// <exception cref="IOException">The folder cannot be written; <see cref="DiskFullException"/> when it is
    /// full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static AtomicFile Create(string target) => Create(target, null);

    /// <summary>The same for a file that only its owner may read, from its first byte on.</summary>
    /// <inheritdoc cref="Create(string)"/>
    public static AtomicFile CreatePrivate(string target) => Create(target, null, isPrivate: true);

    /// <summary>The same within a store: refused once that is read-only.</summary>
    /// <exception cref="StoreReadOnlyException">It is.</exception>
    public static AtomicFile Create(string target, StoreHealth? health) => Create(target, health, isPrivate: false);

    private static AtomicFile Create(string target, StoreHealth? health, bool isPrivate)
    {
        health?.Refuse();
        string full = TargetPath.Resolve(target);
        string temporary = TargetPath.Beside(full, RandomNumberGenerator.GetHexString(12, lowercase: true));
        string folder = TargetPath.FolderOf(full);
        return Guard(full, () =>
        {
            MakeFolder(folder, health);
            return new AtomicFile(full, temporary, Open(temporary, isPrivate), health);
        });
    }

    /// <summary>How many bytes were written so far.</summary>
    public long Length { get; private set; }

    /// <summary>Appends bytes.</summary>
    /// <exception cref="DiskFullException">No room is left.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Pieces.Write(_handle, bytes, Length);
        }
        catch (IOException exception) when (DiskFullException.Is(exception))
        {
            throw new DiskFullException(_target, exception);
        }
        Length += bytes.Length;
    }

    /// <summary>Takes the room of so many bytes before they come; what of it is left over is given back at the
    /// end.</summary>
    /// <exception cref="DiskFullException">There is no such room.</exception>
    public void TakeRoom(long size)
    {
        Room.Take(_handle, _target, size);
        _room = Math.Max(_room, size);
    }

    /// <summary>Starts over at the first byte.</summary>
    public void Restart()
    {
        RandomAccess.SetLength(_handle, 0);
        Length = _room = 0;
    }

    /// <summary>Makes the file durable and gives it its name, in place of whatever had it.</summary>
    /// <exception cref="NotDurableException">The disk refused; it is not tried again, and a store is read-only from now
    /// on.</exception>
    public void Commit() => Guard(_target, () =>
    {
        _health?.Refuse();
        GiveBackRoom();
        try
        {
            Durable.Sync(_handle);
            // Windows renames no open file.
            if (Ways.AreOfWindows) _handle.Dispose();
            File.Move(_temporary, _target, overwrite: true);
            _committed = true;
            Durable.SyncFolder(Path.GetDirectoryName(_target)!);
            return true;
        }
        catch (NotDurableException exception)
        {
            _health?.Fail(_target, exception);
            throw;
        }
    });

    /// <summary>The same under another name in the same folder, for a name that tells what was written.</summary>
    public void Commit(FileName name)
    {
        _target = Path.Combine(Path.GetDirectoryName(_target)!, name.Value);
        Commit();
    }

    /// <summary>The same without waiting for the disk, for a file that carries a check of itself and can be made again:
    /// after a power cut it may be missing, torn or zeros.</summary>
    public void CommitUnsynced(FileName name) => Guard(_target, () =>
    {
        _health?.Refuse();
        _target = Path.Combine(Path.GetDirectoryName(_target)!, name.Value);
        GiveBackRoom();
        File.Move(_temporary, _target, overwrite: true);
        _committed = true;
        return true;
    });

    /// <summary>True for the name of a file that was never committed, left by a process that was killed.</summary>
    internal static bool IsLeftover(FileName name) => name.Value.StartsWith('.')
        && name.Value.EndsWith(".part", StringComparison.Ordinal);

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle.Dispose();
        if (!_committed) File.Delete(_temporary);
    }

    private void GiveBackRoom()
    {
        if (_room > Length) RandomAccess.SetLength(_handle, Length);
    }

    // No file lock: the name is ours alone by its randomness.
    private static SafeFileHandle Open(string temporary, bool isPrivate)
    {
        const FileShare Anyone = FileShare.ReadWrite | FileShare.Delete;
        if (!isPrivate || OperatingSystem.IsWindows())
        {
            return File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, Anyone);
        }
        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = Anyone,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        return new FileStream(temporary, options).SafeFileHandle;
    }

    /// <summary>Makes a folder, with those above it, that survives a power cut; within a store where there is
    /// one.</summary>
    /// <exception cref="IOException">It cannot be made; <see cref="NotDurableException"/> when the disk
    /// refused.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static void MakeFolder(string folder, StoreHealth? health = null)
    {
        health?.Refuse();
        try
        {
            Durable.MakeFolder(folder);
        }
        catch (NotDurableException exception)
        {
            health?.Fail(folder, exception);
            throw;
        }
    }

    internal static T Guard<T>(string target, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (IOException exception) when (DiskFullException.Is(exception))
        {
            throw new DiskFullException(target, exception);
        }
    }
}

/// <summary>No room is left on the disk, or within the user's quota.</summary>
public sealed class DiskFullException(string target, Exception? inner)
    : IOException($"no room is left on the disk for {target}", inner)
{
    private const int NoSpace = 28, QuotaOfLinux = 122, QuotaOfMacOS = 69;

    // ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL as HRESULTs.
    private const int FullOfWindows = unchecked((int)0x80070070), HandleFullOfWindows = unchecked((int)0x80070027);

    internal static bool Is(IOException exception) => OperatingSystem.IsWindows()
        ? exception.HResult is FullOfWindows or HandleFullOfWindows
        : exception.HResult == NoSpace
            || exception.HResult == (OperatingSystem.IsMacOS() ? QuotaOfMacOS : QuotaOfLinux);
}
