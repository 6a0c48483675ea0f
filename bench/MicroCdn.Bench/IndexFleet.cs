using System.Diagnostics;
using MicroCdn.Client;
using MicroCdn.Network;

namespace MicroCdn.Bench;

/// <summary>Three indexes with gateways that share one store, and two content servers that know all three, as real
/// processes on every core.</summary>
internal sealed class IndexFleet
{
    /// <summary>How many indexes.</summary>
    public const int Indexes = 3;

    private const int Servers = 2, Killed = 9;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Workspace _workspace;
    private readonly string _store;
    private readonly ServerProcess[] _indexes, _servers;
    private readonly string[] _states;
    private readonly int[] _gateways;
    private readonly string[] _named;

    public IndexFleet(Workspace workspace, string store)
    {
        (_workspace, _store) = (workspace, store);
        Ports = [.. Enumerable.Range(0, Indexes).Select(_ => Machine.FreePort())];
        _gateways = [.. Ports.Select(_ => Machine.FreePort())];
        _named = [.. Ports.SelectMany(port => new[] { "--index", $"127.0.0.1:{port}" })];
        _states = [.. Ports.Select(port => workspace.MakeFolder($"index-{port}"))];
        _indexes = [.. Enumerable.Range(0, Indexes).Select(Begin)];
        _servers = [.. Enumerable.Range(1, Servers).Select(Content)];
        long began = Stopwatch.GetTimestamp();
        while (!IsWhole())
        {
            foreach (ServerProcess process in _indexes.Concat(_servers)) process.ThrowIfEnded();
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new BenchException("The indexes do not publish.");
            Machine.Wait(TimeSpan.FromSeconds(0.2));
        }
    }

    /// <summary>The indexes' line ports.</summary>
    public IReadOnlyList<int> Ports { get; }

    /// <summary>The ports of their gateways.</summary>
    public IReadOnlyList<int> Gateways => _gateways;

    /// <summary>The indexes, as a client is told of them.</summary>
    public IndexEndPoint[] EndPoints => [.. Ports.Select(port => new IndexEndPoint("127.0.0.1", port))];

    /// <summary>Processor time of indexes and content servers so far.</summary>
    public (TimeSpan Indexes, TimeSpan Servers) ProcessorTime => (Sum(_indexes), Sum(_servers));

    /// <summary>The index that writes, or -1 while none is known to.</summary>
    public int Writer => Enumerable.Range(0, Indexes).FirstOrDefault(
        index => Conversing(index, talk => talk.Ask("WRITER") == "END"), -1);

    /// <summary>Whoever publishes, on connections of his own, and knows all indexes.</summary>
    public Publisher NewPublisher() => new(new ClientOptions { Indexes = EndPoints }, null,
        new TcpDialer(TimeProvider.System), TimeProvider.System);

    /// <summary>True when each index has all servers, and one writes.</summary>
    public bool IsWhole()
    {
        string digest = new string('0', 63) + "1";
        return Writer is >= 0 and int writer
            && Conversing(writer, talk => !talk.Ask($"PLACE probe 1 sha256={digest} replicas={Servers}")
                .StartsWith("ERROR", StringComparison.Ordinal))
            && Enumerable.Range(0, Indexes).All(index =>
                Conversing(index, talk => talk.CountLines("LIST_SERVERS") == Servers));
    }

    /// <summary>True when an index names both servers for a file.</summary>
    public bool Names(int index, string file) =>
        Conversing(index, talk => Puts.CountServers(talk, file) == Puts.Copies);

    /// <summary>Ends an index as a crash would.</summary>
    public void Kill(int index)
    {
        Libc.Check(Libc.Kill(_indexes[index].Number, Killed), "kill");
        _workspace.Stop(_indexes[index]);
    }

    /// <summary>Starts one again that was killed, with the folder and the ports that it had.</summary>
    public void Restart(int index) => _indexes[index] = Begin(index);

    private static TimeSpan Sum(ServerProcess[] processes) =>
        TimeSpan.FromTicks(processes.Sum(process => process.ProcessorTime.Ticks));

    // False where it is away.
    private bool Conversing(int index, Predicate<Conversation> holds)
    {
        try
        {
            using Conversation talk = Puts.Greet(Ports[index]);
            return holds(talk);
        }
        catch (Exception exception)
            when (exception is BenchException or System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    private ServerProcess Begin(int index) => MicroCdn.Bench.Index.Begin(_workspace, Machine.AllCores, _states[index],
        Ports[index], "--store", _store, "--http-port", $"{_gateways[index]}", "--admin-port", "off");

    private ServerProcess Content(int number) => _workspace.StartRole(Machine.AllCores, "content", null,
        ["--server-id", $"B{number}", "--http-port", $"{Machine.FreePort()}", "--tcp-port", $"{Machine.FreePort()}",
        "--udp-port", $"{Machine.FreePort()}", "--monitor-udp-port", $"{Machine.FreePort()}", "--monitor-tcp-port",
        $"{Machine.FreePort()}", .. _named]);
}
