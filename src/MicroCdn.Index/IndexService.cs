using System.Net;
using System.Text;
using System.Threading.Channels;
using MicroCdn.Index.Figures;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>What all sessions of an index share.</summary>
internal sealed partial class IndexService(Router router, TrustedNetworks trust, Applied applied, Complaints complaints,
    ILogger logger) : ILineService
{
    /// <summary>The keys that control messages are checked by.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    /// <summary>Where new servers get their keys; null when they get none here.</summary>
    public Admission? Admission { get; init; }

    /// <summary>Where purges go through; what it hears is forgotten at the end, unless it is told otherwise.</summary>
    public PurgeDesk Purges { get; init; } = new(
        new PurgeLog(null, 1, router.Fleet.Time, out _), router.Fleet, router.Fleet.Time, logger);

    /// <summary>Where files are published; null where this is not offered.</summary>
    public PublishDesk? Publishing { get; init; }

    /// <summary>Where tokens are made and taken back; null where this is not offered.</summary>
    public TokenDesk? Tokens { get; init; }

    /// <summary>Where operators say how copies are kept; null where nothing is published.</summary>
    public OperatorDesk? Operators { get; init; }

    /// <summary>Where content servers ask what there is to do; null where there is nothing.</summary>
    public OrderDesk? Orders { get; init; }

    /// <summary>What content servers tell of themselves.</summary>
    public FleetFigures Figures { get; init; } = new(router.Fleet.Time);

    /// <summary>What they tell of downloads.</summary>
    public FleetDownloads Downloads { get; init; } = new();

    public Router Router => router;

    public Whereabouts Whereabouts { get; init; } = new(router);

    public TrustedNetworks Trust => trust;

    public Applied Applied => applied;

    public Complaints Complaints => complaints;

    public Reports Reports { get; } = new(router, complaints);

    public ILineSession Open(IPeer peer) => new IndexSession(this, peer);

    [LoggerMessage(2007, LogLevel.Warning, "{Id} at {Address}:{Port} (start {Incarnation}) is refused: "
        + "{OtherAddress}:{OtherPort} (start {OtherIncarnation}) goes by this id")]
    public partial void LogTwins(ServerId id, IPAddress address, int port, long incarnation, IPAddress otherAddress,
        int otherPort, long otherIncarnation);
}

/// <summary>A complete list of files, or of changes to one, that waits to be put in place.</summary>
internal sealed record Application(ServerId Id, Contact Contact, FileList List, Answer Answer, bool IsChange = false);

/// <summary>The catalog's one writer: puts complete lists in place, one after another.</summary>
internal sealed partial class Applied(Router router, ILogger logger)
{
    private const int MostNamed = 10;

    /// <summary>Finds what is published no more in what servers tell; null where nothing is published.</summary>
    public Strays? Strays { private get; set; }

    /// <summary>Keeps aside what servers tell of changes that were not seen yet; null where this index alone
    /// writes.</summary>
    public Foretold? Foretold { private get; set; }

    // Not bounded by itself: a connection takes no further line until its list is in place, so there is at most one
    // entry for each connection; and one change of the book.
    private readonly Channel<Action> _queue = Channel.CreateUnbounded<Action>();

    public void Enqueue(Application application) => _queue.Writer.TryWrite(() => Apply(application));

    /// <summary>Does something as the catalog's one writer.</summary>
    public Task DoAsync(Action work)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _queue.Writer.TryWrite(() =>
        {
            try
            {
                work();
                done.SetResult();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        return done.Task;
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (Action work in _queue.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false)) work();
    }

    /// <summary>Puts one list in place and answers its server.</summary>
    internal void Apply(Application application)
    {
        Fleet fleet = router.Fleet;
        Server server = fleet.Enlist(application.Id)!;
        if (application.IsChange)
        {
            Change(server, application);
            return;
        }
        Strays?.TakeOut(server, application.List, isWhole: true);
        Foretold?.SetAside(server, application.List, isWhole: true);
        List<int> disputed = router.Catalog.Replace(server.Number, application.List);
        Foretold?.NoteApplied(application.List);
        if (server is { State: < ServerState.Draining, IsRemembered: false, Contact: { } known }
            && known.IsElsewhere(application.Contact))
        {
            LogTwin(server.Id, known.Address.ToString(), known.TcpPort);
        }
        fleet.Registered(server, application.Contact);
        LogRegistered(server.Id, application.List.Count, application.Contact.Address.ToString(),
            application.Contact.TcpPort);
        Name(disputed);
        application.Answer.Complete("OK FILES_ADDED\n"u8);
    }

    // A change says what differs from the list that this very registration told; after another one it means nothing.
    private void Change(Server server, Application application)
    {
        if (server.Contact != application.Contact)
        {
            application.Answer.Complete(WireErrors.NotRegistered.Line.Span);
            return;
        }
        Strays?.TakeOut(server, application.List, isWhole: false);
        Foretold?.SetAside(server, application.List, isWhole: false);
        List<int> disputed = router.Catalog.Change(server.Number, application.List);
        Foretold?.NoteApplied(application.List);
        LogChanged(server.Id, application.List.Count);
        Name(disputed);
        application.Answer.Complete("OK FILES_ADDED\n"u8);
    }

    // Names the servers whose copies are not offered because they are not what most live servers hold.
    private void Name(List<int> disputed)
    {
        FileDirectory directory = new(router);
        foreach (int row in disputed.Take(MostNamed))
        {
            Catalog.View view = router.Catalog.Now;
            view.Holders(row, router.Fleet.Servers, out FileState state);
            string others = string.Join(" and ", directory.NotOffered(view, row)
                .GroupBy(copy => (copy.Size, copy.Digest), copy => copy.Server.Id)
                .Select(claim => $"{string.Join(", ", claim)} ({Show(claim.Key.Size, claim.Key.Digest)})"));
            LogDisputed(Encoding.UTF8.GetString(view.NameOf(row)), Show(state.Size, state.Digest), others);
        }
        if (disputed.Count > MostNamed) LogMoreDisputed(disputed.Count - MostNamed);
    }

    // Eight digits tell two digests apart; the whole ones would fill the line.
    private static string Show(long size, FileDigest digest) =>
        digest.IsNone ? $"{size} bytes" : $"{size} bytes, sha256 {digest.ToString()[..8]}...";

    [LoggerMessage(2002, LogLevel.Information, "{Id} registered {Files} files, reached at {Address}:{Port}")]
    private partial void LogRegistered(ServerId id, int files, string address, int port);

    [LoggerMessage(2005, LogLevel.Warning,
        "{Id} registers from another place; it was at {Address}:{Port} and not dead. Have two servers the same id?")]
    private partial void LogTwin(ServerId id, string address, int port);

    [LoggerMessage(2003, LogLevel.Warning, "'{Name}' is {State} on most servers; not offered from {Others}")]
    private partial void LogDisputed(string name, string state, string others);

    [LoggerMessage(2006, LogLevel.Debug, "{Id} told {Count} changes")]
    private partial void LogChanged(ServerId id, int count);

    [LoggerMessage(2004, LogLevel.Warning, "servers disagree about the bytes of {Count} more files of this list")]
    private partial void LogMoreDisputed(int count);
}
