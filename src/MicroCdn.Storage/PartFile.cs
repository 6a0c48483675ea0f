using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A file that is written in any order, chunk by chunk, and can be gone on with by a later process.</summary>
/// <remarks>
/// <para>A lasting part stands beside its target as <c>name.part</c> (a long name is cut, as
/// <see cref="TargetPath.Part"/> says), and its journal as <c>name.part.marks</c>: a head that says what it is a part
/// of (magic, size, stamp), then one byte for each chunk, written behind the chunk's bytes in time. What the journal
/// says is a claim, not a proof: after a power cut, or when somebody wrote into the part, the bytes may be others, so
/// whoever goes on with it verifies the chunks that it claims. The room for all bytes is taken at once.</para>
/// <para>While a process has it open nobody else can open it. But any program may replace it, so it is looked at again
/// before it is renamed or deleted; and a file of that name that has bytes and no journal is somebody's, and is left as
/// it is. A part that does not last has a random name of its own and no journal, and is gone when it is
/// disposed.</para>
/// </remarks>
public sealed class PartFile : IDisposable
{
    /// <summary>Length of the stamp, which tells one version of a file from every other.</summary>
    public const int StampBytes = 64;

    private const int HeadBytes = 16 + 8 + StampBytes;
    private const int Tries = 5;
    private const long UncacheBytes = 8 << 20;

    private readonly string _target;
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly long _size;
    private readonly int _chunks;
    private readonly SafeFileHandle? _journal;
    private byte[] _marks = [];
    private bool _committed, _ended;
    private long _cached;

    private PartFile(
        string target, string path, SafeFileHandle handle, long size, int chunks, SafeFileHandle? journal) =>
        (_target, _path, _handle, _size, _chunks, _journal) = (target, path, handle, size, chunks, journal);

    private static ReadOnlySpan<byte> Magic => "MicroCDN part 1\n"u8;

    /// <summary>What was found under the part's name.</summary>
    public PartOrigin Origin { get; private set; }

    /// <summary>True to leave a lasting part where it is, for a later process; else it is deleted when this is
    /// disposed.</summary>
    public bool Keep { get; set; }

    /// <summary>True for bytes that nobody is going to read soon: they are let go from memory as they reach the disk,
    /// and push nothing out of it that is read.</summary>
    public bool IsCold { get; init; }

    /// <summary>The full path of the part.</summary>
    public string Path => _path;

