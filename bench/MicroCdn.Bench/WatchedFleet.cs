namespace MicroCdn.Bench;

/// <summary>A monitor, an index and three content servers over one folder; whoever falls is replaced by a server of
/// another name.</summary>
/// <remarks>A new name, since one that died again and again is trusted more slowly, and a new port, since the fallen one
/// would seem to answer again. All may use every core, as they would where nobody measures.</remarks>
internal sealed class WatchedFleet
{
    private const int Size = 3, Killed = 9, Stopped = 19;

    private readonly Workspace _workspace;
    private readonly string _files;
    private readonly int _monitorTcp = Machine.FreePort(), _monitorUdp = Machine.FreePort();
    private readonly Queue<(string Id, ServerProcess Process)> _members = new();
    private int _started;

    public WatchedFleet(Workspace workspace, string files)
    {
        (_workspace, _files) = (workspace, files);
        IndexPort = Machine.FreePort();
        ServerProcess monitor = workspace.StartRole(Machine.AllCores, "monitor", null,
            ["--tcp-port", $"{_monitorTcp}", "--udp-port", $"{_monitorUdp}", "--index-port", $"{IndexPort}"]);
        monitor.WaitFor("microcdn monitor", () => Conversation.Answers(_monitorTcp, "HELLO", "WELCOME"));
        ServerProcess index = workspace.StartRole(Machine.AllCores, "index", null,
            ["--port", $"{IndexPort}", "--monitor-tcp-port", $"{_monitorTcp}"]);
        index.WaitFor("microcdn index", () => Conversation.Answers(IndexPort, "HELLO", "WELCOME"));
        while (_members.Count < Size) Start();
    }

    /// <summary>The index's line port.</summary>
    public int IndexPort { get; }

    /// <summary>Those that run, the one that runs for longest first: it is the next to fall.</summary>
    public string[] Names => [.. _members.Select(member => member.Id)];

    /// <summary>Ends the next one as a crash would.</summary>
    public void Kill() => Signal(Killed);

    /// <summary>Stops the next one as a hang would: its process and its connections stay.</summary>
    public void Freeze() => Signal(Stopped);

    /// <summary>Removes what is left of the fallen one, and starts another.</summary>
    public void Replace()
    {
        ServerProcess fallen = _members.Dequeue().Process;
        // A stopped process hears nothing softer.
        _ = Libc.Kill(fallen.Number, Killed);
        _workspace.Stop(fallen);
        Start();
    }

    /// <summary>Waits until the newest server is over its start.</summary>
    public void WaitUntilQuiet() => _members.Last().Process.WaitUntilQuiet(TimeSpan.FromSeconds(5));

    private void Signal(int number) => Libc.Check(Libc.Kill(_members.Peek().Process.Number, number), "kill");

    private void Start()
    {
        string id = $"CS{++_started}";
        _members.Enqueue((id, _workspace.StartRole(Machine.AllCores, "content", null,
            ["--server-id", id, "--tcp-port", $"{Machine.FreePort()}", "--udp-port", $"{Machine.FreePort()}",
                "--files", _files, "--index-port", $"{IndexPort}",
                "--monitor-udp-port", $"{_monitorUdp}", "--monitor-tcp-port", $"{_monitorTcp}"])));
    }
}
