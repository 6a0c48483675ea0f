using System.Runtime.Versioning;
using System.Text;
using MicroCdn.Protocol;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Storage;

/// <summary>A folder of files that go by the SHA-256 of their bytes: each is there whole and durable, or not at
/// all.</summary>
/// <remarks>
/// <para>A file stands on one of 4,096 shelves, <c>ab/c/abc...</c>: ten million are 2,500 on each. It is written as a
/// part beside its place, and gets its name when it is durable. A long part outlives the process, and is gone on with;
/// short ones, and parts that nobody came back to, are swept.</para>
/// <para>A lock file keeps a second process out. What is neither blob nor part is somebody's, and is left.</para>
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed class BlobFolder : IDisposable
{
    /// <summary>How long a part is kept that nobody goes on with.</summary>
    public static readonly TimeSpan PartTime = TimeSpan.FromDays(1);

    private const int DigestDigits = 2 * FileDigest.Length;

    private readonly SafeFileHandle _lock;
    private readonly StoreHealth _health;

    private BlobFolder(string path, SafeFileHandle handle, StoreHealth health) =>
        (Path, _lock, _health) = (path, handle, health);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Bytes that a user of this process may still write to the disk.</summary>
    public long FreeBytes => FreeSpace.Of(Path);

    /// <summary>Opens the folder, making it where it does not exist.</summary>
    /// <exception cref="IOException">Another process has it open, or it cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static BlobFolder Open(string path, StoreHealth health)
    {
        string full = System.IO.Path.GetFullPath(path);
        AtomicFile.MakeFolder(full, health);
        try
        {
            return new BlobFolder(full, File.OpenHandle(System.IO.Path.Combine(full, "lock"), FileMode.OpenOrCreate,
                FileAccess.ReadWrite, FileShare.None), health);
        }
        catch (IOException exception) when (exception is not DirectoryNotFoundException)
        {
            throw new IOException($"another process uses the folder '{full}': give each its own", exception);
        }
    }

    /// <summary>The file of a digest is there, and is so long.</summary>
    public bool Has(FileDigest digest, long size) =>
        Libc.Look(PathOf(digest), followLinks: false, out FileFacts facts) == EntryKind.File && facts.Size == size;

    /// <summary>Opens a file for reading; null with a reason when it cannot be had.</summary>
    public FolderFile? OpenFile(FileDigest digest, out OpenFailure failure)
    {
        SafeFileHandle handle = Libc.OpenRead(PathOf(digest));
        if (!handle.IsInvalid && Libc.Look((int)handle.DangerousGetHandle(), out FileFacts facts) == EntryKind.File)
        {
            failure = OpenFailure.Missing;
            return new FolderFile(handle, facts);
        }
        failure = ServedFolder.Reason();
        handle.Dispose();
        return null;
    }

    /// <summary>Begins a file, or goes on with what an earlier one left of it.</summary>
    /// <param name="digest">The SHA-256 that its bytes are to have; it is for the caller to see that they do.</param>
    /// <param name="size">Its length in bytes.</param>
    /// <exception cref="BusyFileException">It is being written.</exception>
    /// <exception cref="DiskFullException">There is no room for all of it.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public BlobPart Begin(FileDigest digest, long size)
    {
        _health.Refuse();
        return new BlobPart(PathOf(digest), digest, size, _health);
    }

    /// <summary>Deletes a file, and what there is of it; one that cannot be deleted is found by the next
    /// sweep.</summary>
    public void Delete(FileDigest digest) => Try(PathOf(digest));

    /// <summary>Visits every file, and deletes parts that nobody will go on with.</summary>
    /// <param name="visit">Called with digest and length of each.</param>
    /// <param name="began">When this process began to write here: a short part from before is of no more use.</param>
    /// <param name="now">The time.</param>
    public void Sweep(Action<FileDigest, long> visit, DateTimeOffset began, DateTimeOffset now)
    {
        foreach (string one in Directory.EnumerateDirectories(Path))
        {
            foreach (string shelf in Directory.EnumerateDirectories(one)) SweepShelf(shelf, visit, began, now);
        }
    }

    /// <summary>Where the file of a digest is, or will be.</summary>
    public string PathOf(FileDigest digest)
    {
        string hex = digest.ToString();
        return System.IO.Path.Combine(Path, hex[..2], hex[2..3], hex);
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static void SweepShelf(
        string shelf, Action<FileDigest, long> visit, DateTimeOffset began, DateTimeOffset now)
    {
        foreach (FileInfo file in new DirectoryInfo(shelf).EnumerateFiles())
        {
            if (file.Name.Length == DigestDigits)
            {
                if (FileDigest.TryParse(Encoding.ASCII.GetBytes(file.Name), out FileDigest digest))
                {
                    visit(digest, file.Length);
                }
                continue;
            }
            bool isShort = file.Name[0] == '.' && file.Name.EndsWith(".part", StringComparison.Ordinal);
            bool isLasting = file.Name.Length > DigestDigits
                && file.Name.AsSpan(DigestDigits) is ".part" or ".part.marks";
            if (isShort ? file.LastWriteTimeUtc < began : isLasting && file.LastWriteTimeUtc < now - PartTime)
            {
                Try(file.FullName);
            }
        }
    }

    private static void Try(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next sweep finds it again.
        }
    }
}

/// <summary>A blob that is being written, from its first byte to its last.</summary>
[SupportedOSPlatform("linux")]
public sealed class BlobPart : IDisposable
{
    private readonly PartFile _part;
    private readonly StoreHealth _health;

    internal BlobPart(string target, FileDigest digest, long size, StoreHealth health)
    {
        _health = health;
        int count = checked((int)Chunks.CountOf(size));
        byte[] stamp = new byte[PartFile.StampBytes];
        digest.CopyTo(stamp);
        // A mebibyte is sent again sooner than it is written down how much of it came.
        _part = size <= Chunks.Bytes ? PartFile.Create(target, size) : PartFile.Open(target, size, count, stamp);
        while (Claimed < count && _part.IsClaimed(Claimed)) Claimed++;
    }

    /// <summary>How many chunks from the first on are said to be there: a claim that is to be verified.</summary>
    public int Claimed { get; }

    /// <summary>True to leave it for a later process; else it is deleted when this is disposed.</summary>
    public bool Keep
    {
        set => _part.Keep = value;
    }

    /// <summary>Reads a chunk that is there; fewer bytes where it is not whole.</summary>
    public int Read(int chunk, Span<byte> bytes) => _part.Read((long)chunk * Chunks.Bytes, bytes);

    /// <summary>Writes a chunk.</summary>
    /// <exception cref="DiskFullException">No room is left.</exception>
    public void Write(int chunk, ReadOnlySpan<byte> bytes) => _part.Write(chunk, (long)chunk * Chunks.Bytes, bytes);

    /// <summary>Makes the file durable and gives it its name.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Commit()
    {
        _health.Refuse();
        try
        {
            _part.Commit();
        }
        catch (NotDurableException exception)
        {
            _health.Fail(_part.Path, exception);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _part.Dispose();
}
