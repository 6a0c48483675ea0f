using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>A FIGURES line: what a content server did since its process began, and how it is.</summary>
/// <param name="Server">Whose it is.</param>
public sealed record ServerFigures(ServerId Server)
{
    // A version is a word for people: what semantic versioning makes of a commit fits twice.
    private const int MostVersionBytes = 96;

    private static readonly string[] Keys =
    [
        "inc", "requests", "errors", "bytes", "hits", "misses", "cached", "filled", "parents", "downloads",
        "diskfree", "disksize", "storebytes", "cert", "room",
    ];

    /// <summary>How often it was started; 0 when it did not say.</summary>
    public long Incarnation { get; init; }

    /// <summary>HTTP requests that were answered.</summary>
    public long Requests { get; init; }

    /// <summary>Of these with a status of 500 and above.</summary>
    public long Errors { get; init; }

    /// <summary>Bytes of bodies that were sent.</summary>
    public long Bytes { get; init; }

    /// <summary>Requests that a copy answered.</summary>
    public long Hits { get; init; }

    /// <summary>Requests for which an origin, or another cache, was asked.</summary>
    public long Misses { get; init; }

    /// <summary>Bytes of bodies that were sent where the cache had a part, from copies or past them.</summary>
    public long CachedBytes { get; init; }

    /// <summary>Bytes that came from origins.</summary>
    public long FilledBytes { get; init; }

    /// <summary>Bytes that came from other caches of the network.</summary>
    public long ParentBytes { get; init; }

    /// <summary>Downloads that are under way now.</summary>
    public int Downloads { get; init; }

    /// <summary>The version of its program; null when it did not say.</summary>
    public string? Version { get; init; }

    /// <summary>Bytes that are free on the disk of its state; null when it did not say.</summary>
    public long? DiskFree { get; init; }

    /// <summary>The size of that disk.</summary>
    public long? DiskSize { get; init; }

    /// <summary>What its cache takes on disk; null when it has none.</summary>
    public long? StoreBytes { get; init; }

    /// <summary>When its certificate ends, in seconds since 1970; null without one.</summary>
    public long? CertificateEnds { get; init; }

    /// <summary>True when it wants to hear how many DOWNLOADS lines the index takes with its next telling.</summary>
    public bool AsksRoom { get; init; }

    /// <summary>Reads what follows the verb; false for what is none.</summary>
    public static bool TryParse(Words words, out ServerFigures? figures)
    {
        figures = null;
        if (!words.Next(out ReadOnlySpan<byte> word) || !ServerId.TryCreate(word, out ServerId server)) return false;
        Span<long> values = stackalloc long[Keys.Length];
        values.Fill(-1);
        string? version = null;
        while (words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("version"u8))
            {
                if (value.Length is 0 or > MostVersionBytes) return false;
                version = Encoding.UTF8.GetString(value);
            }
            else if (Find(key) is >= 0 and int place && !Words.IsNumber(value, out values[place])) return false;
        }
        if (!words.AtEnd || values[9] > int.MaxValue || values[13] > Limits.UnixSeconds) return false;
        figures = new ServerFigures(server)
        {
            Incarnation = Counter(values[0]), Requests = Counter(values[1]), Errors = Counter(values[2]),
            Bytes = Counter(values[3]), Hits = Counter(values[4]), Misses = Counter(values[5]),
            CachedBytes = Counter(values[6]), FilledBytes = Counter(values[7]), ParentBytes = Counter(values[8]),
            Downloads = (int)Counter(values[9]), Version = version, DiskFree = Known(values[10]),
            DiskSize = Known(values[11]), StoreBytes = Known(values[12]), CertificateEnds = Known(values[13]),
            AsksRoom = values[14] > 0,
        };
        return true;
    }

    /// <summary>Appends the line, LF included.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.WriteText($"FIGURES {Server}");
        long?[] values =
        [
            Incarnation, Requests, Errors, Bytes, Hits, Misses, CachedBytes, FilledBytes, ParentBytes, Downloads,
            DiskFree, DiskSize, StoreBytes, CertificateEnds, AsksRoom ? 1 : null,
        ];
        for (int place = 0; place < Keys.Length; place++)
        {
            if (values[place] is { } value) output.WriteText($" {Keys[place]}={value}");
        }
        if (Version is { Length: > 0 and <= MostVersionBytes } version) output.WriteText($" version={version}");
        output.Write("\n"u8);
    }

    /// <summary>Appends the answer, LF included.</summary>
    /// <param name="output">Where it is appended.</param>
    /// <param name="room">How many DOWNLOADS lines are taken next; null when that was not asked.</param>
    public static void WriteNoted(IBufferWriter<byte> output, int? room) =>
        output.WriteText(room is null ? "OK NOTED\n" : $"OK NOTED room={room}\n");

    /// <summary>Reads the answer; false for what is none.</summary>
    /// <param name="line">The line.</param>
    /// <param name="room">How many DOWNLOADS lines are taken next; what is usual when it does not say.</param>
    public static bool TryReadNoted(ReadOnlySpan<byte> line, out int room)
    {
        room = DownloadCount.UsualLines;
        Words words = new(line);
        bool valid = words.Next(out ReadOnlySpan<byte> ok) & words.Next(out ReadOnlySpan<byte> noted)
            && ok.SequenceEqual("OK"u8) && noted.SequenceEqual("NOTED"u8);
        while (valid && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (!key.SequenceEqual("room"u8)) continue;
            valid = Words.IsNumber(value, out long lines);
            room = (int)Math.Min(lines, DownloadCount.MostLines);
        }
        return valid && words.AtEnd;
    }

    private static int Find(ReadOnlySpan<byte> key)
    {
        for (int place = 0; place < Keys.Length; place++)
        {
            if (Ascii.Equals(key, Keys[place])) return place;
        }
        return -1;
    }

    // What is not told of a counter is nothing that was done.
    private static long Counter(long value) => Math.Max(0, value);

    private static long? Known(long value) => value < 0 ? null : value;
}

