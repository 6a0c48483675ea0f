using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>Ends datagrams with a mac, and tells those that were made with the same key from all others.</summary>
/// <remarks>
/// A sealed datagram ends with <c> k=KEY mac=HEX32</c>, the mac over all bytes before <c> mac=</c>. That the bytes are
/// genuine does not say that they are new: a beat's number must be higher than the last, a PING's one that did not come
/// yet, a PONG's nonce one that was asked with.
/// </remarks>
public sealed class DatagramSeal
{
    /// <summary>How many bytes a seal adds.</summary>
    public const int Length = KeyLength + MacLength;

    private const int KeyLength = 3 + KeyId.Digits;
    private const int MacLength = 5 + (2 * Mac16.Length);
    private readonly byte[] _secret;
    private readonly byte[] _key;
    private Credentials? _credentials;

    internal DatagramSeal(KeyId key, ReadOnlySpan<byte> secret) =>
        (Key, _key, _secret) = (key, Encoding.ASCII.GetBytes($" k={key}"), secret.ToArray());

    /// <summary>Which cluster key it comes from.</summary>
    public KeyId Key { get; }

    /// <summary>The numbers of the PINGs that came with this seal.</summary>
    public ReplayWindow Pings { get; } = new();

    /// <summary>Appends the seal of what was written so far; allocates nothing.</summary>
    public void Append(ArrayBufferWriter<byte> datagram)
    {
        datagram.Write(_key);
        Span<byte> mac = stackalloc byte[Mac16.Length];
        Mac16.Compute(_secret, datagram.WrittenSpan, mac);
        datagram.Write(" mac="u8);
        datagram.WriteHex(mac);
    }

    /// <summary>Makes it good only as long as its key is among these; returns itself.</summary>
    public DatagramSeal While(Credentials credentials)
    {
        _credentials = credentials;
        return this;
    }

    /// <summary>True when the datagram ends with this seal, and its key still counts; an LF or CR LF behind it is
    /// ignored.</summary>
    public bool IsOn(ReadOnlySpan<byte> datagram)
    {
        if (_credentials is not null && _credentials.Keys?.Accepts(Key) != true) return false;
        datagram = datagram.TrimEnd("\r\n"u8);
        if (datagram.Length <= Length) return false;
        ReadOnlySpan<byte> covered = datagram[..^MacLength];
        ReadOnlySpan<byte> mac = datagram[^MacLength..];
        return covered.EndsWith(_key) && mac.StartsWith(" mac="u8) && Mac16.Fits(_secret, covered, mac[5..]);
    }

    /// <summary>True when a datagram ends as one that is sealed, by whomever.</summary>
    public static bool IsAtTheEndOf(ReadOnlySpan<byte> datagram)
    {
        datagram = datagram.TrimEnd("\r\n"u8);
        if (datagram.Length <= Length) return false;
        ReadOnlySpan<byte> end = datagram[^Length..];
        return end.StartsWith(" k="u8) && end[KeyLength..].StartsWith(" mac="u8);
    }
}
