namespace MicroCdn.Protocol;

/// <summary><c>STORE size sha256=HEX64 [chunks=HEX64] put=ID</c>, of version 2: somebody brings bytes that are to be
/// published.</summary>
public readonly ref struct StoreRequest
{
    /// <summary>How many bytes there are.</summary>
    public long Size { get; private init; }

    /// <summary>Their SHA-256.</summary>
    public FileDigest Digest { get; private init; }

    /// <summary>Their chunk root (<see cref="Chunks"/>), or none when it was not told.</summary>
    public FileDigest Root { get; private init; }

    /// <summary>Which put it belongs to; a word of who puts.</summary>
    public ReadOnlySpan<byte> Put { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out StoreRequest message)
    {
        bool valid = words.NextNumber(out long size);
        FileDigest digest = FileDigest.None, root = FileDigest.None;
        ReadOnlySpan<byte> put = [];
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("sha256"u8)) valid = FileDigest.TryParse(value, out digest);
            else if (key.SequenceEqual("chunks"u8)) valid = FileDigest.TryParse(value, out root);
            else if (key.SequenceEqual("put"u8)) valid = ServerId.IsValid(put = value);
        }
        message = new StoreRequest { Size = size, Digest = digest, Root = root, Put = put };
        return valid && words.AtEnd && !digest.IsNone && !put.IsEmpty;
    }
}
