using System.Net;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Content;
using MicroCdn.Gateway;
using MicroCdn.Index;
using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Testing;

/// <summary>A whole CDN in a fake world: index, monitor, content servers, clients, each on its own host.</summary>
/// <remarks>The hosts are called <c>index</c>, <c>monitor</c> and <c>client</c>; a content server's by its id in lower
/// case.</remarks>
public sealed class FakeCluster
{
    /// <summary>The index's line port.</summary>
    public const int IndexPort = 5050;

    /// <summary>The index's HTTP port.</summary>
    public const int GatewayPort = 8080;

    /// <summary>The monitor's line port.</summary>
    public const int MonitorPort = 6001;

    private static readonly IPNetwork[] Trust = [IPNetwork.Parse("10.0.0.0/8")];
    private static readonly string[] FirstHosts = ["index", "monitor", "client", "cs1", "cs2", "cs3"];

    private FakeCluster(FakeWorld world)
    {
        World = world;
        // In this order, so that addresses do not depend on what starts first.
        foreach (string host in FirstHosts) world.Network.Host(host);
    }

    /// <summary>Where it all happens.</summary>
    public FakeWorld World { get; }

    /// <summary>The network of the world.</summary>
    public FakeNetwork Network => World.Network;

    /// <summary>The keys of a host when it starts, by its name; none by default.</summary>
    public Func<string, Credentials> KeysOf { get; set; } = _ => Credentials.None;

    /// <summary>Where the index dials its monitor.</summary>
    public string MonitorDialed { get; set; } = "monitor";

    /// <summary>What purges are applied to beside a content server, by its id; nothing by default.</summary>
    public Func<string, IPurgeTarget?> CopiesOf { get; set; } = _ => null;

    /// <summary>Whether content servers ask the index what is to be published on them.</summary>
    public bool TakesOrders { get; set; }

    /// <summary>Whether content servers tell the index what they do.</summary>
    public bool TellsFigures { get; set; }

    /// <summary>The hosts of the indexes that content servers know when they start.</summary>
    public string[] KnownIndexes { get; set; } = ["index"];

    /// <summary>Where the index remembers, when it starts; nowhere by default.</summary>
    public string? IndexState { get; set; }

    /// <summary>Where the index keeps what is published, at each start; nowhere by default.</summary>
    public Func<IRecordStore?> RecordsOfIndex { get; set; } = () => null;

    /// <summary>The disk of a content server when it starts, by its id: what runs work that waits for it.</summary>
    public Func<string, Func<Action, Task>> DiskOf { get; set; } = _ => Task.Run;

