using MicroCdn.Index;
using MicroCdn.Index.Events;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

/// <summary>An index without sockets: a test connects peers to it and lets its catalog's writer work when it
/// wants.</summary>
internal sealed class IndexWorld
{
    private readonly Applied _applied;
    private readonly IndexService _service;

    public IndexWorld(Locations? locations = null)
    {
        Router = new Router(new Catalog(1), new Fleet(Time, locations), new Chance(1));
        _applied = new Applied(Router, Log);
        _service = new IndexService(Router, new TrustedNetworks([System.Net.IPNetwork.Parse("10.0.0.0/8")]), _applied,
            new Complaints(Log, Time), Log);
        Fleet.Look = server => Looks.Add(server.Id.Value);
        Fleet.Changed = new StateLog(Log, new EventLog(Time)).Add;
    }

    /// <summary>The servers that the index wanted to see for itself, in order.</summary>
    public List<string> Looks { get; } = [];

    /// <summary>What the index believes of a server.</summary>
    public ServerState StateOf(string id) => Fleet.Find(Names.Id(id))!.State;

    /// <summary>The index has looked for itself.</summary>
    public void Looked(string id, bool answers)
    {
        Server server = Fleet.Find(Names.Id(id))!;
        Fleet.Looked(server, server.Contact!, answers);
    }

    public FakeTimeProvider Time { get; } = new();

    public LogBook Log { get; } = new();

    public Router Router { get; }

    public Fleet Fleet => Router.Fleet;

    /// <summary>For how long it cannot tell whether it knows what is published; null when it can.</summary>
    public TimeSpan? Behind { get; set; }

    public FileDirectory Directory => new(Router, _service.Reports) { BehindBy = () => Behind };

    public long Complaints => _service.Complaints.Total;

    public Wire Connect(string remote = "127.0.0.1", string local = "127.0.0.1") =>
        new(_service, Peer.From(remote, local));

    /// <summary>What the index answers to these lines on a new connection.</summary>
    public string Ask(string lines, string remote = "127.0.0.1", string local = "127.0.0.1")
    {
        Wire wire = Connect(remote, local).Receive(lines);
        Apply();
        return wire.Turn().Sent;
    }

    /// <summary>A content server registers; its connection is returned.</summary>
    public Wire Register(string id, string remote, params string[] files)
    {
        string list = string.Concat(files.Select(file => $"ADD_FILE {id} {file}\n"));
        Wire wire = Connect(remote).Receive($"REGISTER {id} 7001 7002\n{list}DONE_FILES\n");
        Apply();
        Assert.Equal("OK REGISTERED\nOK FILES_ADDED\n", wire.Turn().Take());
        return wire;
    }

    /// <summary>Puts every complete list in place: the writer works through its queue and then would wait for
    /// more.</summary>
    public void Apply()
    {
        using CancellationTokenSource enough = new();
        Task working = _applied.RunAsync(enough.Token);
        enough.Cancel();
        Assert.False(working.IsFaulted, working.Exception?.ToString());
    }
}
