using System.Buffers;
using System.Security.Cryptography;

namespace MicroCdn.Protocol;

/// <summary>What is asked of those who send control messages.</summary>
public enum AuthMode
{
    /// <summary>Nothing is proved; control messages come from trusted networks.</summary>
    Off,

    /// <summary>Proof is checked where it is given; one that is missing is counted and let pass.</summary>
    Permissive,

    /// <summary>Control messages without proof are refused.</summary>
    Required,
}

/// <summary>16 random bytes that make a proof good for one time.</summary>
public readonly record struct Nonce
{
    /// <summary>Its length in bytes.</summary>
    public const int Length = 16;

    private readonly UInt128 _value;

    private Nonce(UInt128 value) => _value = value;

    /// <summary>Draws one.</summary>
    public static Nonce Draw(RandomBytes chance)
    {
        Span<byte> bytes = stackalloc byte[Length];
        chance(bytes);
        return new Nonce(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>Reads 32 lower-case hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<byte> word, out Nonce nonce)
    {
        Span<byte> bytes = stackalloc byte[Length];
        bool valid = Hex.TryRead(word, bytes);
        nonce = valid ? new Nonce(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes)) : default;
        return valid;
    }

    /// <summary>Appends the 32 hex digits.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        Span<byte> bytes = stackalloc byte[Length];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, _value);
        output.WriteHex(bytes);
    }

    /// <summary>The 32 hex digits.</summary>
    public override string ToString() => _value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Fills a span with bytes that nobody can foresee.</summary>
public delegate void RandomBytes(Span<byte> bytes);

/// <summary><c>AUTH role=R id=ID k=KEY nonce=HEX32 mac=HEX32</c>: a peer proves who it is.</summary>
public readonly ref struct AuthMessage
{
    /// <summary>What the peer is.</summary>
    public PeerRole Role { get; private init; }

    /// <summary>The id it goes by.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>Which cluster key its own comes from.</summary>
    public KeyId Key { get; private init; }

    /// <summary>Its own nonce.</summary>
    public Nonce Nonce { get; private init; }

    /// <summary>The proof.</summary>
    public ReadOnlySpan<byte> Mac { get; private init; }

    /// <summary>Reads the words after the verb; every key must be told.</summary>
    public static bool TryParse(Words words, out AuthMessage message)
    {
        PeerRole role = PeerRole.None;
        KeyId id = default;
        Nonce nonce = default;
        ReadOnlySpan<byte> server = [], mac = [];
        bool valid = true, hasKey = false, hasNonce = false;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("role"u8)) valid = PeerRoles.TryParse(value, out role);
            else if (key.SequenceEqual("id"u8)) valid = ServerId.IsValid(server = value);
            else if (key.SequenceEqual("k"u8)) valid = hasKey = KeyId.TryParse(value, out id);
            else if (key.SequenceEqual("nonce"u8)) valid = hasNonce = Nonce.TryParse(value, out nonce);
            else if (key.SequenceEqual("mac"u8)) valid = (mac = value).Length == 2 * Mac16.Length;
        }
        message = new AuthMessage { Role = role, Id = server, Key = id, Nonce = nonce, Mac = mac };
        return valid && words.AtEnd && role != PeerRole.None && hasKey && hasNonce && !server.IsEmpty && !mac.IsEmpty;
    }
}

/// <summary>The proofs of the handshake: what the macs of AUTH and of its answer cover.</summary>
/// <remarks>
/// <para>Both sides add chance of their own, so neither can be fed a recording; the two macs begin with different
/// words, so neither can be sent back as the other. A mac is made with the key of the server that dials, which both
/// sides have: the one that dials may have no other.</para>
/// <para>What is proved is the connection's other end at this moment. Somebody who can change packets on the way can
/// still change what follows; docs/authentication.md says so.</para>
/// </remarks>
public static class Handshake
{
    // The longest label, two nonces, a role, an id and the newlines between them.
    private const int Longest = 32 + (4 * Nonce.Length) + 16 + Limits.ServerIdBytes;