    /// <summary>How long the index waits for a server that is away before its copies are made anew.</summary>
    public TimeSpan HealAfter { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many bytes of published files a content server keeps, by its id.</summary>
    public Func<string, long> RoomOf { get; set; } = _ => long.MaxValue;

    /// <summary>The index's own chance, when it starts.</summary>
    public int IndexSeed { get; set; } = 1;

    /// <summary>The index that was started last.</summary>
    public IndexRole? Index { get; private set; }

    /// <summary>Runs a test in a new world; whatever fails says the seed and shows the log.</summary>
    public static async Task RunAsync(int seed, Func<FakeCluster, Task> body)
    {
        await using FakeWorld world = new(seed);
        try
        {
            await body(new FakeCluster(world));
            await world.SettleAsync();
        }
        catch (Exception exception) when (exception is not FakeWorldException)
        {
            throw world.Failure("the test passes", exception.Message, exception);
        }
    }

    /// <summary>Puts a file into a content server's folder.</summary>
    public void Give(string id, string name, byte[] bytes) => World.Folder.Write($"{id}/{name}", bytes);

    /// <summary>Starts the index, or starts it again.</summary>
    public void StartIndex(string host = "index")
    {
        FakeHost machine = Network.Host(host);
        IndexOptions options = new()
        {
            MonitorHost = MonitorDialed, Trust = Trust, Credentials = KeysOf(host), State = IndexState,
            Records = RecordsOfIndex(), Advertise = host, HealAfter = HealAfter,
        };
        Index = new IndexRole(options, machine.Dialer, machine.Time, new Random(IndexSeed), machine.Loggers);
        machine.Attach(Index);
        GatewayOptions gateway = new() { HttpPort = GatewayPort };
        machine.Attach(
            new GatewayRole(gateway, Index.Directory, machine.Dialer, machine.Time, machine.Loggers));
    }

    /// <summary>Starts the monitor, or starts it again, with the indexes that its flags name.</summary>
    public void StartMonitor(params string[] indexHosts)
    {
        FakeHost machine = Network.Host("monitor");
        MonitorOptions options = new()
        {
            Indexes = [.. indexHosts.Select(host => new IndexAddress(host, IndexPort))],
            Trust = Trust,
            Credentials = KeysOf("monitor"),
        };
        machine.Attach(new MonitorRole(options, machine.Dialer, machine.Datagrams, machine.Time, machine.Loggers));
    }

    /// <summary>Starts a content server, or starts it again.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="pulls">What the paths begin with that it pulls from an origin; then it says that it speaks HTTP,
    /// but nobody listens.</param>
    public ContentRole StartContent(string id, params string[] pulls)
    {
        FakeHost machine = Network.Host(HostOf(id));
        ServerId.TryCreate(id, out ServerId serverId);
        Directory.CreateDirectory(World.Folder[id]);
        ContentOptions options = new()
        {
            Id = serverId,
            Files = World.Folder[id],
            Indexes = [.. KnownIndexes.Select(host => new IndexEndPoint(host, IndexPort))],
            MonitorHost = "monitor",
            State = World.Folder[$"state of {id}"],
            InBackground = Task.Run,
            AtDisk = DiskOf(id),
            LeastFreeBytes = 0,
            Trust = Trust,
            TakesOrders = TakesOrders,
            TellsFigures = TellsFigures,
            PublishedBytes = RoomOf(id),
            Credentials = KeysOf(HostOf(id)),
            Pulls = pulls,
            HttpPort = pulls.Length > 0 ? 7003 : null,
        };
        ContentRole role = new(options, machine.Dialer, machine.Datagrams, machine.Time, machine.Loggers)
        {
            Copies = CopiesOf(id),
        };
        machine.Attach(role);
        return role;
    }

    /// <summary>Starts an index, a monitor and content servers, and waits until everyone knows everyone.</summary>
    public async Task StartAsync(params string[] ids)
    {
        World.Phase("everything starts");
        StartIndex();
        StartMonitor("index");
        foreach (string id in ids) StartContent(id);
        await UntilAllAlive(ids);
    }

    /// <summary>Waits until index and monitor both list all of these as alive.</summary>
    public async Task UntilAllAlive(params string[] ids)
    {
        foreach (string id in ids)
        {
            await UntilState("index", id, "alive", TimeSpan.FromSeconds(10));
            await UntilState("monitor", id, "alive", TimeSpan.FromSeconds(10));
        }
    }

    /// <summary>Kills the host of a role.</summary>
    public void Kill(string idOrHost) => Network.Crash(HostOf(idOrHost));

    /// <summary>Waits until the index or the monitor lists a server in a state; null means not at all.</summary>
    public async Task UntilState(string host, string id, string? state, TimeSpan within)
    {
        string? actual = null;
        await World.UntilAsync(async () => (actual = await StateAsync(host, id)) == state,
            $"{host} lists {id} as {state ?? "nothing"}", within, () => $"it lists it as {actual ?? "nothing"}");
    }

    /// <summary>How the index or the monitor lists a server now; null when it does not, or does not answer.</summary>
    public async Task<string?> StateAsync(string host, string id)
    {
        IReadOnlyList<string> rows = await ListAsync(host, "LIST_SERVERS");
        return rows.Select(row => row.Split(' '))
            .FirstOrDefault(words => words is ["SERVER", { } name, ..] && name == id)?[^1];
    }

    /// <summary>The server that the index names for a file now, or null when it names none.</summary>
    public async Task<string?> RouteAsync(string file) =>
        await AskAsync("index", $"GET {file}") is { } answer && answer.StartsWith("SERVER ", StringComparison.Ordinal)
            ? answer.Split(' ')[3] : null;

    /// <summary>Waits until the index names a server for a file.</summary>
    public async Task UntilRoute(string file, string id, TimeSpan within)
    {
        string? actual = null;
        await World.UntilAsync(async () => (actual = await RouteAsync(file)) == id,
            $"the index names {id} for {file}", within, () => $"it names {actual ?? "nobody"}");
    }

    /// <summary>Asks the index or the monitor one question; null when it gives no answer at this moment.</summary>
    public async Task<string?> AskAsync(string host, string line) =>
        await ExchangeAsync(host, line, _ => true) is [{ } answer, ..] ? answer : null;

    /// <summary>Asks for a list; empty when there is none at this moment.</summary>
    public Task<IReadOnlyList<string>> ListAsync(string host, string verb) =>
        ExchangeAsync(host, verb, line => line == "END");

    /// <summary>A client with the defaults of its flags.</summary>
    public CdnClient Client(string host = "client")
    {
        FakeHost machine = Network.Host(host);
        return new CdnClient(new ClientOptions { IndexHost = "index" }, machine.Dialer, machine.Time);
    }

    /// <summary>Downloads a file into the world's folder, letting time pass as needed.</summary>
    public Task<DownloadResult> DownloadAsync(
        string name, string target, Action<DownloadProgress>? progress = null, TimeSpan? within = null) =>
        World.ResultAsync(Download(name, target, progress), $"the download of {name} ends", within);

    /// <summary>Begins a download; time has to be advanced for it.</summary>
    public Task<DownloadResult> Download(string name, string target, Action<DownloadProgress>? progress = null)
    {
        FileName.TryCreate(name, out FileName file);
        return Client().DownloadAsync(file, World.Folder[target], progress is null ? null : new Listener(progress),
            CancellationToken.None);
    }

    private static string HostOf(string idOrHost) => idOrHost.ToLowerInvariant();

    private async Task<IReadOnlyList<string>> ExchangeAsync(string host, string line, Func<string, bool> isLast)
    {
        using CancellationTokenSource stop = new();
        List<string> lines = [];
        Task asking = ExchangeAsync(host, line, isLast, lines, stop.Token);
        await World.SettleAsync();
        await stop.CancelAsync();
        await asking;
        return lines;
    }

    private async Task ExchangeAsync(
        string host, string line, Func<string, bool> isLast, List<string> lines, CancellationToken cancellationToken)
    {
        try
        {
            int port = host == "monitor" ? MonitorPort : IndexPort;
            await using LineConnection connection =
                await Network.Host("client").Dialer.DialAsync(host, port, cancellationToken);
            await connection.SendAsync(Encoding.UTF8.GetBytes(line + "\n"), cancellationToken);
            while (await connection.ReadLineAsync(cancellationToken) is { } answer)
            {
                lines.Add(Encoding.UTF8.GetString(answer.Span));
                if (isLast(lines[^1])) return;
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // No answer at this moment is an answer too.
        }
    }

    // Called in the middle of the download, unlike Progress<T>, which calls some time later.
    private sealed class Listener(Action<DownloadProgress> listener) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => listener(value);
    }
}
