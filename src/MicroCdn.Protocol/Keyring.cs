using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>The keys of a key file: the first is used to prove, all are accepted.</summary>
/// <remarks>Two at most, so that a key can be replaced while servers with the old one and servers with the new one work
/// together.</remarks>
public sealed class Keyring
{
    /// <summary>Most keys at once: the one that goes and the one that comes.</summary>
    public const int MostKeys = 2;

    /// <summary>Largest key file in bytes: two lines, and comments that say whose they are.</summary>
    public const int FileBytes = 4 * 1024;

    private readonly IKey[] _keys;

    /// <summary>Takes one key or two.</summary>
    public Keyring(params ReadOnlySpan<IKey> keys)
    {
        ArgumentOutOfRangeException.ThrowIfZero(keys.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keys.Length, MostKeys);
        _keys = keys.ToArray();
    }

    /// <summary>The key that proves.</summary>
    public IKey First => _keys[0];

    /// <summary>All of them, the one that proves first.</summary>
    public IReadOnlyList<IKey> Keys => _keys;

    /// <summary>True when a proof by this key is still taken.</summary>
    /// <remarks>Asked for each datagram; allocates nothing.</remarks>
    public bool Accepts(KeyId id)
    {
        foreach (IKey key in _keys)
        {
            if (key.Id == id) return true;
        }
        return false;
    }

    /// <summary>The key by which a server proves itself; null when these keys are none of its own.</summary>
    public ServerKey? Proving(PeerRole role, ServerId id) => First.For(role, id);

    /// <summary>The key by which another server's proof is checked; null when it cannot be.</summary>
    public ServerKey? Find(KeyId key, PeerRole role, ServerId id)
    {
        foreach (IKey one in _keys)
        {
            if (one.Id == key) return one.For(role, id);
        }
        return null;
    }

    /// <summary>The whole cluster key of this id, or null.</summary>
    public ClusterKey? Cluster(KeyId key) => Array.Find(_keys, one => one.Id == key) as ClusterKey;

    /// <summary>Reads a key file: a line for each key; empty lines and those that begin with <c>#</c> are passed
    /// over.</summary>
    /// <param name="text">The file's bytes.</param>
    /// <param name="wrong">What is wrong with it, without a word of it; null when it was read.</param>
    public static Keyring? Read(ReadOnlySpan<byte> text, out string? wrong)
    {
        List<IKey> keys = [];
        wrong = null;
        int number = 0;
        foreach (Range range in text.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text[range].Trim(" \r\t"u8);
            number++;
            if (line.IsEmpty || line[0] == '#') continue;
            if (ReadLine(line) is not { } key) wrong ??= $"line {number} is no key";
            else if (keys.Exists(known => known.Id == key.Id)) wrong ??= $"line {number} holds a key a second time";
            else keys.Add(key);
        }
        if (keys.Count == 0) wrong ??= "it holds no key";
        if (keys.Count > MostKeys) wrong ??= $"it holds more than {MostKeys} keys";
        return wrong is null ? new Keyring([.. keys]) : null;
    }

    /// <summary>The text of a key file.</summary>
    public string ToText() => string.Concat(_keys.Select(key => key.ToLine() + "\n"));

    private static IKey? ReadLine(ReadOnlySpan<byte> line)
    {
        Span<byte> secret = stackalloc byte[ClusterKey.Length];
        IKey? key = null;
        if (KeyText.TryAfter(line, ClusterKey.LineStart, out ReadOnlySpan<byte> rest))
        {
            if (KeyText.TryRead(rest, secret)) key = new ClusterKey(secret);
        }
        else if (KeyText.TryAfter(line, ServerKey.LineStart, out rest)
            && KeyText.TryCut(ref rest, out ReadOnlySpan<byte> word) && PeerRoles.TryParse(word, out PeerRole role)
            && KeyText.TryCut(ref rest, out word) && KeyId.TryParse(word, out KeyId id)
            && KeyText.TryCut(ref rest, out word) && KeyText.TryRead(word, secret)
            && ServerId.TryCreate(rest, out ServerId server))
        {
            key = new ServerKey(role, server, id, secret.ToArray());
        }
        CryptographicOperations.ZeroMemory(secret);
        return key;
    }
}

/// <summary>How secrets are written in files: base64url without padding (RFC 4648, section 5), parts between
/// colons.</summary>
internal static class KeyText
{
    public static string Write(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <summary>Reads exactly as many bytes as there is room for.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, Span<byte> bytes) =>
        text.Length == Base64Url.GetEncodedLength(bytes.Length)
        && Base64Url.DecodeFromUtf8(text, bytes, out int used, out int written) == System.Buffers.OperationStatus.Done
        && used == text.Length && written == bytes.Length;

    public static bool TryAfter(ReadOnlySpan<byte> line, string start, out ReadOnlySpan<byte> rest)
    {
        int length = Encoding.ASCII.GetByteCount(start);
        bool follows = line.Length >= length && Ascii.Equals(line[..length], start);
        rest = follows ? line[length..] : [];
        return follows;
    }

    public static bool TryCut(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> part)
    {
        int colon = rest.IndexOf((byte)':');
        part = colon < 0 ? [] : rest[..colon];
        if (colon >= 0) rest = rest[(colon + 1)..];
        return colon >= 0;
    }
}
