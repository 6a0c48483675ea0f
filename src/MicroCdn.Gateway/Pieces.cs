using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>The digests of the chunks of files, for Metalinks: fetched from a server that has the file when somebody
/// wants them, verified against the chunk root that the index holds, and kept for the next who wants them.</summary>
/// <remarks>A file of one chunk needs no fetching. Whoever cannot be served in time gets a Metalink without
/// pieces.</remarks>
internal sealed class Pieces(IDialer dialer, Complaints complaints, TimeProvider time)
{
    /// <summary>The longest list, that of a file of 32 GiB: its Metalink has 2.7 MB.</summary>
    public const int MostChunks = 32 * 1024;

    // Kept lists: those of a tebibyte of files.
    private const int MostKeptBytes = 32 << 20;

    private const int MostAtOnce = 16;
    private const int MostServers = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private readonly Dictionary<FileDigest, byte[]> _kept = [];
    private readonly Queue<FileDigest> _order = new();
    private readonly ConcurrentDictionary<FileDigest, Lazy<Task<byte[]?>>> _underWay = [];
    private long _keptBytes;

    /// <summary>The digests, one behind another, when nothing has to be fetched: they are at hand, or cannot be
    /// had.</summary>
    /// <returns>False when fetching them is worth the wait.</returns>
    public bool TryGet(in FileEntry entry, out byte[] digests)
    {
        digests = [];
        FileDigest root = entry.ChunkRoot;
        if (root.IsNone || entry.Size == 0 || Chunks.CountOf(entry.Size) > MostChunks) return true;
        if (Chunks.FollowFromDigest(entry.Size))
        {
            digests = new byte[FileDigest.Length];
            entry.Digest.CopyTo(digests);
            return true;
        }
        lock (_lock)
        {
            if (!_kept.TryGetValue(root, out byte[]? kept)) return _underWay.Count >= MostAtOnce;
            digests = kept;
            return true;
        }
    }

    /// <summary>Fetches them; empty when no server tells them in time.</summary>
    public async Task<byte[]> FetchAsync(FileName name, FileEntry entry, IReadOnlyList<Server> servers)
    {
        FileDigest root = entry.ChunkRoot;
        Lazy<Task<byte[]?>> fetching = _underWay.GetOrAdd(root, _ => new Lazy<Task<byte[]?>>(
            () => FetchAsync(new Wanted(name, entry.Size, root), servers)));
        try
        {
            return await fetching.Value.ConfigureAwait(false) ?? [];
        }
        finally
        {
            _underWay.TryRemove(root, out _);
        }
    }

    private async Task<byte[]?> FetchAsync(Wanted wanted, IReadOnlyList<Server> servers)
    {
        using CancellationTokenSource late = new(Patience, time);
        foreach (Server server in servers.Take(MostServers))
        {
            try
            {
                if (await AskAsync(wanted, server.Contact!, late.Token).ConfigureAwait(false) is { } digests)
                {
                    Keep(wanted.Root, digests);
                    return digests;
                }
            }
            catch (OperationCanceledException)
            {
                complaints.Add($"the chunks of '{wanted.Name}' were not told within {Patience.TotalSeconds} s");
                return null;
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException)
            {
                complaints.Add($"{server.Id} did not tell the chunks of '{wanted.Name}': {exception.Message}");
            }
        }
        return null;
    }

    // Null from a server that does not know them, or speaks version 1.
    private async Task<byte[]?> AskAsync(Wanted wanted, Contact contact, CancellationToken cancellationToken)
    {
        await using LineConnection? connection = await Speaking2.TryDialAsync(
            dialer, contact.Address.ToString(), contact.TcpPort, time, cancellationToken).ConfigureAwait(false);
        if (connection is null) return null;
        await connection.SendAsync(wanted.Question(), cancellationToken).ConfigureAwait(false);
        ReadOnlyMemory<byte>? head = await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        if (head is not { } words || !words.Span.StartsWith("CHUNKS "u8)) return null;
        byte[] digests = new byte[wanted.Chunks * FileDigest.Length];
        for (int chunk = 0; chunk < wanted.Chunks; chunk++)
        {
            ReadOnlyMemory<byte>? line = await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            if (line is not { } hex || !FileDigest.TryParse(hex.Span, out FileDigest digest))
            {
                throw new InvalidDataException("the list ends early");
            }
            digest.CopyTo(digests.AsSpan(chunk * FileDigest.Length));
        }
        // Whatever else the server says: these are the digests of the file that the index means, or they are not.
        if (Chunks.RootOf(digests) != wanted.Root) throw new InvalidDataException("they are of other bytes");
        return digests;
    }

    private void Keep(FileDigest root, byte[] digests)
    {
        lock (_lock)
        {
            if (!_kept.TryAdd(root, digests)) return;
            _order.Enqueue(root);
            _keptBytes += digests.Length;
            // The oldest makes room.
            while (_keptBytes > MostKeptBytes && _order.TryDequeue(out FileDigest oldest))
            {
                _kept.Remove(oldest, out byte[]? gone);
                _keptBytes -= gone?.Length ?? 0;
            }
        }
    }

    private sealed record Wanted(FileName Name, long Size, FileDigest Root)
    {
        public int Chunks => (int)Protocol.Chunks.CountOf(Size);

        public byte[] Question()
        {
            ArrayBufferWriter<byte> line = new();
            line.Write("CHUNKS "u8);
            PercentText.Encode(Encoding.UTF8.GetBytes(Name.Value), line);
            line.Write("\n"u8);
            return line.WrittenSpan.ToArray();
        }
    }
}
