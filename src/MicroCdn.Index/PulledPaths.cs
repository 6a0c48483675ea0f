using System.Text;

namespace MicroCdn.Index;

/// <summary>Which servers pull which paths from origins, as they said when they registered. Never changes: the fleet
/// makes another one.</summary>
internal sealed class PulledPaths
{
    // The longest prefix first: the first that fits is the most specific.
    private readonly (byte[] Prefix, ushort[] Servers)[] _rows;

    private PulledPaths((byte[] Prefix, ushort[] Servers)[] rows) => _rows = rows;

    /// <summary>Nobody pulls anything.</summary>
    public static PulledPaths None { get; } = new([]);

    /// <summary>What these servers said. Whoever speaks no HTTP cannot be sent anybody.</summary>
    public static PulledPaths Of(Server[] servers) => new([.. servers
        .Where(server => server.Contact is { } contact && (contact.Url is not null || contact.HasWebPort))
        .SelectMany(server => server.Contact!.Pulls.Select(prefix => (prefix, server.Number)))
        .GroupBy(pair => pair.prefix, pair => (ushort)pair.Number)
        .OrderByDescending(row => row.Key.Length)
        .Select(row => (Encoding.ASCII.GetBytes(row.Key), row.ToArray()))]);

    /// <summary>Finds who pulls a path: those of the longest prefix under which somebody may get clients, else those of
    /// the longest. False when nobody pulls it. Allocates nothing.</summary>
    /// <param name="path">The path as it came.</param>
    /// <param name="servers">All servers by number, taken after this table.</param>
    /// <param name="pullers">Their numbers.</param>
    public bool TryFind(ReadOnlySpan<byte> path, Server[] servers, out ushort[] pullers)
    {
        pullers = [];
        foreach ((byte[] prefix, ushort[] numbers) in _rows)
        {
            if (!path.StartsWith(prefix)) continue;
            if (pullers.Length == 0) pullers = numbers;
            foreach (ushort number in numbers)
            {
                if (!servers[number].IsAsked) continue;
                pullers = numbers;
                return true;
            }
        }
        return pullers.Length > 0;
    }
}
