using System.Net;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One connection's word that its process is a certain server.</summary>
/// <param name="incarnation">How often that process says it was started; 0 when it does not say.</param>
/// <param name="address">Where it speaks from.</param>
/// <param name="tcpPort">Its line port.</param>
internal sealed class Claim(long incarnation, IPAddress address, int tcpPort)
{
    public long Incarnation => incarnation;

    public IPAddress Address => address;

    public int TcpPort => tcpPort;

    /// <summary>The cluster key that it was proved by; null when nothing was proved.</summary>
    public KeyId? Key { get; init; }

    /// <summary>True when another process cannot be the same server while this claim's connection stands.</summary>
    /// <remarks>Of one address the later start is the server, and the older connection only lingers; the same start
    /// is the same process. From elsewhere, or with an older count, it is a twin. Who tells no count is believed, as
    /// in version 1.</remarks>
    public bool Excludes(Claim other)
    {
        if (incarnation == 0 || other.Incarnation == 0) return false;
        if (!address.Equals(other.Address) || other.Incarnation < incarnation) return true;
        return other.Incarnation == incarnation && other.TcpPort != tcpPort;
    }
}
