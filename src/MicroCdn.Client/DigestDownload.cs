using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>Fetches bytes that are known by their digest from servers that are said to have them, without an index;
/// every chunk is verified.</summary>
/// <remarks>For servers among themselves: over the line protocol in version 2 alone.</remarks>
public sealed class DigestDownload : IDisposable
{
    private readonly Surroundings _around;

    /// <summary>On a network and with a clock of the caller's.</summary>
    /// <param name="dialer">Opens connections.</param>
    /// <param name="time">The clock.</param>
    /// <param name="pace">Waits for as long as so many bytes are to take; null for as fast as they come.</param>
    /// <param name="atDisk">Runs what waits for the disk: many downloads at once would keep every thread of the pool
    /// waiting; null for in place.</param>
    public DigestDownload(IDialer dialer, TimeProvider time, Func<int, CancellationToken, ValueTask>? pace = null,
        Func<Action, Task>? atDisk = null)
    {
        ClientOptions options = new() { Patience = TimeSpan.FromSeconds(5), Pace = pace };
        _around = new Surroundings(options, new Told(null), dialer, time, null, new HttpFiles())
        {
            IsForKeeping = true,
        };
        if (atDisk is not null) _around = _around with { AtDisk = atDisk };
    }

    /// <summary>Fetches.</summary>
    /// <param name="wanted">Which bytes.</param>
    /// <param name="target">Where they are to be; what an earlier try left beside it is gone on with.</param>
    /// <param name="cancellationToken">Ends it; what a large one had is kept.</param>
    /// <exception cref="CdnException">No server could deliver.</exception>
    /// <exception cref="TargetException">The target cannot be written.</exception>
    /// <exception cref="DiskFullException">No room is left.</exception>
    public async Task<DownloadResult> RunAsync(
        WantedBytes wanted, string target, CancellationToken cancellationToken)
    {
        // Servers know bytes by their digest under any name.
        FileName.TryCreate(wanted.Digest.ToString(), out FileName name);
        Location location = new(wanted.Size,
            [.. wanted.Sources.Select(one => new Holder($"{one.Host}:{one.Port}", one.Host, one.Port))])
        {
            Digest = wanted.Digest, Root = wanted.Root, IsWholeList = true,
        };
        if (!location.HasChunks) throw new CdnException(CdnFailure.Unreachable, "its chunks cannot be verified");
        Surroundings around = _around with { Finder = new Told(location) };
        ChunkedDownload? opened = null;
        await around.AtDisk(() => opened = new ChunkedDownload(
            wanted.Name ?? name, location, target, around, new DownloadOptions())).ConfigureAwait(false);
        using ChunkedDownload download = opened!;
        ChunkedEnd end = await download.RunAsync(cancellationToken).ConfigureAwait(false);
        return end.Result
            ?? throw new CdnException(CdnFailure.Unreachable, $"no server tells the chunks of {wanted.Digest}");
    }

    /// <inheritdoc/>
    public void Dispose() => _around.Http.Dispose();

    private sealed class Told(Location? location) : IFinder
    {
        public Task<Location?> FindAsync(
            FileName name, IReadOnlyCollection<string> not, CancellationToken cancellationToken) =>
            Task.FromResult(location);

        public Task<List<ServerRow>> ListServersAsync(CancellationToken cancellationToken) =>
            Task.FromResult<List<ServerRow>>([]);

        public Task ReportAsync(FileName name, string server, string reason, CancellationToken cancellationToken) =>
            Task.CompletedTask;
    }
}

/// <summary>Bytes that are to be fetched.</summary>
/// <param name="Digest">Their SHA-256.</param>
/// <param name="Size">How many there are.</param>
/// <param name="Root">Their chunk root.</param>
/// <param name="Name">The name by which the servers know them; null for any.</param>
/// <param name="Sources">Hosts and line ports of servers that are said to have them, best first.</param>
public sealed record WantedBytes(FileDigest Digest, long Size, FileDigest Root, FileName? Name,
    IReadOnlyList<(string Host, int Port)> Sources);
