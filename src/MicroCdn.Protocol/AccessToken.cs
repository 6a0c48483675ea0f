using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>What somebody over HTTP shows to be let in: a name that may be known, and a secret.</summary>
/// <remarks>As text: <c>microcdn_</c>, 12 hex digits, an underscore, 43 characters of base64url. It can be told from
/// any other text, so that programs which look for secrets in public places find it. Whoever checks it needs only the
/// SHA-256 of the secret: 32 random bytes are guessed by nobody, so that a slower hash would add nothing.</remarks>
public sealed class AccessToken
{
    /// <summary>The length of the text.</summary>
    public const int TextBytes = IdStart + IdLength + 1 + SecretText;

    private const int IdStart = 9;
    private const int IdLength = 12;
    private const int SecretText = 43;
    private const int SecretBytes = 32;

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);

    private readonly string _text;

    private AccessToken(string text, string id, FileDigest hash) => (_text, Id, Hash) = (text, id, hash);

    /// <summary>Its name: what lists and logs show.</summary>
    public string Id { get; }

    /// <summary>SHA-256 of its secret.</summary>
    public FileDigest Hash { get; }

    /// <summary>Draws a new one.</summary>
    public static AccessToken Draw(RandomBytes chance)
    {
        Span<byte> id = stackalloc byte[IdLength / 2], secret = stackalloc byte[SecretBytes];
        chance(id);
        chance(secret);
        string name = Convert.ToHexStringLower(id);
        AccessToken token = new($"microcdn_{name}_{Base64Url.EncodeToString(secret)}", name, HashOf(secret));
        CryptographicOperations.ZeroMemory(secret);
        return token;
    }

    /// <summary>Reads the text; null for anything else.</summary>
    public static AccessToken? Read(ReadOnlySpan<byte> text)
    {
        if (text.Length != TextBytes || !text.StartsWith("microcdn_"u8) || text[IdStart + IdLength] != '_') return null;
        ReadOnlySpan<byte> id = text.Slice(IdStart, IdLength);
        Span<byte> secret = stackalloc byte[SecretBytes];
        ReadOnlySpan<byte> shown = text[(IdStart + IdLength + 1)..];
        if (!IsId(id) || !Base64Url.IsValid(shown, out int length) || length != SecretBytes) return null;
        Base64Url.DecodeFromUtf8(shown, secret);
        return new AccessToken(Encoding.ASCII.GetString(text), Encoding.ASCII.GetString(id), HashOf(secret));
    }

    /// <summary>True for the name of a token.</summary>
    public static bool IsId(ReadOnlySpan<byte> id) =>
        id.Length == IdLength && !id.ContainsAnyExcept(HexDigits);

    /// <summary>The whole of it, for the one who is to have it; never for a log.</summary>
    public string Reveal() => _text;

    /// <summary>Its name alone.</summary>
    public override string ToString() => Id;

    private static FileDigest HashOf(ReadOnlySpan<byte> secret)
    {
        Span<byte> hash = stackalloc byte[FileDigest.Length];
        SHA256.HashData(secret, hash);
        return new FileDigest(hash);
    }
}
