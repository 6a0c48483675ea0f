using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace MicroCdn.Protocol;

/// <summary><c>JOIN token=HEX16 expires=N role=R id=ID k=KEY nonce=HEX32 mac=HEX32</c>: a new server proves that it has
/// a token.</summary>
public readonly ref struct JoinMessage
{
    /// <summary>Which token it has.</summary>
    public TokenId Token { get; private init; }

    /// <summary>When that ends, in seconds since 1970.</summary>
    public long Expires { get; private init; }

    /// <summary>What the new server will be.</summary>
    public PeerRole Role { get; private init; }

    /// <summary>The id that it will go by.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>Which cluster key the token was issued with.</summary>
    public KeyId Key { get; private init; }

    /// <summary>The new server's nonce.</summary>
    public Nonce Nonce { get; private init; }

    /// <summary>The proof.</summary>
    public ReadOnlySpan<byte> Mac { get; private init; }

    /// <summary>Reads the words after the verb; every key must be told, in any order.</summary>
    public static bool TryParse(Words words, out JoinMessage message)
    {
        TokenId token = default;
        long expires = 0;
        bool valid = true, hasToken = false, hasEnd = false;
        Words rest = words;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("token"u8)) valid = hasToken = TokenId.TryParse(value, out token);
            else if (key.SequenceEqual("expires"u8)) valid = hasEnd = Words.IsNumber(value, out expires);
        }
        // The others are those of AUTH.
        valid &= AuthMessage.TryParse(rest, out AuthMessage auth);
        message = new JoinMessage
        {
            Token = token,
            Expires = expires,
            Role = auth.Role,
            Id = auth.Id,
            Key = auth.Key,
            Nonce = auth.Nonce,
            Mac = auth.Mac,
        };
        return valid && hasToken && hasEnd;
    }
}

/// <summary>How a key travels to a new server: both sides know the token's secret, and nobody on the way sees a
/// key.</summary>
/// <remarks>
/// The mac of JOIN proves the token; the answer is sealed by AES-256-GCM (NIST SP 800-38D) with a key that HKDF derives
/// from the token's secret and both nonces, so it is of this connection alone, and only who could derive the token can
/// have made it.
/// </remarks>
public static class Joining
{
    private const int VectorBytes = 12, TagBytes = 16;

    /// <summary>The line by which a new server asks for its key, LF included.</summary>
    public static ReadOnlyMemory<byte> Request(JoinToken token, Nonce theirs, Nonce own)
    {
        ArrayBufferWriter<byte> line = new(384);
        line.Write("JOIN "u8);
        token.WriteClear(line);
        line.WriteText($" nonce={own} mac=");
        Span<byte> mac = stackalloc byte[Mac16.Length];
        Mac16.Compute(token.Secret, Covered("MICRO-CDN JOIN", token, theirs, own), mac);
        line.WriteHex(mac);
        line.Write("\n"u8);
        return line.WrittenMemory;
    }

    /// <summary>The token that a JOIN proves, or null.</summary>
    public static JoinToken? Check(ClusterKey key, Nonce own, in JoinMessage message)
    {
        ServerId.TryCreate(message.Id, out ServerId server);
        JoinToken token = JoinToken.Of(key, message.Token, message.Role, server, message.Expires);
        return Mac16.Fits(token.Secret, Covered("MICRO-CDN JOIN", token, own, message.Nonce), message.Mac)
            ? token : null;
    }

    /// <summary>The keys that a new server gets: a content server or an operator its own alone, who checks others'
    /// proofs the cluster's.</summary>
    public static Keyring KeysFor(JoinToken token, Keyring keys) =>
        token.Role is PeerRole.Index or PeerRole.Monitor ? keys
            : new Keyring([.. keys.Keys.Select(key => key.For(token.Role, token.Server)).OfType<IKey>()]);

    /// <summary><c>OK JOINED key=BASE64URL</c>, LF included: the text of a key file, sealed.</summary>
    public static byte[] Answer(JoinToken token, Nonce own, Nonce theirs, Keyring keys, RandomBytes chance)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(keys.ToText());
        byte[] box = new byte[VectorBytes + text.Length + TagBytes];
        chance(box.AsSpan(0, VectorBytes));
        Seal(token, own, theirs, cipher => cipher.Encrypt(box.AsSpan(0, VectorBytes), text,
            box.AsSpan(VectorBytes, text.Length), box.AsSpan(VectorBytes + text.Length),
            Covered("MICRO-CDN JOINED", token, own, theirs)));
        CryptographicOperations.ZeroMemory(text);
        return [.. "OK JOINED key="u8, .. Base64Url.EncodeToUtf8(box), (byte)'\n'];
    }

    /// <summary>The keys in an answer to JOIN; null when it was not made by who knows the token.</summary>
    public static Keyring? Open(JoinToken token, Nonce theirs, Nonce own, ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        if (!(words.Next(out var word) & word.SequenceEqual("OK"u8)
            & words.Next(out word) & word.SequenceEqual("JOINED"u8))
            || !words.NextPair(out var name, out var value) || !name.SequenceEqual("key"u8)
            || !Base64Url.IsValid(value)) return null;
        byte[] box = Base64Url.DecodeFromUtf8(value);
        int length = box.Length - VectorBytes - TagBytes;
        if (length <= 0) return null;
        byte[] text = new byte[length];
        try
        {
            Seal(token, theirs, own, cipher => cipher.Decrypt(box.AsSpan(0, VectorBytes),
                box.AsSpan(VectorBytes, length), box.AsSpan(VectorBytes + length), text,
                Covered("MICRO-CDN JOINED", token, theirs, own)));
            return Keyring.Read(text, out _);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    private static void Seal(JoinToken token, Nonce server, Nonce client, Action<AesGcm> use)
    {
        ArrayBufferWriter<byte> salt = new(4 * Nonce.Length);
        server.Write(salt);
        client.Write(salt);
        byte[] key = new byte[ClusterKey.Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, token.Secret, key, salt.WrittenSpan, "MICRO-CDN JOIN KEY"u8);
        using AesGcm cipher = new(key, TagBytes);
        CryptographicOperations.ZeroMemory(key);
        use(cipher);
    }

    private static byte[] Covered(string label, JoinToken token, Nonce server, Nonce client) =>
        System.Text.Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"{label}\n{server}\n{client}\n{token.Id}\n{token.Expires}\n{token.Role.Word()}\n{token.Server}"));
}