    /// <summary>Starts a part that does not last.</summary>
    /// <param name="target">The path of the finished file.</param>
    /// <param name="size">The file's length in bytes.</param>
    /// <param name="isCold">See <see cref="IsCold"/>.</param>
    /// <exception cref="DiskFullException">There is no room for all of it.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static PartFile Create(string target, long size, bool isCold = false)
    {
        string full = TargetPath.Resolve(target);
        string path = TargetPath.Beside(full, RandomNumberGenerator.GetHexString(12, lowercase: true));
        return AtomicFile.Guard(full, () =>
        {
            Durable.MakeFolder(TargetPath.FolderOf(full));
            SafeFileHandle handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete);
            return new PartFile(full, path, handle, size, 0, null) { IsCold = isCold }.WithRoom();
        });
    }

    /// <summary>Opens the lasting part of a target, or starts it; one of another version is started over.</summary>
    /// <param name="target">The path of the finished file.</param>
    /// <param name="size">The file's length in bytes.</param>
    /// <param name="chunks">The number of its chunks.</param>
    /// <param name="stamp">The version, <see cref="StampBytes"/> long.</param>
    /// <param name="isCold">See <see cref="IsCold"/>.</param>
    /// <exception cref="BusyFileException">Another process has it open.</exception>
    /// <exception cref="DiskFullException">There is no room for all of it.</exception>
    /// <exception cref="IOException">It cannot be written, or has the name of a file that is no part.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static PartFile Open(
        string target, long size, int chunks, ReadOnlySpan<byte> stamp, bool isCold = false)
    {
        string full = TargetPath.Resolve(target);
        string path = TargetPath.Part(full);
        byte[] head = HeadOf(size, stamp);
        if (Durable.Look(path) is EntryKind.Other or EntryKind.Folder)
        {
            throw new IOException($"'{path}' is no regular file");
        }
        return AtomicFile.Guard(full, () =>
        {
            Durable.MakeFolder(TargetPath.FolderOf(full));
            SafeFileHandle handle = OpenAlone(path);
            SafeFileHandle? journal = null;
            try
            {
                // Bytes never come before their journal: see Dispose for the other end of a part's life.
                if (RandomAccess.GetLength(handle) > 0 && !File.Exists(JournalOf(path))) throw Foreign(path);
                // Locked too, or whoever is finishing a part could delete the journal of the next.
                journal = OpenAlone(JournalOf(path));
                PartFile part = new(full, path, handle, size, chunks, journal) { IsCold = isCold };
                part.Read(head);
                return part.WithRoom();
            }
            catch
            {
                journal?.Dispose();
                handle.Dispose();
                throw;
            }
        });
    }

    /// <summary>True for a chunk that the journal claims.</summary>
    public bool IsClaimed(int chunk) => chunk < _marks.Length && _marks[chunk] == 1;

    /// <summary>Reads bytes that were written before; fewer where the part ends.</summary>
    public int Read(long offset, Span<byte> bytes) => RandomAccess.Read(_handle, bytes, offset);

    /// <summary>Writes a chunk, then its mark.</summary>
    /// <exception cref="DiskFullException">No room is left.</exception>
    public void Write(int chunk, long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            Pieces.Write(_handle, bytes, offset);
            if (_journal is not null) RandomAccess.Write(_journal, [1], HeadBytes + chunk);
            // Also begins to write what is not on the disk yet.
            if (IsCold && Interlocked.Add(ref _cached, bytes.Length) % UncacheBytes < bytes.Length) Uncache();
        }
        catch (IOException exception) when (DiskFullException.Is(exception))
        {
            throw new DiskFullException(_target, exception);
        }
    }

    /// <summary>Makes the file durable and gives it its name, in place of whatever had it.</summary>
    /// <exception cref="IOException">The disk refused, or another program replaced the part; what that put there is
    /// left.</exception>
    public void Commit() => AtomicFile.Guard(_target, () =>
    {
        RandomAccess.SetLength(_handle, _size);
        Durable.Sync(_handle);
        if (IsCold) Uncache();
        if (!Durable.IsStill(_handle, _path)) throw new IOException($"'{_path}' was replaced by another program");
        // Windows renames no open file. Elsewhere the lock is held until the name is gone.
        if (Ways.AreOfWindows) _handle.Dispose();
        File.Move(_path, _target, overwrite: true);
        _committed = true;
        DeleteJournal();
        Durable.SyncFolder(TargetPath.FolderOf(_target));
        return true;
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ended) return;
        _ended = true;
        // What another program put there is not ours to delete, and the journal would make it look like ours.
        bool isOurs = !_committed && Durable.IsStill(_handle, _path);
        bool isKept = isOurs && _journal is not null && Keep;
        bool delete = isOurs && !isKept;
        // Emptied before its journal goes: a process that is killed in between leaves nothing that is refused later.
        if (delete && _journal is not null && !_handle.IsClosed) RandomAccess.SetLength(_handle, 0);
        if (!isKept) DeleteJournal();
        // Deleted while it is locked, or the next process could open it in between.
        if (delete && !Ways.AreOfWindows) File.Delete(_path);
        _journal?.Dispose();
        _handle.Dispose();
        if (delete && Ways.AreOfWindows) File.Delete(_path);
    }

    // What an earlier process left is worth keeping until there is room for the rest.
    private PartFile WithRoom()
    {
        try
        {
            Room.Take(_handle, _target, _size);
            return this;
        }
        catch
        {
            Keep = Origin == PartOrigin.Same;
            Dispose();
            throw;
        }
    }

    private void Uncache()
    {
        if (Ways.HasLibc) Libc.Uncache(_handle, 0, 0);
    }

    private void DeleteJournal()
    {
        if (_journal is null || _journal.IsClosed) return;
        bool isOurs = Durable.IsStill(_journal, JournalOf(_path));
        if (Ways.AreOfWindows) _journal.Dispose();
        if (isOurs) File.Delete(JournalOf(_path));
        _journal.Dispose();
    }

    private static IOException Foreign(string path) => new($"'{path}' is no part of ours: move it away");

    private static string JournalOf(string path) => path + ".marks";

    // Between opening and locking the file may have been finished and renamed: then it is a target, and not ours.
    private static SafeFileHandle OpenAlone(string path)
    {
        for (int tries = 0; tries < Tries; tries++)
        {
            SafeFileHandle handle;
            try
            {
                handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException exception) when (IsBusy(exception))
            {
                throw new BusyFileException(path, exception);
            }
            if (Durable.IsStill(handle, path)) return handle;
            handle.Dispose();
        }
        throw new BusyFileException(path, null);
    }

    // EWOULDBLOCK of Linux and macOS; ERROR_SHARING_VIOLATION of Windows as an HRESULT.
    private static bool IsBusy(IOException exception) =>
        exception.HResult is 11 or 35 or unchecked((int)0x80070020);

    private static byte[] HeadOf(long size, ReadOnlySpan<byte> stamp)
    {
        byte[] head = new byte[HeadBytes];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(16), size);
        stamp[..StampBytes].CopyTo(head.AsSpan(24));
        return head;
    }

    private void Read(byte[] head)
    {
        long length = RandomAccess.GetLength(_handle);
        byte[] found = new byte[HeadBytes];
        int read = RandomAccess.Read(_journal!, found, 0);
        if (length > 0 && read == HeadBytes && found.AsSpan().SequenceEqual(head))
        {
            _marks = new byte[_chunks];
            int marks = RandomAccess.Read(_journal!, _marks, HeadBytes);
            Array.Clear(_marks, marks, _chunks - marks);
            Origin = PartOrigin.Same;
            return;
        }
        // Cut short, or zeros, is what a power cut leaves of a journal.
        ReadOnlySpan<byte> start = found.AsSpan(0, Math.Min(read, Magic.Length));
        bool isJournal = Magic.StartsWith(start) || !start.ContainsAnyExcept((byte)0);
        if (!isJournal) throw Foreign(JournalOf(_path));
        Origin = length == 0 ? PartOrigin.New : PartOrigin.Other;
        RandomAccess.SetLength(_handle, 0);
        RandomAccess.SetLength(_journal!, 0);
        RandomAccess.Write(_journal!, head, 0);
    }
}

/// <summary>What was found under the name of a part.</summary>
public enum PartOrigin
{
    /// <summary>Nothing.</summary>
    New,

    /// <summary>A part of the same version of the file: it is gone on with.</summary>
    Same,

    /// <summary>A part of another version, or of something else: it was started over.</summary>
    Other,
}

/// <summary>Another process is writing the same file.</summary>
public sealed class BusyFileException(string path, Exception? inner)
    : IOException($"another download is writing '{path}'", inner);
