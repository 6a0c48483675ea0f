using System.Security.Cryptography;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>An index and content servers of version 2 in a few lines, as docs/protocol.md has them, with the faults that a
/// test wants; and clients to meet them.</summary>
internal sealed class ChunkPeers
{
    public const string Name = "big file.bin";
    public const int Mebibyte = 1024 * 1024;

    private const string Word = "big%20file.bin";
    private readonly FakeCluster _cluster;
    private readonly List<string> _notices = [];
    private readonly Dictionary<string, ForeignIndex> _indexes = [];
    private byte[] _file = [];

    public ChunkPeers(FakeCluster cluster, params string[] servers)
    {
        _cluster = cluster;
        cluster.Network.FragmentBytes = 64 * 1024;
        foreach (string id in servers) Start(id);
        Index("index");
    }

    public FakeCluster Cluster => _cluster;

    public FakeWorld World => _cluster.World;

    /// <summary>The servers by their ids.</summary>
    public Dictionary<string, ChunkServer> Servers { get; } = [];

    /// <summary>The ids that LOCATE names, in its order; those that are all by default.</summary>
    public string[]? Named { get; set; }

    /// <summary>What the index tells beside the size.</summary>
    public bool TellsDigest { get; set; } = true;

    /// <summary>True when the index tells the chunk root too.</summary>
    public bool TellsRoot { get; set; } = true;

    /// <summary>What the client said for people.</summary>
    public string[] Notices
    {
        get
        {
            lock (_notices) return [.. _notices];
        }
    }

    /// <summary>The bytes that the index takes for the file.</summary>
    public byte[] File
    {
        get => _file;
        set
        {
            _file = value;
            foreach (ChunkServer server in Servers.Values) server.Bytes = value;
        }
    }

    /// <summary>Bytes without a pattern.</summary>
    public byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        World.Chance.NextBytes(bytes);
        return bytes;
    }

    public ForeignIndex Index(string host, Func<Heard, Reply?>? other = null) => _indexes[host] =
        new ForeignIndex(_cluster, host, heard => other?.Invoke(heard) ?? Answer(heard));

    /// <summary>What an index heard that begins so.</summary>
    public string[] Heard(string start, string index = "index") => [.. _indexes[index].Lines
        .Select(heard => heard.Line).Where(line => line.StartsWith(start, StringComparison.Ordinal))];

    public void Start(string id) => Servers[id] = new ChunkServer(_cluster, id, Word) { Bytes = _file };

    /// <summary>A client that remembers in a folder of the world.</summary>
    public CdnClient Client(params string[] indexes)
    {
        FakeHost machine = _cluster.Network.Host("client");
        return new CdnClient(new ClientOptions
        {
            IndexHost = "index",
            Indexes = [.. indexes.Select(host => new IndexEndPoint(host, 5050))],
            CacheFolder = World.Folder["cache"],
        }, machine.Dialer, machine.Time);
    }

    public Task<DownloadResult> Begin(CdnClient? client = null, Action<DownloadProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        (client ?? Client()).DownloadAsync(Name, World.Folder["got/file.bin"], new DownloadOptions
        {
            Notice = notice =>
            {
                lock (_notices) _notices.Add(notice);
            },
            Progress = progress is null ? null : new Listener(progress),
        }, cancellationToken);

    public Task<DownloadResult> DownloadAsync(CdnClient? client = null, Action<DownloadProgress>? progress = null) =>
        World.ResultAsync(Begin(client, progress), "the download ends");

    public async Task<CdnFailure> FailAsync(CdnClient? client = null)
    {
        Task<DownloadResult> download = Begin(client);
        await World.UntilAsync(() => download.IsCompleted, "the download ends");
        return (await Assert.ThrowsAsync<CdnException>(() => download)).Failure;
    }

    /// <summary>Fails unless what was saved is the file, and nothing stands beside it.</summary>
    public void CheckSaved()
    {
        Assert.True(File.AsSpan().SequenceEqual(World.Folder.Read("got/file.bin")), "the file is not what was saved");
        Assert.Equal(["got/file.bin"], Saved());
    }

    public string[] Saved() => [.. World.Folder.Files()
        .Where(path => path.StartsWith("got/", StringComparison.Ordinal))];

    /// <summary>When a host was first dialed.</summary>
    public TimeSpan? Dialed(string host) =>
        _cluster.Network.Dials.Where(dial => dial.To == host).Select(dial => (TimeSpan?)dial.At).FirstOrDefault();

    public static byte[] Digests(byte[] file) =>
        [.. file.Chunk(Mebibyte).SelectMany(chunk => SHA256.HashData(chunk))];

    public static string Root(byte[] file) => Convert.ToHexStringLower(SHA256.HashData(Digests(file)));

    private Reply Answer(Heard heard) => heard.Verb switch
    {
        "HELLO" => new Reply(heard.Line == "HELLO 2" ? "WELCOME MICRO-CDN 2" : "WELCOME MICRO-CDN"),
        "REPORT" => new Reply("OK REPORTED"),
        "LOCATE" when heard.Line.Split(' ')[1] == Word => new Reply(Location(File)),
        _ => new Reply("ERROR FILE_NOT_FOUND"),
    };

    /// <summary>The answer to LOCATE for a file with these bytes.</summary>
    public string Location(byte[] file, string more = "")
    {
        StringBuilder answer = new($"FILE {Word} {file.Length}");
        if (TellsDigest) answer.Append($" sha256={Convert.ToHexStringLower(SHA256.HashData(file))}");
        if (TellsRoot) answer.Append($" chunks={Root(file)}");
        answer.Append($" time=1577836800{more}\n");
        foreach (string id in Named ?? [.. Servers.Keys])
        {
            string address = _cluster.Network.Host(Servers[id].Host).Address.ToString();
            answer.Append($"SERVER {address} 7001 {id} {File.Length} state=alive\n");
        }
        return answer.Append("END").ToString();
    }

    private sealed class Listener(Action<DownloadProgress> listener) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => listener(value);
    }
}

