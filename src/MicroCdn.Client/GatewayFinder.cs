using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Asks a gateway over HTTP where files are, by its JSON and its Metalink.</summary>
/// <remarks>The gateway is believed as an index is. Its servers are reached over HTTP, and the pieces of the Metalink
/// (RFC 5854) are the digests of the chunks when they are mebibytes.</remarks>
internal sealed class GatewayFinder(Uri gateway, HttpFiles http, TimeProvider time, TimeSpan limit) : IFinder
{
    private const string Relay = "gateway";
    private const int JsonBytes = 4 * 1024 * 1024;

    // 64 hex digits and the element around them for each MiB of 100 GiB.
    private const int MetalinkBytes = 10 * 1024 * 1024;

    private string Name => gateway.GetLeftPart(UriPartial.Authority);

    /// <inheritdoc/>
    public async Task<Location?> FindAsync(
        FileName name, IReadOnlyCollection<string> not, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            string file = PathOf(name);
            string last = not.Count > 0 ? $"&not={Uri.EscapeDataString(not.First())}" : "";
            byte[]? page = await http.ReadAsync(
                new Uri(gateway, $"{file}?json{last}"), JsonBytes, Where, either.Token).ConfigureAwait(false);
            if (page is null || Read(page, not, new Uri(gateway, file)) is not { } location) return null;
            // What the gateway passes on it sends whole alone.
            if (location.Holders is [{ Id: Relay }]) return location;
            byte[]? metalink = await http.ReadAsync(
                new Uri(gateway, $"{file}.meta4"), MetalinkBytes, Where, either.Token).ConfigureAwait(false);
            return metalink is null ? location : WithPieces(location, metalink);
        }
        catch (HttpRequestException exception)
        {
            throw new IOException($"{Where} cannot be reached: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is InvalidDataException or XmlException)
        {
            throw new InvalidDataException($"{Where} answered what cannot be read: {exception.Message}", exception);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{Where} did not answer within {limit.TotalSeconds} s");
        }
    }

    /// <inheritdoc/>
    public Task<List<ServerRow>> ListServersAsync(CancellationToken cancellationToken) =>
        Task.FromResult<List<ServerRow>>([]);

    /// <inheritdoc/>
    public async Task ReportAsync(
        FileName name, string server, string reason, CancellationToken cancellationToken)
    {
        if (server == Relay) return;
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            Uri report = new(gateway, $"{PathOf(name)}?report={reason}&server={Uri.EscapeDataString(server)}");
            await http.PostAsync(report, either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            // The download does not depend on it.
        }
    }

    private static string PathOf(FileName name) =>
        string.Join('/', name.Value.Split('/').Select(Uri.EscapeDataString));

    private string Where => $"the gateway at {Name}";

    /// <summary>Reads the JSON; null when it names no server that can be asked.</summary>
    /// <param name="page">The JSON.</param>
    /// <param name="not">The ids of servers to name last.</param>
    /// <param name="self">Where the gateway itself has the file, which passes it on from servers without HTTP.</param>
    /// <exception cref="InvalidDataException">It is no such page.</exception>
    internal static Location? Read(ReadOnlyMemory<byte> page, IReadOnlyCollection<string> not, Uri self)
    {
        try
        {
            return ReadPage(page, not, self);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException
            or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    private static Location? ReadPage(ReadOnlyMemory<byte> page, IReadOnlyCollection<string> not, Uri self)
    {
        using JsonDocument document = JsonDocument.Parse(page);
        JsonElement root = document.RootElement;
        long size = root.GetProperty("size"u8).GetInt64();
        List<Holder> holders = [];
        foreach (JsonElement server in root.GetProperty("servers"u8).EnumerateArray())
        {
            if (holders.Count == LocationReader.MostHolders) break;
            if (server.TryGetProperty("excluded"u8, out JsonElement why) && why.ValueKind == JsonValueKind.String)
            {
                continue;
            }
            string id = server.GetProperty("id"u8).GetString() ?? "?";
            foreach (JsonElement url in server.GetProperty("urls"u8).EnumerateArray())
            {
                if (Uri.TryCreate(url.GetString(), UriKind.Absolute, out Uri? uri)
                    && (uri.Scheme is "http" or "https"))
                {
                    holders.Add(new Holder(id, "", 0, uri));
                    break;
                }
            }
        }
        bool isRelayed = holders.Count == 0 && root.TryGetProperty("relayed"u8, out JsonElement relayed)
            && relayed.ValueKind == JsonValueKind.True;
        if (isRelayed) holders.Add(new Holder(Relay, "", 0, self));
        if (size < 0 || holders.Count == 0) return null;
        Location location = new(size, [.. holders.OrderBy(holder => not.Contains(holder.Id))]) { IsWholeList = true };
        return location with
        {
            Digest = DigestOf(root, "sha256"u8), Root = isRelayed ? default : DigestOf(root, "chunks"u8),
        };
    }

    /// <summary>The location with the chunks' digests of a Metalink, when it has them and they fit: they prove the
    /// root that the JSON told, or where it told none, stand beside the same digest of the file.</summary>
    /// <remarks>JSON and Metalink are two answers; between them the file may have been replaced.</remarks>
    internal static Location WithPieces(Location location, byte[] metalink)
    {
        int count = ChunkCount.Of(location.Size);
        if (count <= 0) return location;
        using MemoryStream digests = new();
        XmlReaderSettings settings = new() { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        using XmlReader xml = XmlReader.Create(new MemoryStream(metalink), settings);
        Span<byte> one = stackalloc byte[FileDigest.Length];
        bool inPieces = false, isFileHash = false, isSameFile = false;
        while (xml.Read())
        {
            if (xml.LocalName == "pieces" && xml.NodeType is XmlNodeType.Element or XmlNodeType.EndElement)
            {
                inPieces = xml.NodeType == XmlNodeType.Element && xml.GetAttribute("type") == "sha-256"
                    && xml.GetAttribute("length") == Chunks.Bytes.ToString(CultureInfo.InvariantCulture);
            }
            else if (xml is { LocalName: "hash", NodeType: XmlNodeType.Element })
            {
                isFileHash = !inPieces && xml.GetAttribute("type") == "sha-256";
            }
            else if (xml.NodeType == XmlNodeType.Text && (inPieces || isFileHash)
                && FileDigest.TryParse(Encoding.ASCII.GetBytes(xml.Value.Trim()), out FileDigest digest))
            {
                if (isFileHash) isSameFile = digest == location.Digest;
                isFileHash = false;
                if (!inPieces) continue;
                digest.CopyTo(one);
                digests.Write(one);
            }
        }
        if (location.Root.IsNone && !isSameFile) return location;
        ReadOnlySpan<byte> found = digests.GetBuffer().AsSpan(0, (int)digests.Length);
        ChunkList? list = location.Root.IsNone ? ChunkList.TryTrust(location.Size, found)
            : ChunkList.TryCreate(location.Size, location.Root, found);
        return list is null ? location : location with { Chunks = list, Root = Chunks.RootOf(list.Bytes) };
    }

    private static FileDigest DigestOf(JsonElement root, ReadOnlySpan<byte> key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
        && FileDigest.TryParse(Encoding.ASCII.GetBytes(value.GetString()!), out FileDigest digest) ? digest : default;
}
