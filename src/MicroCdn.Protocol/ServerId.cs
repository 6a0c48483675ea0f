using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>The name a content server goes by: one word of at most 64 bytes.</summary>
public readonly record struct ServerId
{
    private ServerId(string value) => Value = value;

    /// <summary>The id as text.</summary>
    public string Value { get; }

    /// <summary>The id as text.</summary>
    public override string ToString() => Value;

    /// <summary>Reads an id from text; false when it is none.</summary>
    public static bool TryCreate(string text, out ServerId id)
    {
        bool valid = IsValid(Encoding.UTF8.GetBytes(text));
        id = valid ? new ServerId(text) : default;
        return valid;
    }

    /// <summary>Reads an id from its word on the wire; false when it is none.</summary>
    public static bool TryCreate(ReadOnlySpan<byte> word, out ServerId id)
    {
        bool valid = IsValid(word);
        id = valid ? new ServerId(Encoding.UTF8.GetString(word)) : default;
        return valid;
    }

    /// <summary>True when the bytes are one word within the limit.</summary>
    public static bool IsValid(ReadOnlySpan<byte> word)
    {
        if (word.IsEmpty || word.Length > Limits.ServerIdBytes) return false;
        while (!word.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(word, out Rune rune, out int length) != OperationStatus.Done) return false;
            if (PercentText.Breaks(rune)) return false;
            word = word[length..];
        }
        return true;
    }
}
