using System.Buffers;
using System.Security.Cryptography;

namespace MicroCdn.Content;

/// <summary>A line of a file of this server's own that begins with a check of itself: the first eight digits of the
/// SHA-256 of what follows them.</summary>
internal static class CheckedLine
{
    private const int CheckDigits = 8;

    /// <summary>Appends a line with its check and LF.</summary>
    public static void Write(ReadOnlySpan<byte> words, IBufferWriter<byte> output)
    {
        Span<byte> line = output.GetSpan(CheckDigits + 1 + words.Length + 1);
        line[CheckDigits] = (byte)' ';
        words.CopyTo(line[(CheckDigits + 1)..]);
        Check(line.Slice(CheckDigits, words.Length + 1), line);
        line[CheckDigits + 1 + words.Length] = (byte)'\n';
        output.Advance(CheckDigits + 1 + words.Length + 1);
    }

    /// <summary>What a line says behind its check; false for a torn or rotten one.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> words)
    {
        words = [];
        if (line.Length <= CheckDigits || line[CheckDigits] != ' ') return false;
        Span<byte> check = stackalloc byte[CheckDigits];
        Check(line[CheckDigits..], check);
        if (!line.StartsWith(check)) return false;
        words = line[(CheckDigits + 1)..];
        return true;
    }

    private static void Check(ReadOnlySpan<byte> text, Span<byte> digits)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        Convert.TryToHexStringLower(hash[..(CheckDigits / 2)], digits[..CheckDigits], out _);
    }
}
