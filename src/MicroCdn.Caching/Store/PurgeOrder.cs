using MicroCdn.Protocol;

namespace MicroCdn.Caching.Store;

/// <summary>What is to be invalidated.</summary>
public enum PurgeScope : byte
{
    /// <summary>One key with all its variants.</summary>
    Url = 1,

    /// <summary>Every key whose text starts so.</summary>
    Prefix = 2,

    /// <summary>Every copy that carries a tag.</summary>
    Tag = 3,

    /// <summary>Everything.</summary>
    All = 4,
}

/// <summary>An order to invalidate copies.</summary>
/// <param name="Scope">Which ones.</param>
/// <param name="Text">The key's text, the prefix of it, or the tag; empty for <see cref="PurgeScope.All"/>.</param>
/// <param name="IsSoft">True when copies are only stale from now on, so that they may serve where stale ones may,
/// and be validated; else they are gone.</param>
public sealed record PurgeOrder(PurgeScope Scope, string Text, bool IsSoft);

/// <summary>What became of an order.</summary>
/// <param name="Sequence">Its number in this store; 0 when it was refused.</param>
/// <param name="Trouble">One sentence when it was refused, or will not be remembered after a restart; else
/// null.</param>
public readonly record struct PurgeReceipt(long Sequence, string? Trouble);

/// <summary>What purges have made of a copy.</summary>
public enum PurgeState : byte
{
    /// <summary>No purge touches it.</summary>
    Valid,

    /// <summary>A soft purge does: it is stale.</summary>
    Soft,

    /// <summary>A hard purge does: it must not be used.</summary>
    Gone,
}

/// <summary>The tags of a copy: the words of Surrogate-Key, and the members of Cache-Tag.</summary>
internal static class Tags
{
    /// <summary>The most tags of a copy that count, and their most bytes: a page of a shop has some dozens.</summary>
    public const int Most = 512, MostBytes = 1024;

    public static string[] Of(HeaderFields fields)
    {
        List<string> tags = [];
        for (int line = 0; line < fields.Count; line++)
        {
            if (fields.IsNamed(line, "Surrogate-Key"u8)) Split(fields.ValueAt(line), " \t"u8, tags);
            else if (fields.IsNamed(line, "Cache-Tag"u8)) Split(fields.ValueAt(line), ","u8, tags);
        }
        return [.. tags];
    }

    private static void Split(ReadOnlySpan<byte> value, ReadOnlySpan<byte> separators, List<string> tags)
    {
        while (!value.IsEmpty && tags.Count < Most)
        {
            int end = value.IndexOfAny(separators);
            ReadOnlySpan<byte> tag = (end < 0 ? value : value[..end]).Trim(" \t"u8);
            if (tag.Length is > 0 and <= MostBytes) tags.Add(System.Text.Encoding.Latin1.GetString(tag));
            value = end < 0 ? default : value[(end + 1)..];
        }
    }
}
