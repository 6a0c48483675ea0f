using System.Globalization;

namespace MicroCdn.Bench;

/// <summary>Debian's Redis for several indexes, on every core: one alone, or three that three Sentinels
/// watch.</summary>
internal sealed class RedisNodes
{
    /// <summary>How long a Redis is silent before a Sentinel takes it for dead.</summary>
    public const int DownAfterMilliseconds = 2000;

    private const int Killed = 9, Continued = 18, Stopped = 19, Several = 3;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    private readonly Workspace _workspace;
    private readonly string _client = Machine.Program("redis-cli", "redis-tools");
    private readonly int[] _ports, _sentinels = [];
    private readonly string[] _settings;
    private readonly ServerProcess[] _processes;

    private RedisNodes(Workspace workspace, int count)
    {
        _workspace = workspace;
        _ports = [.. Enumerable.Range(0, count).Select(_ => Machine.FreePort())];
        _settings = [.. _ports.Select(Write)];
        _processes = [.. _settings.Select(Start)];
        foreach (int port in _ports)
        {
            _processes[0].WaitFor("redis-server", () => Ask(port, "ping") == "PONG");
        }
        Url = $"redis://127.0.0.1:{_ports[0]}";
        if (count == 1) return;
        _sentinels = [.. Enumerable.Range(0, Several).Select(_ => Machine.FreePort())];
        string program = Machine.Program("redis-sentinel", "redis-sentinel");
        foreach (int port in _sentinels) workspace.Start(Machine.AllCores, program, WriteSentinel(port));
        Url = $"redis://{string.Join(',', _sentinels.Select(port => $"127.0.0.1:{port}"))}?sentinel=main";
        _processes[0].WaitFor("three Redis and three Sentinels", AreWhole);
    }

    /// <summary>Where an index finds its store.</summary>
    public string Url { get; }

    /// <summary>The Redis that the Sentinels call master; the only one where there is none.</summary>
    public int Master => _sentinels.Length == 0 ? 0
        : Array.IndexOf(_ports, MasterPort(_sentinels[0])) is >= 0 and int at ? at
            : throw new BenchException("A Sentinel knows no master.");

    /// <summary>One Redis, which syncs each change.</summary>
    public static RedisNodes Alone(Workspace workspace) => new(workspace, 1);

    /// <summary>Three of them, the first one the master, and three Sentinels.</summary>
    public static RedisNodes WithSentinels(Workspace workspace) => new(workspace, Several);

    /// <summary>True when one is the master, both others have its changes, and every Sentinel knows.</summary>
    public bool AreWhole()
    {
        int master = MasterPort(_sentinels[0]);
        if (!_sentinels.All(port => MasterPort(port) == master && Knows(port))) return false;
        string[] facts = Ask(master, "info", "replication").Split('\n');
        return facts.Any(line => line.StartsWith("role:master", StringComparison.Ordinal))
            && facts.Count(line => line.Contains("state=online", StringComparison.Ordinal)) == Several - 1;
    }

    /// <summary>Ends one as a crash would.</summary>
    public void Kill(int node)
    {
        Signal(node, Killed);
        _workspace.Stop(_processes[node]);
    }

    /// <summary>Starts one again that was killed, with what it has on disk.</summary>
    public void Restart(int node) => _processes[node] = Start(_settings[node]);

    /// <summary>Stops one as a hang would: its process and its connections stay.</summary>
    public void Freeze(int node) => Signal(node, Stopped);

    /// <summary>Lets one go on that hung.</summary>
    public void Thaw(int node) => Signal(node, Continued);

    private void Signal(int node, int number) => Libc.Check(Libc.Kill(_processes[node].Number, number), "kill");

    private ServerProcess Start(string settings) =>
        _workspace.Start(Machine.AllCores, Machine.Program("redis-server", "redis-server"), settings);

    // In a file, since Sentinel has a Redis write there whom it follows.
    private string Write(int port)
    {
        string folder = _workspace.MakeFolder($"redis-{port}"), file = Path.Combine(folder, "settings");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            port {port}
            bind 127.0.0.1
            dir {folder}
            save ""
            appendonly yes
            appendfsync always
            repl-diskless-sync-delay 0
            {(port == _ports[0] ? "" : $"replicaof 127.0.0.1 {_ports[0]}")}

            """));
        return file;
    }

    private string WriteSentinel(int port)
    {
        string folder = _workspace.MakeFolder($"sentinel-{port}"), file = Path.Combine(folder, "settings");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            port {port}
            bind 127.0.0.1
            dir {folder}
            sentinel monitor main 127.0.0.1 {_ports[0]} 2
            sentinel down-after-milliseconds main {DownAfterMilliseconds}
            sentinel failover-timeout main 10000

            """));
        return file;
    }

    private int MasterPort(int sentinel) => int.TryParse(
        Ask(sentinel, "sentinel", "get-master-addr-by-name", "main").Split('\n')[^1], NumberStyles.None,
        CultureInfo.InvariantCulture, out int port) ? port : 0;

    private bool Knows(int sentinel)
    {
        string[] facts = Ask(sentinel, "sentinel", "masters").Split('\n');
        return After("flags") == "master" && After("num-slaves") == $"{Several - 1}"
            && After("num-other-sentinels") == $"{Several - 1}";

        string? After(string name) => facts.SkipWhile(fact => fact != name).ElementAtOrDefault(1);
    }

    // Nothing when it does not answer.
    private string Ask(int port, params string[] words)
    {
        try
        {
            return Tool.Run(_client, AnswerTime, ["-p", $"{port}", .. words]).Trim().Replace("\r", "");
        }
        catch (BenchException)
        {
            return "";
        }
    }
}
