using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Knows where files are: an index, several, or a gateway.</summary>
internal interface IFinder
{
    /// <summary>Where a file is; null when no live server has it.</summary>
    /// <param name="name">The file.</param>
    /// <param name="not">The ids of servers to name last.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">Nobody who knows answers.</exception>
    Task<Location?> FindAsync(FileName name, IReadOnlyCollection<string> not, CancellationToken cancellationToken);

    /// <summary>All servers, for an index of version 1, which names one at a time.</summary>
    /// <exception cref="IOException">Nobody who knows answers.</exception>
    Task<List<ServerRow>> ListServersAsync(CancellationToken cancellationToken);

    /// <summary>Tells what went wrong with a server; nothing comes of it when nobody listens.</summary>
    /// <param name="name">The file.</param>
    /// <param name="server">The server's id.</param>
    /// <param name="reason"><c>connect</c>, <c>stall</c>, <c>missing</c> or <c>wrong</c>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task ReportAsync(FileName name, string server, string reason, CancellationToken cancellationToken);
}
