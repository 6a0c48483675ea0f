using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>One server that has a file, and how it is reached: by the line protocol, or by the file's URL.</summary>
/// <param name="Id">The server's id, or how messages call it.</param>
/// <param name="Host">Its address; empty when only <paramref name="Url"/> is known.</param>
/// <param name="Port">Its line port; 0 when only <paramref name="Url"/> is known.</param>
/// <param name="Url">Where the file is over HTTP, when that is all that is known.</param>
internal sealed record Holder(string Id, string Host, int Port, Uri? Url = null)
{
    /// <summary>What tells it from others.</summary>
    public string Key => Url is null ? $"{Host}:{Port}" : Url.AbsoluteUri;

    /// <summary>The server, as messages call it.</summary>
    public override string ToString() => $"{Id} at {(Url is null ? Key : Url.GetLeftPart(UriPartial.Authority))}";
}

/// <summary>Where a file is, and by what it is recognised.</summary>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Holders">The servers, those to be asked first in front.</param>
internal sealed record Location(long Size, IReadOnlyList<Holder> Holders)
{
    /// <summary>SHA-256 of the file, or none.</summary>
    public FileDigest Digest { get; init; }

    /// <summary>The chunk root, or none.</summary>
    public FileDigest Root { get; init; }

    /// <summary>The chunks' digests where whoever told of the file told them too.</summary>
    public ChunkList? Chunks { get; init; }

    /// <summary>True when all servers are named; an index of version 1 names one.</summary>
    public bool IsWholeList { get; init; }

    /// <summary>True when the index cannot tell whether it knows what is published.</summary>
    public bool IsBehind { get; init; }

    /// <summary>True when it was remembered, since no index answered.</summary>
    public bool IsRemembered { get; init; }

    /// <summary>True when it was remembered, and every index that answers says that no live server has the
    /// file.</summary>
    public bool IsDoubted { get; init; }

    /// <summary>True when chunks can be verified by themselves, once their digests are known.</summary>
    public bool HasChunks => ChunkCount.Of(Size) >= 0
        && (Chunks is not null || !Root.IsNone || ChunkList.OfOne(Size, Digest) is not null);

    /// <summary>True when another location tells of other bytes; without a digest they may be the same.</summary>
    public bool IsOther(Location other) => Size != other.Size
        || (!Digest.IsNone && !other.Digest.IsNone && Digest != other.Digest);
}

/// <summary>Reads the answer to LOCATE, line by line.</summary>
internal sealed class LocationReader(FileName name)
{
    /// <summary>Most servers that an index names.</summary>
    public const int MostHolders = 64;

    private readonly List<Holder> _holders = [];
    private long _size = -1;
    private FileDigest _digest;
    private FileDigest _root;
    private bool _isBehind;

    /// <summary>What was told so far; null before the file itself was.</summary>
    public Location? Result => _size < 0 ? null
        : new Location(_size, _holders) 
        {
            Digest = _digest, Root = _root, IsWholeList = true, IsBehind = _isBehind,
        };

    /// <summary>Takes one line; false when it cannot be one of this answer.</summary>
    public bool Take(ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        if (_size < 0) return verb.SequenceEqual("FILE"u8) && TakeFile(words);
        return verb.SequenceEqual("SERVER"u8) && TakeServer(words);
    }

    private bool TakeFile(Words words)
    {
        bool valid = words.Next(out ReadOnlySpan<byte> word) & words.NextNumber(out long size)
            && word.Length <= 3 * Limits.NameBytes;
        if (!valid) return false;
        Span<byte> decoded = stackalloc byte[3 * Limits.NameBytes];
        int length = PercentText.Decode(word, decoded);
        if (!decoded[..length].SequenceEqual(Encoding.UTF8.GetBytes(name.Value))) return false;
        while (words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("sha256"u8) && !FileDigest.TryParse(value, out _digest)) return false;
            _isBehind |= key.SequenceEqual("behind"u8);
            if (key.SequenceEqual("chunks"u8) && !FileDigest.TryParse(value, out _root)) return false;
        }
        // A root without the file's digest is half a word.
        if (_digest.IsNone) _root = FileDigest.None;
        _size = size;
        return words.AtEnd;
    }

    private bool TakeServer(Words words)
    {
        bool valid = words.Next(out ReadOnlySpan<byte> host) & words.NextPort(out int port)
            & words.Next(out ReadOnlySpan<byte> id) & words.NextNumber(out long size)
            && Heartbeat.IsHost(host) && ServerId.IsValid(id) && words.OnlyUnknownPairs();
        if (valid && size == _size && _holders.Count < MostHolders)
        {
            _holders.Add(new Holder(Encoding.UTF8.GetString(id), Encoding.UTF8.GetString(host), port));
        }
        return valid;
    }
}
