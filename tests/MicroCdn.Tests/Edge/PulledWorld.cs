using MicroCdn.Content;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Storage;
using MicroCdn.Tests.Origin;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Edge;

/// <summary>A cache in front of an origin on a real socket, whose clock stands still.</summary>
internal sealed class PulledWorld : IAsyncDisposable
{
    private readonly TemporaryFolder _empty = new();
    private readonly OpenFiles _open;

    /// <summary>Begins with what the origin does on each connection.</summary>
    /// <param name="folder">Where copies are kept; null for memory alone.</param>
    /// <param name="memoryBytes">How much of them memory holds.</param>
    /// <param name="scripts">What the origin does, as it has it.</param>
    public PulledWorld(string? folder, long memoryBytes, params Func<OriginTalk, Task>[] scripts)
    {
        Origin = new ScriptedOrigin(scripts);
        PullOptions options = new()
        {
            Origins = [new OriginRule("", "/", new Uri($"http://127.0.0.1:{Origin.Port}"))], Folder = folder,
            MemoryBytes = memoryBytes,
        };
        Complaints = new Complaints(Log, Time);
        _open = new OpenFiles(new ServedFolder(_empty.Path).Open, most: 1);
        ServedFiles files = new(() => Library.Empty, _open, () => { });
        Front = new OriginFront(options, files, Complaints, Time, Log);
    }

    /// <summary>One that keeps copies in memory.</summary>
    public PulledWorld(params Func<OriginTalk, Task>[] scripts) : this(null, 16 << 20, scripts)
    {
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public LogBook Log { get; } = new();

    public ScriptedOrigin Origin { get; }

    public Complaints Complaints { get; }

    public OriginFront Front { get; }

    /// <summary>Hears of the requests of connections that begin from now on.</summary>
    public IExchangeListener? Listener { get; set; }

    /// <summary>Asks on a connection of its own.</summary>
    public Wire Ask(string path, params string[] fields) =>
        new Wire(Service).Receive(EdgeWorld.Head("GET", path, fields));

    /// <summary>Asks, and waits for the whole answer.</summary>
    public async Task<HttpAnswer> GetAsync(string path, params string[] fields)
    {
        Wire wire = Ask(path, fields);
        await UntilAsync(() => wire.Turn().SentLength > 0 && !wire.Answer.IsPending && !wire.Answer.Waits);
        return HttpAnswer.Read(wire.SentBytes);
    }

    /// <summary>Waits until something holds.</summary>
    public static async Task UntilAsync(Func<bool> holds)
    {
        using CancellationTokenSource late = new(ScriptedOrigin.Bound);
        while (!holds())
        {
            Assert.False(late.IsCancellationRequested, $"not within {ScriptedOrigin.Bound}");
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Front.Dispose();
        await Origin.DisposeAsync();
        _open.Dispose();
        _empty.Dispose();
    }

    private HttpService Service => new(new Handler(Front), new TrustedNetworks([]), Complaints, Time)
    {
        Listener = Listener,
    };

    private sealed class Handler(OriginFront front) : IHttpHandler
    {
        public void Handle(in Request request, Response response, IPeer peer) =>
            Assert.True(front.TryHandle(request, response));
    }
}
