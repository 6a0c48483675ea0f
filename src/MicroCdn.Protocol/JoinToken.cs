using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>Which token is meant: 8 random bytes, told in clear.</summary>
/// <param name="Value">The bytes as a number.</param>
public readonly record struct TokenId(ulong Value)
{
    /// <summary>Reads 16 lower-case hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<byte> word, out TokenId id)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bool valid = Hex.TryRead(word, bytes);
        id = valid ? new TokenId(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes)) : default;
        return valid;
    }

    /// <summary>The 16 hex digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>A secret that lets one new server fetch its key from an index, once and not for long.</summary>
/// <remarks>
/// Whoever has the cluster key can issue one, and an index can check it without having heard of it: its secret is
/// derived from the cluster key and from all that the token says in clear, so that none of this can be changed.
/// </remarks>
public sealed class JoinToken
{
    /// <summary>Longest token in bytes.</summary>
    public const int TextBytes = 256;

    private const string Start = "microcdn-token-1:";
    private readonly byte[] _secret;

    private JoinToken(TokenId id, KeyId key, long expires, PeerRole role, ServerId server, byte[] secret) =>
        (Id, Key, Expires, Role, Server, _secret) = (id, key, expires, role, server, secret);

    /// <summary>Which token it is.</summary>
    public TokenId Id { get; }

    /// <summary>Which cluster key it was issued with.</summary>
    public KeyId Key { get; }

    /// <summary>When it ends, in seconds since 1970.</summary>
    public long Expires { get; }

    /// <summary>What the new server will be.</summary>
    public PeerRole Role { get; }

    /// <summary>The id that it will go by.</summary>
    public ServerId Server { get; }

    internal ReadOnlySpan<byte> Secret => _secret;

    /// <summary>Issues a token.</summary>
    public static JoinToken Issue(ClusterKey key, PeerRole role, ServerId server, long expires, RandomBytes chance)
    {
        Span<byte> id = stackalloc byte[sizeof(ulong)];
        chance(id);
        return Of(key, new TokenId(BitConverter.ToUInt64(id)), role, server, expires);
    }

    /// <summary>The token of which these words are told, for who has the cluster key.</summary>
    /// <remarks>The secret is HKDF-SHA256 of the cluster key; the info is <c>MICRO-CDN TOKEN</c>, the token's id, when
    /// it ends, role and id, with a newline between each.</remarks>
    internal static JoinToken Of(ClusterKey key, TokenId id, PeerRole role, ServerId server, long expires)
    {
        string info = string.Create(
            CultureInfo.InvariantCulture, $"MICRO-CDN TOKEN\n{id}\n{expires}\n{role.Word()}\n{server}");
        return new JoinToken(id, key.Id, expires, role, server, key.Derive(Encoding.UTF8.GetBytes(info)));
    }

    /// <summary>Reads a token's text, white space around it ignored.</summary>
    public static JoinToken? Read(ReadOnlySpan<byte> text)
    {
        text = text.Trim(" \r\n\t"u8);
        Span<byte> secret = stackalloc byte[ClusterKey.Length];
        bool valid = KeyText.TryAfter(text, Start, out ReadOnlySpan<byte> rest)
            & KeyText.TryCut(ref rest, out ReadOnlySpan<byte> word) & KeyId.TryParse(word, out KeyId key)
            & KeyText.TryCut(ref rest, out word) & TokenId.TryParse(word, out TokenId id)
            & KeyText.TryCut(ref rest, out word) & Words.IsNumber(word, out long expires)
            & KeyText.TryCut(ref rest, out word) & PeerRoles.TryParse(word, out PeerRole role)
            & KeyText.TryCut(ref rest, out word) & KeyText.TryRead(word, secret)
            & ServerId.TryCreate(rest, out ServerId server);
        JoinToken? token = valid ? new JoinToken(id, key, expires, role, server, secret.ToArray()) : null;
        CryptographicOperations.ZeroMemory(secret);
        return token;
    }

    /// <summary>The text that is pasted on the new server; it is a secret.</summary>
    public string ToText() => string.Create(CultureInfo.InvariantCulture,
        $"{Start}{Key}:{Id}:{Expires}:{Role.Word()}:{KeyText.Write(_secret)}:{Server}");

    /// <summary>Which token it is; never the secret.</summary>
    public override string ToString() => $"token {Id} for {Role.Word()} {Server}";

    internal void WriteClear(IBufferWriter<byte> output)
    {
        output.WriteText($"token={Id} expires=");
        output.WriteNumber(Expires);
        output.WriteText($" role={Role.Word()} id={Server} k={Key}");
    }
}