/// <summary>An ORIGIN_FIGURES line: what a content server asked of one origin since its process began.</summary>
/// <param name="Server">Whose it is.</param>
/// <param name="Origin">The host and path prefix that is pulled.</param>
public sealed record OriginFigures(ServerId Server, string Origin)
{
    /// <summary>Most origins that one server tells of.</summary>
    public const int MostOrigins = 16;

    /// <summary>Most bytes of an origin's host and prefix: twice what a registration may tell of a prefix, and the
    /// longest host.</summary>
    public const int MostBytes = Limits.HostBytes + (2 * Limits.PrefixBytes);

    private const int MostWordBytes = 64;

    /// <summary>Requests that a copy answered.</summary>
    public long Hits { get; init; }

    /// <summary>Requests for which it was asked, or another cache was.</summary>
    public long Misses { get; init; }

    /// <summary>Requests that it failed.</summary>
    public long Failures { get; init; }

    /// <summary>Bytes that came from it.</summary>
    public long FilledBytes { get; init; }

    /// <summary>How it fails, by the words of docs/origins.md; null when it answered the last request.</summary>
    public string? Down { get; init; }

    /// <summary>Reads what follows the verb; false for what is none.</summary>
    public static bool TryParse(Words words, out OriginFigures? figures)
    {
        figures = null;
        if (!words.Next(out ReadOnlySpan<byte> word) || !ServerId.TryCreate(word, out ServerId server)) return false;
        if (!words.Next(out ReadOnlySpan<byte> origin) || origin.Length > 3 * MostBytes) return false;
        Span<byte> decoded = stackalloc byte[3 * MostBytes];
        decoded = decoded[..PercentText.Decode(origin, decoded)];
        if (decoded.Length is 0 or > MostBytes) return false;
        string name = Encoding.UTF8.GetString(decoded);
        // It stands in events, which are lines for people.
        if (name.Any(char.IsControl)) return false;
        long hits = 0, misses = 0, failures = 0, filled = 0;
        string? down = null;
        bool valid = true;
        while (valid && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("hits"u8)) valid = Words.IsNumber(value, out hits);
            else if (key.SequenceEqual("misses"u8)) valid = Words.IsNumber(value, out misses);
            else if (key.SequenceEqual("failures"u8)) valid = Words.IsNumber(value, out failures);
            else if (key.SequenceEqual("filled"u8)) valid = Words.IsNumber(value, out filled);
            else if (key.SequenceEqual("down"u8))
            {
                valid = value.Length is > 0 and <= MostWordBytes;
                down = Encoding.UTF8.GetString(value);
            }
        }
        if (!valid || !words.AtEnd) return false;
        figures = new OriginFigures(server, name)
        {
            Hits = hits, Misses = misses, Failures = failures, FilledBytes = filled, Down = down,
        };
        return true;
    }

    /// <summary>Appends the line, LF included.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.WriteText($"ORIGIN_FIGURES {Server} ");
        PercentText.Encode(Encoding.UTF8.GetBytes(Origin), output);
        output.WriteText($" hits={Hits} misses={Misses} failures={Failures} filled={FilledBytes}");
        if (Down is { Length: > 0 and <= MostWordBytes } down) output.WriteText($" down={down}");
        output.Write("\n"u8);
    }
}
