using System.Buffers;
using System.Security.Cryptography;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Keeps the digests of the chunks of every file of more than one chunk, in a file for each chunk
/// root.</summary>
/// <remarks>
/// The list goes by the name of its root, which is the digest of its bytes: a torn or rotten one is noticed when it
/// is read, and two files with the same bytes share it. So nothing waits for the disk here. Without a folder, or when
/// that cannot be written, lists stay in memory, as far as there is room: the oldest gives way.
/// </remarks>
internal sealed partial class ChunkLists
{
    // Lists of files of up to 2 GiB are checked each time before they are sent. The whole of a longer one would hold up
    // the other connections of the loop (some 20 ms for each tebibyte of the file), so it is checked at the first time,
    // and again when its size, time or inode is another.
    private const int CheckedBytes = 64 * 1024;

    // Some 80 bytes each; when there are more, all are checked again.
    private const int MostRemembered = 10_000;

    // In memory: the lists of half a tebibyte.
    private const int MostHeldBytes = 16 << 20;

    private readonly KeptFolder? _folder;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<FileDigest, byte[]> _held = [];
    private readonly Queue<FileDigest> _heldOldestFirst = [];
    private readonly Dictionary<FileDigest, FileFacts> _right = [];
    private long _heldBytes;
    private bool _saidTrouble;

    /// <summary>Takes the folder of this server's state; null to keep them in memory.</summary>
    public ChunkLists(string? state, ServedFolder served, StoreHealth health, ILogger logger)
    {
        _logger = logger;
        if (state is null || served.Holds(state)) return;
        try
        {
            _folder = new KeptFolder(Path.Combine(state, "chunks"), health);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogTrouble(state, exception.Message);
        }
    }

    /// <summary>Keeps a list under its root; false when there is no room for it anywhere.</summary>
    public bool Keep(FileDigest root, ReadOnlySpan<byte> digests)
    {
        if (_folder is null) return Hold(root, digests);
        try
        {
            using AtomicFile file = _folder.Create();
            file.Write(digests);
            file.CommitUnsynced(NameOf(root));
            _saidTrouble = false;
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (!_saidTrouble) LogTrouble(_folder.Path, exception.Message);
            _saidTrouble = true;
            return Hold(root, digests);
        }
    }

    /// <summary>Opens the list of a file for one answer, which disposes it; null when it is not there, or not
    /// right.</summary>
    public ChunkList? Open(FileDigest root, long size)
    {
        long length = Chunks.CountOf(size) * FileDigest.Length;
        if (_folder?.Open(NameOf(root), out _) is { } file)
        {
            if (file.Facts.Size == length && (WasRight(file, root) || IsRight(file, root))) return new ChunkList(file);
            file.Dispose();
        }
        lock (_lock)
        {
            return _held.TryGetValue(root, out byte[]? held) && held.Length == length ? new ChunkList(held) : null;
        }
    }

    /// <summary>Deletes the lists that no file of the library has, and no blob.</summary>
    public void Tidy(Library library, IEnumerable<FileDigest> ofBlobs)
    {
        // An empty library's disk may only be away.
        if (_folder is null || library.Count == 0) return;
        HashSet<string> wanted = [.. ofBlobs.Select(root => root.ToString())];
        for (int number = 0; number < library.Count; number++)
        {
            if (Chunks.FollowFromDigest(library.FactsOf(number).Size)) continue;
            FileDigest root = library.ChunkRootOf(number);
            // What is not known yet may turn out to be any of them.
            if (root.IsNone) return;
            wanted.Add(root.ToString());
        }
        List<FileName> useless = [];
        _folder.Scan((name, _) =>
        {
            if (!wanted.Contains(name.Value)) useless.Add(name);
        });
        useless.ForEach(_folder.Delete);
    }

    private bool WasRight(FolderFile file, FileDigest root)
    {
        if (file.Facts.Size <= CheckedBytes) return false;
        lock (_lock) return _right.TryGetValue(root, out FileFacts facts) && facts == file.Facts;
    }

    private bool IsRight(FolderFile file, FileDigest root)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = ArrayPool<byte>.Shared.Rent(CheckedBytes);
        long done = 0;
        for (int read; done < file.Facts.Size && (read = file.Read(piece, done)) > 0; done += read)
        {
            hash.AppendData(piece, 0, read);
        }
        ArrayPool<byte>.Shared.Return(piece);
        if (done != file.Facts.Size || new FileDigest(hash.GetHashAndReset()) != root) return false;
        if (done <= CheckedBytes) return true;
        lock (_lock)
        {
            if (_right.Count >= MostRemembered) _right.Clear();
            _right[root] = file.Facts;
        }
        return true;
    }

    private bool Hold(FileDigest root, ReadOnlySpan<byte> digests)
    {
        if (digests.Length > MostHeldBytes) return false;
        lock (_lock)
        {
            if (_held.ContainsKey(root)) return true;
            while (_heldBytes + digests.Length > MostHeldBytes)
            {
                if (_held.Remove(_heldOldestFirst.Dequeue(), out byte[]? oldest)) _heldBytes -= oldest.Length;
            }
            _held.Add(root, digests.ToArray());
            _heldOldestFirst.Enqueue(root);
            _heldBytes += digests.Length;
        }
        return true;
    }

    private static FileName NameOf(FileDigest root)
    {
        FileName.TryCreate(root.ToString(), out FileName name);
        return name;
    }

    [LoggerMessage(4040, LogLevel.Warning,
        "digests of chunks cannot be kept in '{Folder}', so clients verify large files only as a whole: {Reason}")]
    private partial void LogTrouble(string folder, string reason);
}
