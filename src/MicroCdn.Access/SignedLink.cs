using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Access;

/// <summary>What is wrong with a signed link.</summary>
public enum LinkFault
{
    /// <summary>Nothing: it is good.</summary>
    None,

    /// <summary>It has no signature, or only a part of one.</summary>
    Missing,

    /// <summary>Its signature is of something else: another path, another time, another key.</summary>
    Wrong,

    /// <summary>It was good until a while ago.</summary>
    Expired,

    /// <summary>It is another network's.</summary>
    Elsewhere,
}

/// <summary>A link that is good for a while: for a file or all of a folder, and, where it says so, for a network alone
/// (docs/access.md).</summary>
/// <remarks>
/// HMAC-SHA256 (RFC 2104) over five lines: <c>file</c> or <c>folder</c>, when it ends, the path as it is decoded, the
/// network, and of a file what else the query says. The last two hold no line end, and the first two are what they are,
/// so no two links have the same lines.
/// </remarks>
public static class SignedLink
{
    /// <summary>The parameters of the query that belong to the signature.</summary>
    public static IReadOnlyList<string> Names { get; } = ["token", "expires", "token_path", "token_net"];

    /// <summary>The longest path, and the longest query, that can be signed, in bytes.</summary>
    public const int MostBytes = 2048;

    private const int HashLetters = 43;

    private static ReadOnlySpan<byte> Kind => "HS256-"u8;

    /// <summary>The query of a signed link, without a question mark.</summary>
    /// <param name="keys">The first one signs.</param>
    /// <param name="path">The path, decoded, with its slash; with one at the end too, where it is a folder.</param>
    /// <param name="isFolder">Whether it is good for everything below the path.</param>
    /// <param name="expires">Until when, in seconds since 1970.</param>
    /// <param name="network">For which clients alone; null for all.</param>
    /// <param name="rest">What else the query says, as it is to stand there; empty for a folder.</param>
    /// <exception cref="ArgumentException">Path or query are too long, or none that can be signed.</exception>
    public static string Sign(LinkKeys keys, string path, bool isFolder, long expires, IPNetwork? network = null,
        string rest = "")
    {
        byte[] named = Encoding.UTF8.GetBytes(path), more = Encoding.UTF8.GetBytes(rest);
        if (named.Length > MostBytes || more.Length > MostBytes || !path.StartsWith('/')
            || (isFolder && (!path.EndsWith('/') || rest.Length > 0)))
        {
            throw new ArgumentException($"no path of at most {MostBytes} bytes", nameof(path));
        }
        string net = network is { } only ? only.ToString() : "";
        string time = expires.ToString(CultureInfo.InvariantCulture);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(keys.First, isFolder, Encoding.ASCII.GetBytes(time), named, Encoding.ASCII.GetBytes(net), more, hash);
        string query = $"expires={time}&token=HS256-{Base64Url.EncodeToString(hash)}";
        if (isFolder) query += $"&token_path={Uri.EscapeDataString(path)}";
        if (network is not null) query += $"&token_net={Uri.EscapeDataString(net)}";
        if (rest.Length > 0) query = $"{rest}&{query}";
        // What is signed is what will be read: a rest with words of a signature in it would not be.
        byte[] whole = Encoding.UTF8.GetBytes(query);
        LinkQuery link = new(new byte[3 * whole.Length]);
        bool isRead = whole.Length <= MostBytes && link.TryRead(whole) && link.Rest.SequenceEqual(more);
        return isRead ? query : throw new ArgumentException("no query that can be signed", nameof(rest));
    }

    /// <summary>A query without the words of a signature, whether that is good or not; as it came where there is
    /// none.</summary>
    public static ReadOnlySpan<byte> Without(ReadOnlySpan<byte> query)
    {
        if (query.IndexOf("token=HS256-"u8) < 0) return query;
        LinkQuery link = new(new byte[3 * (query.Length + 1)]);
        link.TryRead(query);
        return link.Rest;
    }

    /// <summary>Judges the link of a request. Allocates nothing, but for one that is bound to a network.</summary>
    /// <param name="keys">The keys that are good.</param>
    /// <param name="path">The path, decoded.</param>
    /// <param name="query">The query as it came.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="now">The time, in seconds since 1970.</param>
    public static LinkFault Check(
        LinkKeys keys, ReadOnlySpan<byte> path, ReadOnlySpan<byte> query, IPAddress client, long now)
    {
        if (path.Length > MostBytes || query.Length > MostBytes) return LinkFault.Missing;
        Span<byte> room = stackalloc byte[3 * MostBytes];
        LinkQuery link = new(room);
        if (!link.TryRead(query)) return LinkFault.Missing;
        bool isFolder = !link.Folder.IsEmpty;
        if (isFolder && (link.Folder[0] != '/' || link.Folder[^1] != '/' || !path.StartsWith(link.Folder)))
            return LinkFault.Wrong;
        if (!link.Token.StartsWith(Kind)) return LinkFault.Wrong;
        bool isGood = false;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes], text = stackalloc byte[HashLetters];
        foreach (byte[] key in keys.All)
        {
            Hash(key, isFolder, link.Expires, isFolder ? link.Folder : path, link.Network,
                isFolder ? default : link.Rest, hash);
            // As text, of which there is one; the last letter of Base64 has bits that decoding drops.
            Base64Url.EncodeToUtf8(hash, text);
            isGood |= CryptographicOperations.FixedTimeEquals(text, link.Token[Kind.Length..]);
        }
        // Only of a link that is ours it is told what else is the matter.
        if (!isGood || !Utf8Parser.TryParse(link.Expires, out long expires, out int digits)
            || digits != link.Expires.Length)
        {
            return LinkFault.Wrong;
        }
        if (now >= expires || expires > Limits.UnixSeconds) return LinkFault.Expired;
        return link.Network.IsEmpty || (IPNetwork.TryParse(Encoding.ASCII.GetString(link.Network), out IPNetwork only)
            && only.Contains(client)) ? LinkFault.None : LinkFault.Elsewhere;
    }

    // Each line is as long as it may be: the whole is bounded by that.
    private static void Hash(ReadOnlySpan<byte> key, bool isFolder, ReadOnlySpan<byte> expires,
        ReadOnlySpan<byte> path, ReadOnlySpan<byte> network, ReadOnlySpan<byte> rest, Span<byte> hash)
    {
        Span<byte> text = stackalloc byte[(4 * MostBytes) + 16];
        int length = 0;
        Add(isFolder ? "folder\n"u8 : "file\n"u8, text, ref length);
        Add(expires, text, ref length);
        Add("\n"u8, text, ref length);
        Add(path, text, ref length);
        Add("\n"u8, text, ref length);
        Add(network, text, ref length);
        Add("\n"u8, text, ref length);
        Add(rest, text, ref length);
        HMACSHA256.HashData(key, text[..length], hash);
    }

    private static void Add(ReadOnlySpan<byte> part, Span<byte> text, ref int length)
    {
        part.CopyTo(text[length..]);
        length += part.Length;
    }
}
