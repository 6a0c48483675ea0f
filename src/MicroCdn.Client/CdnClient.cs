using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>Finds files through an index, or a gateway, and downloads them.</summary>
/// <remarks>One for a process is enough: it may be used from several threads, and remembers which version of the
/// protocol its index speaks.</remarks>
public sealed class CdnClient : IDisposable
{
    private const int MostIndexes = 16;

    private readonly ClientOptions _options;
    private readonly IDialer _dialer;
    private readonly TimeProvider _time;
    private readonly IndexClient[] _indexes;
    private readonly Surroundings _around;

    /// <summary>A client on the network of this machine.</summary>
    public CdnClient(ClientOptions options) : this(options, new TcpDialer(TimeProvider.System), TimeProvider.System)
    {
    }

    /// <summary>A client on a network and with a clock of the caller's.</summary>
    public CdnClient(ClientOptions options, IDialer dialer, TimeProvider time)
    {
        (_options, _dialer, _time) = (options, dialer, time);
        IndexEndPoint[] addresses = options.Indexes.Count > 0 ? [.. options.Indexes.Take(MostIndexes)]
            : [new IndexEndPoint(options.IndexHost, options.IndexPort)];
        _indexes = [.. addresses.Select(one => new IndexClient(one.Host, one.Port, dialer, time, options.Stall))];
        HttpFiles http = new();
        ListMemory? memory = options.CacheFolder is { } folder ? new ListMemory(new CacheFolder(folder), time) : null;
        IFinder[] finders = options.Gateway is { } gateway ? [new GatewayFinder(gateway, http, time, options.Stall)]
            : [.. addresses.Select(one => new Locator(one.Host, one.Port, dialer, time, options.Stall, memory))];
        string key = options.Gateway?.AbsoluteUri
            ?? string.Join(',', addresses.Select(one => $"{one.Host}:{one.Port}"));
        _around = new Surroundings(options, new Finder(finders, key, memory, time), dialer, time, memory, http);
    }

    /// <summary>Downloads a file to a target path, changing servers as needed; the target appears only when it is
    /// whole and right.</summary>
    /// <param name="name">The file's name in the network, a relative path with <c>/</c>.</param>
    /// <param name="target">Where to save it; folders above it are made, and what stood there is replaced.</param>
    /// <param name="options">How; the defaults when left out.</param>
    /// <param name="cancellationToken">Ends the download; what a large one had is kept beside the target.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    /// <exception cref="CdnException">No server has the file, none could be reached, or none has the right
    /// bytes.</exception>
    /// <exception cref="TargetException">The target cannot be written.</exception>
    /// <exception cref="DiskFullException">No room is left for it.</exception>
    public Task<DownloadResult> DownloadAsync(
        string name, string target, DownloadOptions? options = null, CancellationToken cancellationToken = default) =>
        FileName.TryCreate(name, out FileName file)
            ? new Download(file, target, _around, options ?? new DownloadOptions()).RunAsync(cancellationToken)
            : throw new ArgumentException("A name is a relative path without '..', at most 1,024 bytes.", nameof(name));

    /// <summary>The same for a name that was read already, with nothing but a listener.</summary>
    /// <exception cref="CdnException">No server has the file, none could be reached, or none has the right
    /// bytes.</exception>
    /// <exception cref="TargetException">The target cannot be written.</exception>
    /// <exception cref="DiskFullException">No room is left for it.</exception>
    public Task<DownloadResult> DownloadAsync(
        FileName name, string target, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken) =>
        new Download(name, target, _around, new DownloadOptions { Progress = progress }).RunAsync(cancellationToken);

    /// <summary>Downloads a file from one server, without an index, and so without verifying it.</summary>
    /// <exception cref="CdnException">The server has not the file, or could not be reached.</exception>
    /// <exception cref="TargetException">The target cannot be written.</exception>
    /// <exception cref="DiskFullException">No room is left for it.</exception>
    public Task<DownloadResult> DownloadFromAsync(string host, int port, FileName name, string target,
        IProgress<DownloadProgress>? progress, CancellationToken cancellationToken) =>
        new Download(name, target, _around, new DownloadOptions { Progress = progress })
            .RunFromAsync(host, port, cancellationToken);

    /// <summary>The files of the index; of several, those of the first that answers.</summary>
    /// <param name="notice">Told in a sentence of each that does not, before the next is asked.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CdnException">No index could be reached.</exception>
    public Task<List<FileRow>> ListFilesAsync(Action<string>? notice, CancellationToken cancellationToken) =>
        OrUnreachable(FirstAnswerAsync(index => index.ListFilesAsync(cancellationToken), notice));

    /// <summary>The servers as the index knows them; of several, the first that answers.</summary>
    /// <inheritdoc cref="ListFilesAsync"/>
    public Task<List<ServerRow>> ListServersAsync(Action<string>? notice, CancellationToken cancellationToken) =>
        OrUnreachable(FirstAnswerAsync(
            index => index.ListServersAsync(cancellationToken, inVersion2: true), notice));

    /// <summary>The servers as a monitor knows them.</summary>
    /// <exception cref="CdnException">The monitor could not be reached.</exception>
    public Task<List<ServerRow>> ListServersOfMonitorAsync(string host, int port,
        CancellationToken cancellationToken) =>
        OrUnreachable(new IndexClient(host, port, _dialer, _time, _options.Stall)
            .ListServersAsync(cancellationToken, inVersion2: true));

    /// <summary>Closes what is open to gateways and servers over HTTP.</summary>
    public void Dispose() => _around.Http.Dispose();

    private async Task<T> FirstAnswerAsync<T>(Func<IndexClient, Task<T>> question, Action<string>? notice)
    {
        foreach (IndexClient index in _indexes.SkipLast(1))
        {
            try
            {
                return await question(index).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException)
            {
                notice?.Invoke($"{exception.Message}: asking the next index");
            }
        }
        return await question(_indexes[^1]).ConfigureAwait(false);
    }

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