    /// <summary>The line by which a server proves itself, LF included.</summary>
    public static ReadOnlyMemory<byte> Auth(ServerKey key, Nonce theirs, Nonce own)
    {
        ArrayBufferWriter<byte> line = new(256);
        line.WriteText($"AUTH role={key.Role.Word()} id={key.Server} k={key.Id} nonce={own} mac=");
        Write(line, key, "MICRO-CDN AUTH", theirs, own);
        line.Write("\n"u8);
        return line.WrittenMemory;
    }

    /// <summary>True when AUTH was made by who has the key.</summary>
    public static bool IsProved(ServerKey key, Nonce own, in AuthMessage message) =>
        Fits(key, "MICRO-CDN AUTH", own, message.Nonce, message.Mac);

    /// <summary>Appends <c>OK AUTHENTICATED mac=HEX32</c>, LF included.</summary>
    public static void WriteAnswer(IBufferWriter<byte> output, ServerKey key, Nonce own, Nonce theirs)
    {
        output.Write("OK AUTHENTICATED mac="u8);
        Write(output, key, "MICRO-CDN WELCOME", own, theirs);
        output.Write("\n"u8);
    }

    /// <summary>True when the answer to AUTH was made by who has the key.</summary>
    public static bool IsAnswerProved(ServerKey key, Nonce theirs, Nonce own, ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        return words.Next(out var word) & word.SequenceEqual("OK"u8)
            & words.Next(out word) & word.SequenceEqual("AUTHENTICATED"u8)
            && words.NextPair(out var name, out var mac) && name.SequenceEqual("mac"u8) && words.OnlyUnknownPairs()
            && Fits(key, "MICRO-CDN WELCOME", theirs, own, mac);
    }

    /// <summary>What seals the datagrams that belong to this connection, and to no other.</summary>
    /// <remarks>HKDF-SHA256 of the server's key; the salt is both nonces as on the wire, the info
    /// <c>MICRO-CDN DATAGRAMS</c>.</remarks>
    public static DatagramSeal Seal(ServerKey key, Nonce server, Nonce client)
    {
        ArrayBufferWriter<byte> salt = new(4 * Nonce.Length);
        server.Write(salt);
        client.Write(salt);
        byte[] secret = new byte[ClusterKey.Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret, secret, salt.WrittenSpan, "MICRO-CDN DATAGRAMS"u8);
        return new DatagramSeal(key.Id, secret);
    }

    private static void Write(IBufferWriter<byte> output, ServerKey key, string label, Nonce server, Nonce client)
    {
        Span<byte> mac = stackalloc byte[Mac16.Length];
        Mac16.Compute(key.Secret, Covered(key, label, server, client), mac);
        output.WriteHex(mac);
    }

    private static bool Fits(ServerKey key, string label, Nonce server, Nonce client, ReadOnlySpan<byte> mac) =>
        Mac16.Fits(key.Secret, Covered(key, label, server, client), mac);

    private static ReadOnlySpan<byte> Covered(ServerKey key, string label, Nonce server, Nonce client)
    {
        ArrayBufferWriter<byte> text = new(Longest);
        text.WriteText(label);
        text.Write("\n"u8);
        server.Write(text);
        text.Write("\n"u8);
        client.Write(text);
        text.WriteText($"\n{key.Role.Word()}\n{key.Server}");
        return text.WrittenSpan;
    }
}

/// <summary>Message authentication codes: HMAC-SHA256 (RFC 2104) cut to 16 bytes.</summary>
internal static class Mac16
{
    /// <summary>Its length in bytes: nobody guesses 128 bits in an answer's time.</summary>
    public const int Length = 16;

    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> text, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, text, whole);
        whole[..Length].CopyTo(mac);
    }

    /// <summary>Compares in constant time with 32 lower-case hex digits.</summary>
    public static bool Fits(ReadOnlySpan<byte> key, ReadOnlySpan<byte> text, ReadOnlySpan<byte> hex)
    {
        Span<byte> told = stackalloc byte[Length];
        if (!Hex.TryRead(hex, told)) return false;
        Span<byte> right = stackalloc byte[Length];
        Compute(key, text, right);
        return CryptographicOperations.FixedTimeEquals(told, right);
    }
}
