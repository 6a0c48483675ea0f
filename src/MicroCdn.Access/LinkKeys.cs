using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Access;

/// <summary>The keys of signed links: the first one signs, and both are good, so that one can follow the
/// other.</summary>
public sealed class LinkKeys
{
    /// <summary>The least letters of a key: 32 are 128 bits and more when they are hex digits.</summary>
    public const int LeastLetters = 32;

    /// <summary>The most letters of a key.</summary>
    public const int MostLetters = 256;

    private readonly byte[][] _keys;

    private LinkKeys(byte[][] keys) => _keys = keys;

    /// <summary>Tells these keys from others, without telling them.</summary>
    public string Id => Convert.ToHexStringLower(SHA256.HashData([.. _keys.SelectMany(key => key.Append((byte)'\n'))]));

    /// <summary>The key that signs.</summary>
    internal ReadOnlySpan<byte> First => _keys[0];

    /// <summary>All that are good.</summary>
    internal ReadOnlySpan<byte[]> All => _keys;

    /// <summary>Reads one or two lines, a key each: 32 to 256 printable letters without a space. Empty lines and such
    /// that begin with <c>#</c> are passed over.</summary>
    /// <param name="text">The text of a file.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="wrong">What is wrong, as the end of a sentence.</param>
    public static bool TryParse(string text, out LinkKeys? keys, out string wrong)
    {
        string[] lines = [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] != '#')];
        bool isSound = Array.TrueForAll(lines, line =>
            line.Length is >= LeastLetters and <= MostLetters && line.All(letter => letter is > ' ' and <= '~'));
        wrong = lines.Length == 0 ? "it holds no key" : lines.Length > 2 ? "it holds more than two keys"
            : !isSound ? $"a key is a line of {LeastLetters} to {MostLetters} letters without a space"
            : lines.Length == 2 && lines[0] == lines[1] ? "it holds the same key twice" : "";
        keys = wrong.Length > 0 ? null : new LinkKeys([.. lines.Select(Encoding.ASCII.GetBytes)]);
        return keys is not null;
    }
}
