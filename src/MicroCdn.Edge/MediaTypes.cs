using System.Collections.Frozen;
using System.Text;

namespace MicroCdn.Edge;

/// <summary>Names the media type of a file by the end of its name.</summary>
internal static class MediaTypes
{
    // The longest ending in the table has fewer letters; a longer one is not worth looking up.
    private const int MostLetters = 16;

    private static readonly FrozenDictionary<string, MediaType> Types = MediaTypeTable.Rows
        .SelectMany(row => row.Endings.Select(ending => KeyValuePair.Create(ending, row.Type)))
        .ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, MediaType>.AlternateLookup<ReadOnlySpan<char>> Lookup =
        Types.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>What a file is when its name says nothing: bytes.</summary>
    public static MediaType Unknown { get; } = new("application/octet-stream");

    /// <summary>The media type by what follows the last dot of the last segment, whatever its case.</summary>
    /// <param name="name">A file name in UTF-8.</param>
    public static MediaType Of(ReadOnlySpan<byte> name)
    {
        int dot = name.LastIndexOfAny((byte)'.', (byte)'/');
        if (dot < 0 || name[dot] == '/' || name.Length - dot - 1 is 0 or > MostLetters) return Unknown;
        Span<char> letters = stackalloc char[MostLetters];
        if (Ascii.ToLower(name[(dot + 1)..], letters, out int length) != System.Buffers.OperationStatus.Done)
            return Unknown;
        return Lookup.TryGetValue(letters[..length], out MediaType? type) ? type : Unknown;
    }

    /// <summary>True when bytes of this type are worth compressing.</summary>
    /// <param name="type">A media type in lower case, with or without parameters.</param>
    public static bool IsText(ReadOnlySpan<byte> type)
    {
        int end = type.IndexOfAny((byte)';', (byte)' ');
        if (end >= 0) type = type[..end];
        if (type.StartsWith("text/"u8) || type.EndsWith("+xml"u8) || type.EndsWith("+json"u8)) return true;
        foreach (byte[] other in MediaTypeTable.TextLike)
        {
            if (type.SequenceEqual(other)) return true;
        }
        return false;
    }
}

/// <summary>One media type, ready for a Content-Type field (RFC 9110, section 8.3).</summary>
internal sealed class MediaType(string value)
{
    private readonly byte[] _utf8 = Encoding.UTF8.GetBytes(value);

    /// <summary>The field value.</summary>
    public ReadOnlySpan<byte> Value => _utf8;

    /// <summary>True when bytes of this type are worth compressing.</summary>
    public bool IsText { get; } = MediaTypes.IsText(Encoding.UTF8.GetBytes(value));

    /// <inheritdoc/>
    public override string ToString() => value;
}
