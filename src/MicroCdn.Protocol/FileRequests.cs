namespace MicroCdn.Protocol;

// What a client of version 2 asks for, as views on the line: reading one allocates nothing. The verb itself has already
// been taken by the caller; a name is one word here.

/// <summary><c>LOCATE file_name [not=server_id]...</c>, of version 2: a client asks what a file is and who has
/// it.</summary>
public readonly ref struct LocateRequest
{
    private Words Pairs { get; init; }

    /// <summary>The name as it travels, still encoded.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out LocateRequest message)
    {
        bool valid = words.Next(out var name);
        message = new LocateRequest { Name = name, Pairs = words };
        while (valid && words.NextPair(out var key, out var value))
        {
            valid = !key.SequenceEqual("not"u8) || ServerId.IsValid(value);
        }
        return valid && words.AtEnd;
    }

    /// <summary>A server to be asked last; null when none is named.</summary>
    public ServerId? FirstUnwanted
    {
        get
        {
            Words words = Pairs;
            while (words.NextPair(out var key, out var value))
            {
                if (key.SequenceEqual("not"u8) && ServerId.TryCreate(value, out ServerId id)) return id;
            }
            return null;
        }
    }

    /// <summary>True for a server that is to be asked last.</summary>
    public bool IsUnwanted(ReadOnlySpan<byte> id)
    {
        Words words = Pairs;
        while (words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("not"u8) && value.SequenceEqual(id)) return true;
        }
        return false;
    }
}

/// <summary><c>RANGE offset length file_name [sha256=HEX64]</c>, of version 2: a client asks for some bytes of a
/// file.</summary>
public readonly ref struct RangeRequest
{
    /// <summary>The first byte.</summary>
    public long Offset { get; private init; }

    /// <summary>How many are wanted at most.</summary>
    public long Length { get; private init; }

    /// <summary>The name as it travels, still encoded.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary>Which bytes are meant; none when whatever has the name is.</summary>
    public FileDigest Digest { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out RangeRequest message)
    {
        bool valid = words.NextNumber(out long offset) & words.NextNumber(out long length) & words.Next(out var name)
            & MeantBytes.TryParse(words, out FileDigest digest);
        message = new RangeRequest { Offset = offset, Length = length, Name = name, Digest = digest };
        return valid;
    }
}

/// <summary><c>CHUNKS file_name [sha256=HEX64]</c>, of version 2: a client asks for the digests of a file's
/// chunks.</summary>
public readonly ref struct ChunkRequest
{
    /// <summary>The name as it travels, still encoded.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary>Which bytes are meant; none when whatever has the name is.</summary>
    public FileDigest Digest { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out ChunkRequest message)
    {
        bool valid = words.Next(out var name) & MeantBytes.TryParse(words, out FileDigest digest);
        message = new ChunkRequest { Name = name, Digest = digest };
        return valid;
    }
}

/// <summary>The pair by which a client says which bytes it means.</summary>
internal static class MeantBytes
{
    public static bool TryParse(Words words, out FileDigest digest)
    {
        digest = FileDigest.None;
        while (words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("sha256"u8) && !FileDigest.TryParse(value, out digest)) return false;
        }
        return words.AtEnd;
    }
}
