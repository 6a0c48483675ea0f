using System.Text;

namespace MicroCdn.Protocol;

/// <summary><c>PLACE</c> and <c>PUBLISH</c>, of version 2: <c>file_name size sha256=HEX64 [chunks=HEX64] [time=SECONDS]
/// [replicas=N] [spread=1] [new=1] [match=REVISION] [release=WORD] [at=ID]...</c>. An operator has a file published, or
/// staged.</summary>
public sealed record PublishRequest
{
    /// <summary>The file's name, decoded.</summary>
    public required byte[] Name { get; init; }

    /// <summary>How many bytes it has.</summary>
    public long Size { get; init; }

    /// <summary>Their SHA-256.</summary>
    public FileDigest Digest { get; init; }

    /// <summary>Their chunk root, or none for one that follows from the digest.</summary>
    public FileDigest Root { get; init; }

    /// <summary>Last change of the bytes in seconds since 1970; -1 when not told.</summary>
    public long UnixSeconds { get; init; } = -1;

    /// <summary>How many copies there are to be; 0 when the policy of its prefix says.</summary>
    public byte Replicas { get; init; }

    /// <summary>Refuse when something is published under this name.</summary>
    public bool IsNew { get; init; }

    /// <summary>Refuse unless this revision is published under this name; 0 for no such condition.</summary>
    public long Match { get; init; }

    /// <summary>The copies are to be in as many zones as there are, whatever the policy says.</summary>
    public bool IsSpread { get; init; }

    /// <summary>The release that it is staged in; null for one that is to be visible now.</summary>
    public ServerId? Release { get; init; }

    /// <summary>The servers that have the bytes already.</summary>
    public IReadOnlyList<ServerId> At { get; init; } = [];

    /// <summary>Reads the words after the verb; null when they are none.</summary>
    public static PublishRequest? Read(Words words)
    {
        if (!words.Next(out var encoded) || !words.NextNumber(out long size)) return null;
        byte[] decoded = new byte[encoded.Length];
        byte[] name = decoded[..PercentText.Decode(encoded, decoded)];
        PublishRequest? request = FileName.IsValid(name) ? new PublishRequest { Name = name, Size = size } : null;
        List<ServerId> at = [];
        while (request is not null && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("at"u8))
            {
                if (at.Count == OrderLine.MostSources || !ServerId.TryCreate(value, out ServerId id)) return null;
                at.Add(id);
            }
            else request = request.With(Encoding.UTF8.GetString(key), value);
        }
        if (request is null || !words.AtEnd || request.Digest.IsNone) return null;
        // A root that follows is not told; one that contradicts is no root of these bytes.
        if (Chunks.FollowFromDigest(size))
        {
            if (!request.Root.IsNone && request.Root != Chunks.RootOfOne(size, request.Digest)) return null;
            request = request with { Root = FileDigest.None };
        }
        else if (request.Root.IsNone) return null;
        return request with { At = at };
    }

    private PublishRequest? With(string key, ReadOnlySpan<byte> value)
    {
        bool isNumber = Words.IsNumber(value, out long number);
        FileDigest digest;
        return key switch
        {
            "sha256" => FileDigest.TryParse(value, out digest) ? this with { Digest = digest } : null,
            "chunks" => FileDigest.TryParse(value, out digest) ? this with { Root = digest } : null,
            "time" => isNumber && number <= Limits.UnixSeconds ? this with { UnixSeconds = number } : null,
            "replicas" => isNumber && number is >= 1 and <= Limits.Replicas
                ? this with { Replicas = (byte)number } : null,
            "match" => isNumber && number > 0 ? this with { Match = number } : null,
            "new" => this with { IsNew = value.SequenceEqual("1"u8) },
            "spread" => this with { IsSpread = value.SequenceEqual("1"u8) },
            "release" => ServerId.TryCreate(value, out ServerId release) ? this with { Release = release } : null,
            _ => this,
        };
    }
}
