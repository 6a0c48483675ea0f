using System.Buffers;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Keeps the digests of the chunks of every file of more than one chunk, in a file for each chunk
/// root.</summary>
/// <remarks>
/// The list goes by the name of its root, which is the digest of its bytes: a torn or rotten one is noticed when it
/// is read, and two files with the same bytes share it. So nothing waits for the disk here. Without a folder the lists
/// stay in memory, as far as there is room.
/// </remarks>
internal sealed partial class ChunkLists
{
    // Lists of files of up to 2 GiB are checked before they are sent; the whole of a longer one would hold up the other
    // connections of the loop. Who asked checks it anyway.
    private const int CheckedBytes = 64 * 1024;

    // Without a folder: the lists of half a tebibyte.
    private const int MostHeldBytes = 16 << 20;

    private readonly KeptFolder? _folder;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<FileDigest, byte[]> _held = [];
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

    /// <summary>Keeps a list under its root.</summary>
    public void Keep(FileDigest root, ReadOnlySpan<byte> digests)
    {
        if (_folder is null)
        {
            Hold(root, digests);
            return;
        }
        try
        {
            using AtomicFile file = _folder.Create();
            file.Write(digests);
            file.CommitUnsynced(NameOf(root));
            _saidTrouble = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (!_saidTrouble) LogTrouble(_folder.Path, exception.Message);
            _saidTrouble = true;
        }
    }

    /// <summary>Opens the list of a file for one answer, which disposes it; null when it is not there, or not
    /// right.</summary>
    public ChunkList? Open(FileDigest root, long size)
    {
        long length = Chunks.CountOf(size) * FileDigest.Length;
        if (_folder is null)
        {
            lock (_lock)
            {
                return _held.TryGetValue(root, out byte[]? held) && held.Length == length ? new ChunkList(held) : null;
            }
        }
        if (_folder.Open(NameOf(root), out _) is not { } file) return null;
        if (file.Facts.Size == length && (length > CheckedBytes || IsRight(file, (int)length, root)))
        {
            return new ChunkList(file);
        }
        file.Dispose();
        return null;
    }

    /// <summary>Deletes the lists that no file of the library has.</summary>
    public void Tidy(Library library)
    {
        // An empty library's disk may only be away.
        if (_folder is null || library.Count == 0) return;
        HashSet<string> wanted = [];
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

    private static bool IsRight(FolderFile file, int length, FileDigest root)
    {
        byte[] digests = ArrayPool<byte>.Shared.Rent(length);
        bool right = file.Read(digests.AsSpan(0, length), 0) == length
            && Chunks.RootOf(digests.AsSpan(0, length)) == root;
        ArrayPool<byte>.Shared.Return(digests);
        return right;
    }

    private void Hold(FileDigest root, ReadOnlySpan<byte> digests)
    {
        lock (_lock)
        {
            if (_heldBytes + digests.Length > MostHeldBytes || !_held.TryAdd(root, digests.ToArray())) return;
            _heldBytes += digests.Length;
        }
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
