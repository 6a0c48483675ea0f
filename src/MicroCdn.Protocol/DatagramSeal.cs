using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>Ends datagrams with a mac, and tells those that were made with the same key from all others.</summary>
/// <remarks>
/// A sealed datagram ends with <c> k=KEY mac=HEX32</c>, the mac over all bytes before <c> mac=</c>. That the bytes are
/// genuine does not say that they are new: see <see cref="ReplayWindow"/>.
/// </remarks>
public sealed class DatagramSeal
{
    /// <summary>How many bytes a seal adds.</summary>
    public const int Length = KeyLength + MacLength;

    private const int KeyLength = 3 + KeyId.Digits;
    private const int MacLength = 5 + (2 * Mac16.Length);
    private readonly byte[] _secret;
    private readonly byte[] _key;

    internal DatagramSeal(KeyId key, ReadOnlySpan<byte> secret) =>
        (Key, _key, _secret) = (key, Encoding.ASCII.GetBytes($" k={key}"), secret.ToArray());

    /// <summary>Which cluster key it comes from.</summary>
    public KeyId Key { get; }

    /// <summary>The seal of all that is said with a server's own key, whatever the connection.</summary>
    public static DatagramSeal Of(ServerKey key) => new(key.Id, key.Secret);

    /// <summary>Appends the seal of what was written so far; allocates nothing.</summary>
    public void Append(ArrayBufferWriter<byte> datagram)
    {
        datagram.Write(_key);
        Span<byte> mac = stackalloc byte[Mac16.Length];
        Mac16.Compute(_secret, datagram.WrittenSpan, mac);
        datagram.Write(" mac="u8);
        datagram.WriteHex(mac);
    }

    /// <summary>True when the datagram ends with this seal; an LF or CR LF behind it is ignored.</summary>
    public bool IsOn(ReadOnlySpan<byte> datagram)
    {
        datagram = datagram.TrimEnd("\r\n"u8);
        if (datagram.Length <= Length) return false;
        ReadOnlySpan<byte> covered = datagram[..^MacLength];
        ReadOnlySpan<byte> mac = datagram[^MacLength..];
        return covered.EndsWith(_key) && mac.StartsWith(" mac="u8) && Mac16.Fits(_secret, covered, mac[5..]);
    }

    /// <summary>Reads which key a datagram says it is sealed with; false when it is not sealed.</summary>
    public static bool TryReadKey(ReadOnlySpan<byte> datagram, out KeyId key)
    {
        datagram = datagram.TrimEnd("\r\n"u8);
        key = default;
        if (datagram.Length <= Length) return false;
        ReadOnlySpan<byte> end = datagram[^Length..];
        return end.StartsWith(" k="u8) && end[KeyLength..].StartsWith(" mac="u8)
            && KeyId.TryParse(end[3..KeyLength], out key);
    }
}

/// <summary>Takes each sequence number once, also when datagrams overtake one another by up to 63.</summary>
/// <remarks>As in RFC 4303, section 3.4.3: of the last 64 numbers it knows which came; what is older is refused. Ask
/// only after the mac was checked, or a forger could push the window forward.</remarks>
public struct ReplayWindow
{
    /// <summary>How many numbers back it remembers.</summary>
    public const int Size = 64;

    private ulong _seen;
    private long _newest;

    /// <summary>True when the number is new; it is remembered.</summary>
    public bool TryTake(long number)
    {
        if (number < 0) return false;
        if (_seen == 0 || number > _newest)
        {
            long ahead = _seen == 0 ? Size : number - _newest;
            _seen = (ahead >= Size ? 0 : _seen << (int)ahead) | 1;
            _newest = number;
            return true;
        }
        long behind = _newest - number;
        if (behind >= Size) return false;
        ulong bit = 1UL << (int)behind;
        if ((_seen & bit) != 0) return false;
        _seen |= bit;
        return true;
    }
}
