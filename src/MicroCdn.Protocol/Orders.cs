using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>What an index has a content server do.</summary>
public enum OrderKind
{
    /// <summary>Bring these bytes from one of those servers, and keep them.</summary>
    Fetch,

    /// <summary>From now on a name shows these bytes, which are here.</summary>
    Show,

    /// <summary>From now on a name shows nothing, if it shows what an earlier change said.</summary>
    Drop,
}

/// <summary>One order: <c>FETCH</c>, <c>SHOW</c> or <c>DROP</c>, with its number.</summary>
/// <param name="Kind">What is to be done.</param>
/// <param name="Number">Its number on this connection, by which its receipt names it.</param>
public sealed record Order(OrderKind Kind, long Number)
{
    /// <summary>Most servers that a FETCH names.</summary>
    public const int MostSources = 8;

    private static readonly string[] Verbs = ["FETCH", "SHOW", "DROP"];

    /// <summary>The file's name, decoded.</summary>
    public byte[] Name { get; init; } = [];

    /// <summary>The number of the change of the book that this follows from.</summary>
    public long Revision { get; init; }

    /// <summary>How many bytes there are; of FETCH and SHOW.</summary>
    public long Size { get; init; }

    /// <summary>Their SHA-256; of FETCH and SHOW.</summary>
    public FileDigest Digest { get; init; }

    /// <summary>Their chunk root, or none for one that follows from the digest.</summary>
    public FileDigest Root { get; init; }

    /// <summary>Last change of the bytes in seconds since 1970; -1 when not known.</summary>
    public long UnixSeconds { get; init; } = -1;

    /// <summary>Where FETCH gets them, the best first: <c>host:port</c> of line ports.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Reads a line; null when it is no order.</summary>
    public static Order? Read(ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        if (!words.Next(out var verb)) return null;
        int kind = Array.IndexOf(Verbs, Encoding.UTF8.GetString(verb));
        if (kind < 0 || !words.NextNumber(out long number) || !words.Next(out var encoded)) return null;
        byte[] decoded = new byte[encoded.Length];
        byte[] name = decoded[..PercentText.Decode(encoded, decoded)];
        Order order = new((OrderKind)kind, number) { Name = name };
        List<string> sources = [];
        bool isValid = FileName.IsValid(name);
        while (isValid && words.NextPair(out var key, out var value))
        {
            order = order.With(key, value, sources, ref isValid);
        }
        isValid = isValid && words.AtEnd && order.Revision > 0
            && (order.Kind == OrderKind.Drop || !order.Digest.IsNone);
        return isValid ? order with { Sources = sources } : null;
    }

    /// <summary>Appends the line.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.WriteText($"{Verbs[(int)Kind]} {Number} ");
        PercentText.Encode(Name, output);
        output.WriteText($" revision={Revision}");
        if (Kind != OrderKind.Drop)
        {
            output.WriteText($" size={Size} sha256={Digest}");
            if (!Root.IsNone) output.WriteText($" chunks={Root}");
            if (UnixSeconds >= 0) output.WriteText($" time={UnixSeconds}");
        }
        foreach (string source in Sources) output.WriteText($" from={source}");
        output.Write("\n"u8);
    }

    private Order With(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, List<string> sources, ref bool isValid)
    {
        if (key.SequenceEqual("from"u8))
        {
            isValid = sources.Count < MostSources && value.Length <= Limits.HostBytes + 8;
            if (isValid) sources.Add(Encoding.UTF8.GetString(value));
            return this;
        }
        FileDigest digest = default;
        if (key.SequenceEqual("sha256"u8) || key.SequenceEqual("chunks"u8))
        {
            isValid = FileDigest.TryParse(value, out digest);
            return key.SequenceEqual("sha256"u8) ? this with { Digest = digest } : this with { Root = digest };
        }
        bool isSize = key.SequenceEqual("size"u8), isTime = key.SequenceEqual("time"u8);
        if (!isSize && !isTime && !key.SequenceEqual("revision"u8)) return this;
        isValid = Words.IsNumber(value, out long number) && (!isTime || number <= Limits.UnixSeconds);
        return isSize ? this with { Size = number } : isTime ? this with { UnixSeconds = number }
            : this with { Revision = number };
    }
}

/// <summary><c>ORDERS server_id capacity=N free=N</c>: a content server says how much room it has, and asks what there
/// is to do.</summary>
public readonly ref struct OrdersQuestion
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>How many bytes it keeps at most.</summary>
    public long Capacity { get; private init; }

    /// <summary>How many more it takes now.</summary>
    public long Free { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out OrdersQuestion message)
    {
        bool valid = words.Next(out var id) && ServerId.IsValid(id);
        long capacity = -1, free = -1;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("capacity"u8)) valid = Words.IsNumber(value, out capacity);
            else if (key.SequenceEqual("free"u8)) valid = Words.IsNumber(value, out free);
        }
        message = new OrdersQuestion { Id = id, Capacity = capacity, Free = free };
        return valid && words.AtEnd && capacity >= 0 && free >= 0;
    }
}

/// <summary><c>DONE number [why=WORDS]</c>: a content server says that an order is carried out, or why not.</summary>
public readonly ref struct OrderReceipt
{
    /// <summary>The order's number.</summary>
    public long Number { get; private init; }

    /// <summary>Why it was not carried out, percent-encoded; empty when it was.</summary>
    public ReadOnlySpan<byte> Why { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out OrderReceipt message)
    {
        bool valid = words.NextNumber(out long number);
        ReadOnlySpan<byte> why = [];
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("why"u8)) why = value;
        }
        message = new OrderReceipt { Number = number, Why = why };
        return valid && words.AtEnd;
    }
}
