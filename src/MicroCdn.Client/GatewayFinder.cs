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
            string file = string.Join('/', name.Value.Split('/').Select(Uri.EscapeDataString));
            string last = not.Count > 0 ? $"&not={Uri.EscapeDataString(not.First())}" : "";
            byte[]? page = await http.ReadAsync(
                new Uri(gateway, $"{file}?json{last}"), JsonBytes, Where, either.Token).ConfigureAwait(false);
            if (page is null || Read(page, not) is not { } location) return null;
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
    public Task ReportAsync(FileName name, string server, string reason, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    private string Where => $"the gateway at {Name}";

    /// <summary>Reads the JSON; null when it names no server that can be asked.</summary>
    /// <exception cref="InvalidDataException">It is no such page.</exception>
    internal static Location? Read(ReadOnlyMemory<byte> page, IReadOnlyCollection<string> not)
    {
        try
        {
            return ReadPage(page, not);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException
            or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    private static Location? ReadPage(ReadOnlyMemory<byte> page, IReadOnlyCollection<string> not)
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
        if (holders.Count == 0 && root.TryGetProperty("url"u8, out JsonElement own)
            && Uri.TryCreate(own.GetString(), UriKind.Absolute, out Uri? relayed))
        {
            holders.Add(new Holder("gateway", "", 0, relayed));
        }
        if (size < 0 || holders.Count == 0) return null;
        Location location = new(size, [.. holders.OrderBy(holder => not.Contains(holder.Id))]) { IsWholeList = true };
        return location with { Digest = DigestOf(root, "sha256"u8), Root = DigestOf(root, "chunks"u8) };
    }

    /// <summary>The location with the chunks' digests of a Metalink, when it has them and they fit.</summary>
    internal static Location WithPieces(Location location, byte[] metalink)
    {
        int count = ChunkCount.Of(location.Size);
        if (count <= 0) return location;
        using MemoryStream digests = new();
        XmlReaderSettings settings = new() { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        using XmlReader xml = XmlReader.Create(new MemoryStream(metalink), settings);
        Span<byte> one = stackalloc byte[FileDigest.Length];
        bool inPieces = false;
        while (xml.Read())
        {
            if (xml.LocalName == "pieces")
            {
                inPieces = xml.NodeType == XmlNodeType.Element && xml.GetAttribute("type") == "sha-256"
                    && xml.GetAttribute("length") == Chunks.Bytes.ToString(CultureInfo.InvariantCulture);
            }
            else if (inPieces && xml.NodeType == XmlNodeType.Text
                && FileDigest.TryParse(Encoding.ASCII.GetBytes(xml.Value.Trim()), out FileDigest digest))
            {
                digest.CopyTo(one);
                digests.Write(one);
            }
        }
        ReadOnlySpan<byte> found = digests.GetBuffer().AsSpan(0, (int)digests.Length);
        ChunkList? list = location.Root.IsNone ? ChunkList.TryTrust(location.Size, found)
            : ChunkList.TryCreate(location.Size, location.Root, found);
        return list is null ? location : location with { Chunks = list, Root = Chunks.RootOf(list.Bytes) };
    }

    private static FileDigest DigestOf(JsonElement root, ReadOnlySpan<byte> key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
        && FileDigest.TryParse(Encoding.ASCII.GetBytes(value.GetString()!), out FileDigest digest) ? digest : default;
}
