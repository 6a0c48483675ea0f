using System.Threading.Channels;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>What all sessions of an index share.</summary>
internal sealed partial class IndexService(Router router, TrustedNetworks trust, Applied applied, Complaints complaints,
    ILogger logger) : ILineService
{
    public Router Router => router;

    public TrustedNetworks Trust => trust;

    public Applied Applied => applied;

    public Complaints Complaints => complaints;

    public ILineSession Open(IPeer peer) => new IndexSession(this, peer);

    [LoggerMessage(2001, LogLevel.Information, "{Id} is {State}: {Reason}")]
    public partial void LogState(ServerId id, string state, string reason);
}

/// <summary>A complete list of files that waits to be put in place.</summary>
internal sealed record Application(ServerId Id, Contact Contact, FileList List, Answer Answer);

/// <summary>The catalog's one writer: puts complete lists in place, one after another.</summary>
internal sealed partial class Applied(Router router, ILogger logger)
{
    private const int MostNamed = 10;

    // Not bounded by itself: a connection takes no further line until its list is in place, so there is at most one
    // entry for each connection.
    private readonly Channel<Application> _queue = Channel.CreateUnbounded<Application>();

    public void Enqueue(Application application) => _queue.Writer.TryWrite(application);

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (Application application in _queue.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            Apply(application);
        }
    }

    /// <summary>Puts one list in place and answers its server.</summary>
    internal void Apply(Application application)
    {
        Fleet fleet = router.Fleet;
        Server server = fleet.Enlist(application.Id)!;
        List<int> disputed = router.Catalog.Replace(server.Number, application.List);
        if (server is { IsAlive: true, Contact: { } known } && known.IsElsewhere(application.Contact))
        {
            LogTwin(server.Id, known.Address.ToString(), known.TcpPort);
        }
        fleet.Registered(server, application.Contact);
        LogRegistered(server.Id, application.List.Count, application.Contact.Address.ToString(),
            application.Contact.TcpPort);
        Name(disputed);
        application.Answer.Complete("OK FILES_ADDED\n"u8);
    }

    // Names the servers whose copies are not offered because their size is not the one that most live servers hold.
    private void Name(List<int> disputed)
    {
        Catalog.View view = router.Catalog.Now;
        Server[] servers = router.Fleet.Servers;
        foreach (int row in disputed.Take(MostNamed))
        {
            view.Holders(row, servers, out long size);
            string others = string.Join(" and ", view.Claims(row).Where(claim => claim.Size != size)
                .Select(claim => (claim.Size, Ids: string.Join(", ", claim.Servers.Select(s => servers[s].Id))))
                .Select(claim => $"{claim.Ids} ({claim.Size} bytes)"));
            LogDisputed(System.Text.Encoding.UTF8.GetString(view.NameOf(row)), size, others);
        }
        if (disputed.Count > MostNamed) LogMoreDisputed(disputed.Count - MostNamed);
    }

    [LoggerMessage(2002, LogLevel.Information, "{Id} registered {Files} files, reached at {Address}:{Port}")]
    private partial void LogRegistered(ServerId id, int files, string address, int port);

    [LoggerMessage(2005, LogLevel.Warning,
        "{Id} registers from another place; it was at {Address}:{Port} and not dead. Have two servers the same id?")]
    private partial void LogTwin(ServerId id, string address, int port);

    [LoggerMessage(2003, LogLevel.Warning, "'{Name}' is {Size} bytes on most servers; not offered from {Others}")]
    private partial void LogDisputed(string name, long size, string others);

    [LoggerMessage(2004, LogLevel.Warning, "servers disagree about the size of {Count} more files of this list")]
    private partial void LogMoreDisputed(int count);
}