/// <summary>One content server, and what is wrong with it.</summary>
internal sealed class ChunkServer
{
    private readonly Lock _lock = new();
    private readonly List<string> _heard = [];
    private readonly FakeWorld _world;
    private readonly string _word;

    public ChunkServer(FakeCluster cluster, string id, string word)
    {
        (_world, _word, Host) = (cluster.World, word, id.ToLowerInvariant());
        cluster.Network.Host(Host).Listen(7001, ServeAsync);
    }

    public string Host { get; }

    public byte[] Bytes { get; set; } = [];

    /// <summary>It says nothing, not even to HELLO.</summary>
    public bool IsMute { get; set; }

    /// <summary>It has no file any more.</summary>
    public bool IsEmpty { get; set; }

    /// <summary>It speaks version 1.</summary>
    public bool IsOld { get; set; }

    /// <summary>It does not know its chunks' digests.</summary>
    public bool KnowsNoDigests { get; set; }

    /// <summary>The list of its chunks' digests has rotted.</summary>
    public bool TellsRottenDigests { get; set; }

    /// <summary>Chunks of which it sends other bytes.</summary>
    public HashSet<int> Rotten { get; init; } = [];

    /// <summary>After so many bytes of files it sends no more.</summary>
    public long? StallsAfter { get; set; }

    /// <summary>Bytes of files that it sent.</summary>
    public long Sent { get; private set; }

    public string[] Heard
    {
        get
        {
            lock (_lock) return [.. _heard];
        }
    }

    /// <summary>The chunks that were asked for.</summary>
    public int[] Ranges => [.. Heard.Where(line => line.StartsWith("RANGE ", StringComparison.Ordinal))
        .Select(line => (int)(long.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)
            / ChunkPeers.Mebibyte))];

    private async Task ServeAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        while (await connection.ReadLineAsync(cancellationToken) is { } bytes)
        {
            string line = Encoding.UTF8.GetString(bytes.Span);
            lock (_lock) _heard.Add(line);
            if (IsMute) continue;
            string[] words = line.Split(' ');
            if (line == "HELLO 2" && !IsOld) await SayAsync(connection, "WELCOME MICRO-CDN 2", cancellationToken);
            else if (IsEmpty) await SayAsync(connection, "ERROR FILE_NOT_FOUND", cancellationToken);
            else if (words is ["CHUNKS", var name, ..] && name == _word && !IsOld)
            {
                await SayAsync(connection, KnowsNoDigests ? "ERROR UNAVAILABLE" : Chunks(), cancellationToken);
            }
            else if (words is ["RANGE", var from, var count, var file, ..] && file == _word && !IsOld)
            {
                int offset = int.Parse(from, System.Globalization.CultureInfo.InvariantCulture);
                int length = int.Parse(count, System.Globalization.CultureInfo.InvariantCulture);
                await SendAsync(connection, offset, Math.Min(length, Bytes.Length - offset), cancellationToken);
            }
            else if (line == $"GET {ChunkPeers.Name}") await SendAsync(connection, 0, Bytes.Length, cancellationToken);
            else await SayAsync(connection, "ERROR UNKNOWN_COMMAND", cancellationToken);
        }
    }

    private string Chunks()
    {
        string digests = string.Concat(Bytes.Chunk(ChunkPeers.Mebibyte)
            .Select(chunk => Convert.ToHexStringLower(SHA256.HashData(chunk)) + "\n"));
        if (TellsRottenDigests) digests = $"{new string('1', 64)}\n{digests[65..]}";
        return $"CHUNKS {_word} {Bytes.Length} sha256={Convert.ToHexStringLower(SHA256.HashData(Bytes))} "
            + $"chunks={ChunkPeers.Root(Bytes)}\n{digests}END";
    }

    private async Task SendAsync(LineConnection connection, int offset, int length, CancellationToken cancellationToken)
    {
        await SayAsync(connection, $"OK {length}", cancellationToken);
        const int piece = 64 * 1024;
        for (int done = 0; done < length; done += piece)
        {
            byte[] bytes = Bytes.AsSpan(offset + done, Math.Min(piece, length - done)).ToArray();
            if (Rotten.Contains((offset + done) / ChunkPeers.Mebibyte)) bytes[0] ^= 1;
            while (StallsAfter is { } most && Sent >= most)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), _world.Time, cancellationToken);
            }
            await connection.SendAsync(bytes, cancellationToken);
            Sent += bytes.Length;
        }
    }

    private static async Task SayAsync(LineConnection connection, string text, CancellationToken cancellationToken) =>
        await connection.SendAsync(Encoding.UTF8.GetBytes(text + "\n"), cancellationToken);
}
