using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace MicroCdn.Protocol;

/// <summary>Says which cluster key is meant, without telling it: the first 8 hex digits of its SHA-256.</summary>
/// <param name="Value">The digits as a number.</param>
public readonly record struct KeyId(uint Value)
{
    /// <summary>Its length as a word.</summary>
    public const int Digits = 8;

    /// <summary>Reads 8 lower-case hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<byte> word, out KeyId id)
    {
        Span<byte> bytes = stackalloc byte[Digits / 2];
        bool valid = Hex.TryRead(word, bytes);
        id = valid ? new KeyId(BinaryPrimitives.ReadUInt32BigEndian(bytes)) : default;
        return valid;
    }

    /// <summary>The 8 hex digits.</summary>
    public override string ToString() => Value.ToString("x8", CultureInfo.InvariantCulture);

    internal static KeyId Of(ReadOnlySpan<byte> clusterKey)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(clusterKey, digest);
        return new KeyId(BinaryPrimitives.ReadUInt32BigEndian(digest));
    }
}

/// <summary>What a peer is, as it proves it.</summary>
[Flags]
public enum PeerRole
{
    /// <summary>Nothing proved.</summary>
    None = 0,

    /// <summary>An index.</summary>
    Index = 1,

    /// <summary>A monitor.</summary>
    Monitor = 2,

    /// <summary>A content server.</summary>
    Content = 4,

    /// <summary>Somebody at a terminal, such as the one who drains a server.</summary>
    Operator = 8,
}

/// <summary>The words of the roles.</summary>
public static class PeerRoles
{
    /// <summary>The word on the wire and in files.</summary>
    public static string Word(this PeerRole role) => role switch
    {
        PeerRole.Index => "index",
        PeerRole.Monitor => "monitor",
        PeerRole.Content => "content",
        PeerRole.Operator => "operator",
        _ => throw new ArgumentOutOfRangeException(nameof(role)),
    };

    /// <summary>Reads the word of one role.</summary>
    public static bool TryParse(ReadOnlySpan<byte> word, out PeerRole role)
    {
        role = word switch
        {
            _ when word.SequenceEqual("index"u8) => PeerRole.Index,
            _ when word.SequenceEqual("monitor"u8) => PeerRole.Monitor,
            _ when word.SequenceEqual("content"u8) => PeerRole.Content,
            _ when word.SequenceEqual("operator"u8) => PeerRole.Operator,
            _ => PeerRole.None,
        };
        return role != PeerRole.None;
    }
}

/// <summary>One secret of a key file: a cluster key, or the key of one server alone.</summary>
public interface IKey
{
    /// <summary>Which cluster key it is, or was derived from.</summary>
    KeyId Id { get; }

    /// <summary>The key of one server; null when this secret does not give it.</summary>
    /// <param name="role">What the server is.</param>
    /// <param name="id">The id it goes by.</param>
    ServerKey? For(PeerRole role, ServerId id);

    /// <summary>The line of a key file that holds it.</summary>
    string ToLine();
}

/// <summary>The secret of a whole cluster, from which every server's key is derived.</summary>
/// <remarks>Never shown: its text is its id.</remarks>
public sealed class ClusterKey : IKey
{
    /// <summary>Its length: that of the hash it feeds.</summary>
    public const int Length = 32;

    internal const string LineStart = "microcdn-key-1:";
    private const int LongestInfo = Limits.ServerIdBytes + 32;
    private readonly byte[] _secret;

    /// <summary>Takes the 32 bytes of a key.</summary>
    public ClusterKey(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, Length);
        _secret = secret.ToArray();
        Id = KeyId.Of(secret);
    }

    /// <inheritdoc/>
    public KeyId Id { get; }

    /// <inheritdoc/>
    /// <remarks>HKDF-SHA256 (RFC 5869) without salt; the info is <c>MICRO-CDN KEY</c>, role and id, with a newline
    /// between each.</remarks>
    public ServerKey For(PeerRole role, ServerId id)
    {
        ArrayBufferWriter<byte> info = new(LongestInfo);
        info.WriteText($"MICRO-CDN KEY\n{role.Word()}\n{id}");
        return new ServerKey(role, id, Id, Derive(info.WrittenSpan));
    }

    /// <inheritdoc/>
    ServerKey? IKey.For(PeerRole role, ServerId id) => For(role, id);

    /// <inheritdoc/>
    public string ToLine() => LineStart + KeyText.Write(_secret);

    /// <summary>Its id; never the secret.</summary>
    public override string ToString() => $"cluster key {Id}";

    // 32 bytes for another purpose, which the info names.
    internal byte[] Derive(ReadOnlySpan<byte> info)
    {
        byte[] derived = new byte[Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, derived, [], info);
        return derived;
    }
}

/// <summary>The secret of one server: it proves that server and nothing else.</summary>
/// <remarks>Never shown: its text is whose it is.</remarks>
public sealed class ServerKey : IKey
{
    internal const string LineStart = "microcdn-server-key-1:";
    private readonly byte[] _secret;

    internal ServerKey(PeerRole role, ServerId server, KeyId id, byte[] secret) =>
        (Role, Server, Id, _secret) = (role, server, id, secret);

    /// <summary>What the server is.</summary>
    public PeerRole Role { get; }

    /// <summary>The id it goes by.</summary>
    public ServerId Server { get; }

    /// <inheritdoc/>
    public KeyId Id { get; }

    internal ReadOnlySpan<byte> Secret => _secret;

    /// <inheritdoc/>
    public ServerKey? For(PeerRole role, ServerId id) => role == Role && id == Server ? this : null;

    /// <inheritdoc/>
    public string ToLine() => $"{LineStart}{Role.Word()}:{Id}:{KeyText.Write(_secret)}:{Server}";

    /// <summary>Whose it is; never the secret.</summary>
    public override string ToString() => $"key {Id} of {Role.Word()} {Server}";
}

/// <summary>Lower-case hex digits on the wire.</summary>
internal static class Hex
{
    /// <summary>Reads exactly as many bytes as there is room for.</summary>
    public static bool TryRead(ReadOnlySpan<byte> word, Span<byte> bytes) =>
        word.Length == 2 * bytes.Length && !word.ContainsAnyInRange((byte)'A', (byte)'F')
        && Convert.FromHexString(word, bytes, out _, out int written) == OperationStatus.Done
        && written == bytes.Length;

    public static void WriteHex(this IBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        Convert.TryToHexStringLower(bytes, output.GetSpan(2 * bytes.Length), out int written);
        output.Advance(written);
    }
}
