using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>What a content server tells of its blobs and orders.</summary>
public enum ReceiptKind
{
    /// <summary>An order is done.</summary>
    Done,

    /// <summary>An order cannot be done.</summary>
    Failed,

    /// <summary>Somebody brought bytes.</summary>
    Stored,

    /// <summary>Bytes are not here any more though nobody said that they may go.</summary>
    Lost,
}

/// <summary>One DONE, FAILED, STORED or LOST line.</summary>
/// <param name="Kind">What it tells.</param>
/// <param name="Server">Whose it is.</param>
public sealed record Receipt(ReceiptKind Kind, ServerId Server)
{
    // With the rest it fits a line, however it has to be encoded.
    private const int MostReasonBytes = 1024;

    /// <summary>Of DONE and FAILED the order, of STORED the put.</summary>
    public string Word { get; init; } = "";

    /// <summary>Of DONE: how many of its names show a later revision.</summary>
    public long Stale { get; init; }

    /// <summary>Of FAILED: why, as a word.</summary>
    public string Error { get; init; } = "";

    /// <summary>Of FAILED: why, as a sentence.</summary>
    public string Why { get; init; } = "";

    /// <summary>Of STORED and LOST: which bytes.</summary>
    public FileDigest Digest { get; init; }

    /// <summary>Of STORED: how many bytes there are.</summary>
    public long Size { get; init; }

    /// <summary>Of STORED: their chunk root.</summary>
    public FileDigest Root { get; init; }

    /// <summary>Reads a line, verb included; false for one that is none.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out Receipt? receipt)
    {
        receipt = null;
        Words words = new(line);
        words.Next(out var verb);
        ReceiptKind? kind = verb switch
        {
            _ when verb.SequenceEqual("DONE"u8) => ReceiptKind.Done,
            _ when verb.SequenceEqual("FAILED"u8) => ReceiptKind.Failed,
            _ when verb.SequenceEqual("STORED"u8) => ReceiptKind.Stored,
            _ when verb.SequenceEqual("LOST"u8) => ReceiptKind.Lost,
            _ => null,
        };
        if (kind is not { } what || !words.Next(out var id)) return false;
        if (!ServerId.TryCreate(id, out ServerId server)) return false;
        ReadOnlySpan<byte> word = [], error = [];
        if (what != ReceiptKind.Lost && !(words.Next(out word) && ServerId.IsValid(word))) return false;
        if (what == ReceiptKind.Failed && !words.Next(out error)) return false;
        receipt = new Receipt(what, server)
        {
            Word = Encoding.UTF8.GetString(word), Error = Encoding.UTF8.GetString(error),
        };
        return TryPairs(words, ref receipt);
    }

    /// <summary>Appends the line, LF included.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        output.WriteText($"{Kind.ToString().ToUpperInvariant()} {Server}");
        if (Word.Length > 0) output.WriteText($" {Word}");
        if (Error.Length > 0) output.WriteText($" {Error}");
        if (Stale > 0) output.WriteText($" stale={Stale}");
        if (Why.Length > 0)
        {
            output.Write(" why="u8);
            byte[] why = Encoding.UTF8.GetBytes(Why.Length > MostReasonBytes ? Why[..MostReasonBytes] : Why);
            PercentText.Encode(why, output);
        }
        WriteDigest(" sha256=", Digest, output);
        if (Kind == ReceiptKind.Stored) output.WriteText($" size={Size}");
        WriteDigest(" chunks=", Root, output);
        output.Write("\n"u8);
    }

    private static bool TryPairs(Words words, ref Receipt receipt)
    {
        long stale = 0, size = -1;
        FileDigest digest = default, root = default;
        string why = "";
        bool valid = true;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("stale"u8)) valid = Words.IsNumber(value, out stale);
            else if (key.SequenceEqual("size"u8)) valid = Words.IsNumber(value, out size);
            else if (key.SequenceEqual("sha256"u8)) valid = FileDigest.TryParse(value, out digest);
            else if (key.SequenceEqual("chunks"u8)) valid = FileDigest.TryParse(value, out root);
            else if (key.SequenceEqual("why"u8)) why = Decode(value);
        }
        receipt = receipt with { Stale = stale, Size = Math.Max(0, size), Digest = digest, Root = root, Why = why };
        bool needsDigest = receipt.Kind is ReceiptKind.Stored or ReceiptKind.Lost;
        return valid && words.AtEnd && needsDigest != digest.IsNone
            && (receipt.Kind != ReceiptKind.Stored || (size >= 0 && !root.IsNone));
    }

    private static string Decode(ReadOnlySpan<byte> value)
    {
        byte[] decoded = new byte[value.Length];
        return Encoding.UTF8.GetString(decoded[..PercentText.Decode(value, decoded)]);
    }

    private static void WriteDigest(string before, FileDigest digest, IBufferWriter<byte> output)
    {
        if (digest.IsNone) return;
        output.WriteText(before);
        digest.WriteHex(output);
    }
}
