using System.Buffers;

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

    /// <summary>The answer to HELLO 2 where there is a key: the mode, and the nonce that a proof must cover.</summary>
    public static void WriteWelcome2(IBufferWriter<byte> output, AuthMode mode, Nonce nonce)
    {
        output.Write("WELCOME MICRO-CDN 2 auth="u8);
        output.Write(mode == AuthMode.Required ? "required nonce="u8 : "permissive nonce="u8);
        nonce.Write(output);
        output.Write("\n"u8);
    }

    /// <summary>True when an answer to <see cref="Hello2"/> is that of a version 2 peer.</summary>
    public static bool IsWelcome2(ReadOnlySpan<byte> line) => IsWelcome2(line, out _);

    /// <summary>The same, with the nonce that the peer told; null when it wants no proof.</summary>
    public static bool IsWelcome2(ReadOnlySpan<byte> line, out Nonce? nonce)
    {
        Words words = new(line);
        nonce = null;
        bool valid = words.Next(out ReadOnlySpan<byte> word) & word.SequenceEqual("WELCOME"u8)
            & words.Next(out word) & word.SequenceEqual("MICRO-CDN"u8)
            & words.Next(out word) & word.SequenceEqual("2"u8);
        while (valid && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (!key.SequenceEqual("nonce"u8)) continue;
            valid = Nonce.TryParse(value, out Nonce told);
            nonce = told;
        }
        return valid && words.AtEnd;
    }
}
