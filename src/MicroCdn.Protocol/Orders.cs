using System.Buffers;

namespace MicroCdn.Protocol;

/// <summary>What an index has a content server do.</summary>
public enum OrderKind
{
    /// <summary>Fetch bytes from other servers.</summary>
    Fetch,

    /// <summary>Have a name show bytes.</summary>
    Show,

    /// <summary>Have a name show nothing.</summary>
    Drop,

    /// <summary>Delete bytes that nobody needs.</summary>
    Forget,
}

/// <summary>One line of an answer to ORDERS.</summary>
/// <param name="Kind">What is to be done.</param>
/// <param name="Order">The index's word for it; SHOW and DROP lines of one word are one order.</param>
public sealed record OrderLine(OrderKind Kind, string Order)
{
    /// <summary>Most lines of one answer.</summary>
    public const int MostLines = 20_000;

    /// <summary>Most servers that a FETCH names.</summary>
    public const int MostSources = 16;

    /// <summary>The bytes; none for DROP.</summary>
    public FileDigest Digest { get; init; }

    /// <summary>Of FETCH: how many bytes there are.</summary>
    public long Size { get; init; }

    /// <summary>Of FETCH: their chunk root; for bytes of one chunk it follows.</summary>
    public FileDigest Root { get; init; }

    /// <summary>The name; of FETCH the one by which the servers know the bytes, or null.</summary>
    public FileName? Name { get; init; }

    /// <summary>Of SHOW and DROP: which revision of the name.</summary>
    public long Revision { get; init; }

    /// <summary>Of SHOW: when it was published, in seconds since 1970.</summary>
    public long Seconds { get; init; }

    /// <summary>Of FETCH: hosts and line ports of the servers to be asked.</summary>
    public IReadOnlyList<(string Host, int Port)> Sources { get; init; } = [];

    /// <summary>Reads a line; false for one that is none.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out OrderLine? order)
    {
        order = null;
        Words words = new(line);
        words.Next(out var verb);
        OrderKind? kind = verb switch
        {
            _ when verb.SequenceEqual("FETCH"u8) => OrderKind.Fetch,
            _ when verb.SequenceEqual("SHOW"u8) => OrderKind.Show,
            _ when verb.SequenceEqual("DROP"u8) => OrderKind.Drop,
            _ when verb.SequenceEqual("FORGET"u8) => OrderKind.Forget,
            _ => null,
        };
        if (kind is not { } what || !words.Next(out var id) || !ServerId.TryCreate(id, out ServerId word)) return false;
        FileName? name = null;
        long size = 0;
        if (what == OrderKind.Fetch && !words.NextNumber(out size)) return false;
        if (what is OrderKind.Show or OrderKind.Drop && !TryName(ref words, out name)) return false;
        OrderLine read = new(what, word.Value) { Name = name, Size = size };
        if (!TryPairs(words, read, out order)) return false;
        return what switch
        {
            OrderKind.Fetch => !order!.Digest.IsNone && order.Sources.Count > 0
                && (Chunks.FollowFromDigest(size) || !order.Root.IsNone),
            OrderKind.Show => !order!.Digest.IsNone && order.Revision >= 0 && order.Seconds >= 0,
            OrderKind.Drop => order!.Revision >= 0,
            _ => !order!.Digest.IsNone,
        };
    }

