using System.Buffers;
using System.Globalization;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>A file with its servers in order: what every page about it shows.</summary>
internal sealed class Finding
{
    /// <summary>The most servers that a page names: five times the fleet we build for, and a page of a
    /// megabyte.</summary>
    public const int MostServers = 256;

    private readonly Place _place;
    private readonly byte[] _path;

    /// <param name="name">The file.</param>
    /// <param name="entry">What is known of it.</param>
    /// <param name="ranked">Its servers in order.</param>
    /// <param name="chosen">The number of the one that gets the client, or -1.</param>
    /// <param name="place">Where the client stands.</param>
    /// <param name="notOffered">The copies that are something else.</param>
    public Finding(ReadOnlySpan<byte> name, in FileEntry entry, ReadOnlySpan<Candidate> ranked, int chosen,
        Place place, IReadOnlyList<OtherCopy> notOffered)
    {
        ArrayBufferWriter<byte> path = new();
        PathNames.Write(name, path);
        (Name, _path, Entry, _place) = (name.ToArray(), path.WrittenSpan.ToArray(), entry, place);
        Chosen = chosen < 0 ? null : ranked[chosen].Server;
        Servers = [.. ranked[..Math.Min(ranked.Length, MostServers)]];
        NotOffered = [.. notOffered.Take(MostServers)];
    }

    /// <param name="path">A path that servers pull from an origin, as it came.</param>
    /// <param name="entry">Who pulls it.</param>
    /// <param name="ranked">These servers in order.</param>
    /// <param name="chosen">The number of the one that gets the client, or -1.</param>
    /// <param name="place">Where the client stands.</param>
    public Finding(ReadOnlySpan<byte> path, in FileEntry entry, ReadOnlySpan<Candidate> ranked, int chosen, Place place)
        : this(path, entry, ranked, chosen, place, []) => (_path, IsPulled) = (Name, true);

    /// <summary>The name in UTF-8; of a path that is pulled, all of it.</summary>
    public byte[] Name { get; }

    /// <summary>True for a path that servers pull from an origin: nothing is known of what is there.</summary>
    public bool IsPulled { get; }

    /// <summary>The name without its folders: what a download is saved as.</summary>
    public ReadOnlySpan<byte> LastPart => Name.AsSpan()[(Name.AsSpan().LastIndexOf((byte)'/') + 1)..];

    /// <summary>What is known of the file.</summary>
    public FileEntry Entry { get; }

    /// <summary>The servers, the best first, the excluded last.</summary>
    public IReadOnlyList<Candidate> Servers { get; }

    /// <summary>The server that a GET would be sent to now, or null.</summary>
    public Server? Chosen { get; }

    /// <summary>Copies that are something else.</summary>
    public IReadOnlyList<OtherCopy> NotOffered { get; }

    /// <summary>When the file last changed (RFC 3339), or null.</summary>
    public string? LastModified => Entry.UnixSeconds < 0 ? null : DateTimeOffset.FromUnixTimeSeconds(Entry.UnixSeconds)
        .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The URL by which this client gets the file from a server; null when that server speaks no
    /// HTTP.</summary>
    public byte[]? UrlOf(Server server)
    {
        if (server.Contact is not { } contact || !Place.IsWeb(contact)) return null;
        ArrayBufferWriter<byte> url = new();
        _place.WriteServer(contact, url);
        url.Write(_path);
        return url.WrittenSpan.ToArray();
    }

    /// <summary>All URLs of the file on a server, the one for this client first.</summary>
    public IEnumerable<byte[]> UrlsOf(Server server)
    {
        if (UrlOf(server) is not { } first) yield break;
        yield return first;
        Contact contact = server.Contact!;
        if (contact.Url is not null || contact.HttpPort is null || contact.HttpsPort is null) yield break;
        ArrayBufferWriter<byte> other = new();
        _place.WriteServer(contact, !first.AsSpan().StartsWith("https:"u8), other);
        other.Write(_path);
        yield return other.WrittenSpan.ToArray();
    }

    /// <summary>What a server's state is called.</summary>
    public static string StateOf(Server server) =>
        server.Contact is null ? "registering" : server.State.Text();

    /// <summary>A path of this gateway for the file, with an ending or a query behind it.</summary>
    public void WritePath(string more, IBufferWriter<byte> output)
    {
        output.Write(_path);
        Encoding.UTF8.GetBytes(more, output);
    }
}
