using MicroCdn.Client;
using MicroCdn.Content.Figures;
using MicroCdn.Content.Publishing;
using MicroCdn.Network;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>What this server says to one of its indexes, and hears from it: registration, orders, receipts,
/// purges, figures.</summary>
/// <remarks>Each index has its own, with its own connections, so that one that is slow or away holds up no
/// other.</remarks>
internal sealed class IndexTie
{
    private readonly ContentOptions _options;
    private readonly IndexEndPoint _index;
    private readonly bool _isOnly;
    private readonly IDialer _dialer;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Takes what the server is told, which index it is, and how it reads its library.</summary>
    public IndexTie(ContentOptions options, IndexEndPoint index, long incarnation, IDialer dialer, TimeProvider time,
        ILogger logger, Func<Library> library)
    {
        _options = options with { IndexHost = index.Host, IndexPort = index.Port, Indexes = [] };
        (_index, _isOnly) = (index, options.AllIndexes.Count == 1);
        (_dialer, _time, _logger) = (dialer, time, logger);
        Announcer = new Announcer(_options, incarnation, dialer, time, logger, library);
        Receipts = new ReceiptLink(time);
    }

    /// <summary>Tells the index of this server's files.</summary>
    public Announcer Announcer { get; }

    /// <summary>Tells the index what came of its orders.</summary>
    public ReceiptLink Receipts { get; }

    /// <summary>Has what was purged at the index applied, until cancelled.</summary>
    public Task FollowPurgesAsync(
        IPurgeTarget copies, StoreHealth health, Action caughtUp, CancellationToken cancellationToken)
    {
        PurgePosition position = new(_options.State, _index, _isOnly, health, _logger);
        return new PurgeLink(_options, position, copies, caughtUp, _dialer, _time, _logger).RunAsync(cancellationToken);
    }

    /// <summary>Has what the index orders done, and tells it so, until cancelled.</summary>
    public Task FollowOrdersAsync(BlobKeeper blobs, OrderWork orders, CancellationToken cancellationToken) =>
        Tasks.UntilFirstFailure(
            Receipts.RunAsync(NewCall("receipts"), _options.Id, cancellationToken),
            new OrderLink(_options, blobs, orders, Receipts).RunAsync(NewCall("orders"), cancellationToken));

    /// <summary>Tells the index what this server does, until cancelled.</summary>
    public Task TellFiguresAsync(OwnFigures own, CancellationToken cancellationToken)
    {
        StandingCall call = new(_options, "figures", Announcer.Speaks2.WaitAsync, _dialer, _time, _logger)
        {
            RefusedPause = FiguresLink.RefusedPause, Goes = "is told figures", Stays = "is told no figures",
        };
        return new FiguresLink(own, _options.Id, _time).RunAsync(call, cancellationToken);
    }

    private StandingCall NewCall(string what) =>
        new(_options, what, Announcer.Speaks2.WaitAsync, _dialer, _time, _logger);
}
