using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Finds files through an index and downloads them.</summary>
public sealed class CdnClient(ClientOptions options, IDialer dialer, TimeProvider time)
{
    private readonly IndexClient _index = new(options.IndexHost, options.IndexPort, dialer, time, options.Stall);

    /// <summary>Downloads a file to a target path, changing servers as needed; the target appears only when it is
    /// whole.</summary>
    /// <exception cref="CdnException">No server has the file, or none could be reached.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public Task<DownloadResult> DownloadAsync(
        FileName name, string target, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken) =>
        new Download(name, target, options, _index, dialer, time, progress).RunAsync(cancellationToken);

    /// <summary>Downloads a file from one server, without an index.</summary>
    /// <exception cref="CdnException">The server has not the file, or could not be reached.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public Task<DownloadResult> DownloadFromAsync(string host, int port, FileName name, string target,
        IProgress<DownloadProgress>? progress, CancellationToken cancellationToken) =>
        new Download(name, target, options, _index, dialer, time, progress).RunFromAsync(host, port, cancellationToken);

    /// <summary>The files of the index.</summary>
    /// <exception cref="CdnException">The index could not be reached.</exception>
    public Task<List<FileRow>> ListFilesAsync(CancellationToken cancellationToken) =>
        OrUnreachable(_index.ListFilesAsync(cancellationToken));

    /// <summary>The servers as the index knows them.</summary>
    /// <exception cref="CdnException">The index could not be reached.</exception>
    public Task<List<ServerRow>> ListServersAsync(CancellationToken cancellationToken) =>
        OrUnreachable(_index.ListServersAsync(cancellationToken, inVersion2: true));

    /// <summary>The servers as a monitor knows them.</summary>
    /// <exception cref="CdnException">The monitor could not be reached.</exception>
    public Task<List<ServerRow>> ListServersOfMonitorAsync(string host, int port,
        CancellationToken cancellationToken) =>
        OrUnreachable(new IndexClient(host, port, dialer, time, options.Stall)
            .ListServersAsync(cancellationToken, inVersion2: true));

    private static async Task<T> OrUnreachable<T>(Task<T> question)
    {
        try
        {
            return await question.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable, exception.Message, exception);
        }
    }
}

/// <summary>How far a download is.</summary>
/// <param name="Done">Bytes received from the server now used.</param>
/// <param name="Size">The file's length in bytes.</param>
/// <param name="Server">The server now used.</param>
public readonly record struct DownloadProgress(long Done, long Size, string Server);

/// <summary>What a finished download was.</summary>
/// <param name="Size">The file's length in bytes.</param>
/// <param name="Server">The server that delivered it.</param>
/// <param name="Path">Where it was saved.</param>
public sealed record DownloadResult(long Size, string Server, string Path);
