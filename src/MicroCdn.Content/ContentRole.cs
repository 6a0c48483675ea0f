using System.Net;
using MicroCdn.Network;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>A content server: a library, its line server, its announcements and its heartbeats.</summary>
public sealed class ContentRole : IRole, IDisposable
{
    // Handles kept open between downloads; where descriptors are few, most of them are for connections.
    private const int MostOpenFiles = 512;
    private const int OneOfDescriptors = 4;

    private readonly OpenFiles _openFiles;
    private readonly LibraryKeeper _keeper;
    private readonly DigestKeeper _digests;
    private readonly Announcer _announcer;
    private readonly Heart _heart;

    /// <summary>Builds the role; nothing runs yet.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder to serve does not exist.</exception>
    /// <exception cref="PortUnavailableException">The heartbeat port is in use.</exception>
    public ContentRole(
        ContentOptions options, IDialer dialer, IDatagrams datagrams, TimeProvider time, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger("content");
        ServedFolder folder = new(options.Files);
        _openFiles = new OpenFiles(folder.Open, Math.Min(MostOpenFiles, Descriptors.Limit / OneOfDescriptors));
        _keeper = new LibraryKeeper(folder, time, logger, NoticeChange);
        ChunkLists chunks = new(options.State, folder, logger);
        _digests = new DigestKeeper(options, folder, _keeper, chunks, time, logger,
            () => _announcer!.AnnounceDigests());
        _announcer = new Announcer(options, dialer, time, logger, () => _keeper.Library);
        _heart = new Heart(options, datagrams, time, logger, () => (_openFiles.Active, _keeper.Library.Count));
        ContentService service = new(() => _keeper.Library, _openFiles, new ContentChunks(chunks, _digests.Miss),
            new Complaints(logger, time), _keeper.Ring);
        Files = new ServedFiles(() => _keeper.Library, _openFiles, _keeper.Ring);
        Listeners = [new Listener(new IPEndPoint(options.Bind, options.TcpPort), service)];
    }

    /// <inheritdoc/>
    public string Name => "content";

    /// <inheritdoc/>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <summary>The files it serves, for other servers in its process.</summary>
    public ServedFiles Files { get; }

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Beats come before the first scan: a large folder takes a while, and the server is alive meanwhile.
        Task heart = _heart.RunAsync(cancellationToken);
        await _keeper.StartAsync(cancellationToken).ConfigureAwait(false);
        await _digests.StartAsync().ConfigureAwait(false);
        await Tasks.UntilFirstFailure(heart, _keeper.RunAsync(cancellationToken),
            _announcer.RunAsync(cancellationToken), _digests.RunAsync(cancellationToken))
            .ConfigureAwait(false);
    }

    private void NoticeChange(LibraryChange change)
    {
        if (change == LibraryChange.Announced) _announcer.Announce();
        else _announcer.AnnounceDigests();
        _digests.Ring();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _heart.Dispose();
        _keeper.Dispose();
        _openFiles.Dispose();
    }
}
