namespace MicroCdn.Protocol;

/// <summary>HELLO and WELCOME, by which two peers find out which version of the protocol both know.</summary>
public static class Greeting
{
    /// <summary>How a speaker of version 2 opens a connection.</summary>
    public static ReadOnlyMemory<byte> Hello2 { get; } = "HELLO 2\n"u8.ToArray();

    /// <summary>Reads the words after HELLO: none is version 1, else <c>2</c> and perhaps <c>key=value</c>
    /// words.</summary>
    public static bool TryParse(Words words, out int version)
    {
        version = 1;
        if (words.AtEnd) return true;
        version = 2;
        return words.Next(out ReadOnlySpan<byte> word) & word.SequenceEqual("2"u8) && words.OnlyUnknownPairs();
    }

    /// <summary>The answer to HELLO in a version; nothing may follow the words of version 1.</summary>
    public static ReadOnlySpan<byte> Welcome(int version) =>
        version == 2 ? "WELCOME MICRO-CDN 2\n"u8 : "WELCOME MICRO-CDN\n"u8;

    /// <summary>True when an answer to <see cref="Hello2"/> is that of a version 2 peer.</summary>
    public static bool IsWelcome2(ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        return words.Next(out ReadOnlySpan<byte> word) & word.SequenceEqual("WELCOME"u8)
            & words.Next(out word) & word.SequenceEqual("MICRO-CDN"u8)
            & words.Next(out word) & word.SequenceEqual("2"u8) && words.OnlyUnknownPairs();
    }
}
