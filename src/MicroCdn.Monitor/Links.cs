using System.Net;

namespace MicroCdn.Monitor;

/// <summary>Which indexes are told on a standing connection, so that one that goes by two names is told on one
/// alone.</summary>
/// <remarks>An index that a flag names may also subscribe by its address: it would take the second connection for the
/// same monitor, and not hear the first one any more.</remarks>
internal sealed class Links
{
    private readonly Lock _lock = new();
    private readonly HashSet<(IPAddress Address, int Port)> _linked = [];

    /// <summary>False when another connection to this index stands already.</summary>
    public bool TryTake(IPAddress address, int port)
    {
        lock (_lock) return _linked.Add((address, port));
    }

    /// <summary>The connection ended.</summary>
    public void GiveBack(IPAddress address, int port)
    {
        lock (_lock) _linked.Remove((address, port));
    }
}