    /// <summary>Appends the line, LF included.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.WriteText($"{Kind.ToString().ToUpperInvariant()} {Order}");
        if (Kind == OrderKind.Fetch) output.WriteText($" {Size}");
        if (Kind is OrderKind.Show or OrderKind.Drop) WriteName(" ", output);
        WriteDigest(" sha256=", Digest, output);
        if (Kind == OrderKind.Fetch && !Chunks.FollowFromDigest(Size)) WriteDigest(" chunks=", Root, output);
        if (Kind == OrderKind.Fetch && Name is not null) WriteName(" name=", output);
        foreach ((string host, int port) in Sources) output.WriteText($" from={host}:{port}");
        if (Kind is OrderKind.Show or OrderKind.Drop) output.WriteText($" revision={Revision}");
        if (Kind == OrderKind.Show) output.WriteText($" time={Seconds}");
        output.Write("\n"u8);
    }

    private static bool TryPairs(Words words, OrderLine read, out OrderLine? order)
    {
        FileDigest digest = default, root = default;
        long revision = -1, seconds = -1;
        FileName? name = read.Name;
        List<(string, int)> sources = [];
        bool valid = true;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("sha256"u8)) valid = FileDigest.TryParse(value, out digest);
            else if (key.SequenceEqual("chunks"u8)) valid = FileDigest.TryParse(value, out root);
            else if (key.SequenceEqual("revision"u8)) valid = Words.IsNumber(value, out revision);
            else if (key.SequenceEqual("time"u8)) valid = Words.IsNumber(value, out seconds);
            else if (key.SequenceEqual("from"u8)) valid = TrySource(value, sources);
            else if (key.SequenceEqual("name"u8) && read.Kind == OrderKind.Fetch)
            {
                Words one = new(value);
                valid = TryName(ref one, out name);
            }
        }
        order = read with
        {
            Digest = digest,
            Root = Chunks.FollowFromDigest(read.Size) ? Chunks.RootOfOne(read.Size, digest) : root,
            Revision = revision, Seconds = seconds, Name = name, Sources = sources,
        };
        return valid && words.AtEnd && seconds <= Limits.UnixSeconds && sources.Count <= MostSources;
    }

    private static bool TryName(ref Words words, out FileName? name)
    {
        name = null;
        if (!words.Next(out var word) || word.Length > Limits.LineBytes) return false;
        Span<byte> decoded = stackalloc byte[Limits.LineBytes];
        bool valid = FileName.TryCreate(decoded[..PercentText.Decode(word, decoded)], out FileName read);
        if (valid) name = read;
        return valid;
    }

    private static bool TrySource(ReadOnlySpan<byte> value, List<(string, int)> sources)
    {
        int colon = value.LastIndexOf((byte)':');
        if (colon <= 0 || !Heartbeat.IsHost(value[..colon])) return false;
        Words port = new(value[(colon + 1)..]);
        if (!port.NextPort(out int number) || !port.AtEnd) return false;
        sources.Add((System.Text.Encoding.ASCII.GetString(value[..colon]), number));
        return true;
    }

    private void WriteName(string before, IBufferWriter<byte> output)
    {
        output.WriteText(before);
        PercentText.Encode(System.Text.Encoding.UTF8.GetBytes(Name!.Value.Value), output);
    }

    private static void WriteDigest(string before, FileDigest digest, IBufferWriter<byte> output)
    {
        if (digest.IsNone) return;
        output.WriteText(before);
        digest.WriteHex(output);
    }
}

/// <summary><c>ORDERS server_id capacity=N free=N busy=N</c>: a content server asks what it is to do.</summary>
public readonly ref struct OrdersQuestion
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>How many bytes of blobs it may keep.</summary>
    public long Capacity { get; private init; }

    /// <summary>How many more bytes it takes now.</summary>
    public long Free { get; private init; }

    /// <summary>How many orders it has not told the end of.</summary>
    public long Busy { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out OrdersQuestion message)
    {
        bool valid = words.Next(out var id) && ServerId.IsValid(id);
        long capacity = 0, free = 0, busy = 0;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("capacity"u8)) valid = Words.IsNumber(value, out capacity);
            else if (key.SequenceEqual("free"u8)) valid = Words.IsNumber(value, out free);
            else if (key.SequenceEqual("busy"u8)) valid = Words.IsNumber(value, out busy);
        }
        message = new OrdersQuestion { Id = id, Capacity = capacity, Free = free, Busy = busy };
        return valid && words.AtEnd;
    }
}
