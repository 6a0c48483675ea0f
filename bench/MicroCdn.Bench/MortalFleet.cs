namespace MicroCdn.Bench;

/// <summary>An index and content servers over one folder, of which any may be killed and comes back.</summary>
internal sealed class MortalFleet
{
    private readonly Workspace _workspace;
    private readonly string _files;
    private readonly Member[] _members;
    private readonly int _monitorTcp = Machine.FreePort(), _monitorUdp = Machine.FreePort();

    public MortalFleet(Workspace workspace, string files, int servers)
    {
        (_workspace, _files) = (workspace, files);
        IndexPort = Machine.FreePort();
        ServerProcess index = workspace.StartRole($"{Machine.ServerCore}", "index", null,
            ["--port", $"{IndexPort}", "--monitor-tcp-port", $"{_monitorTcp}"]);
        index.WaitFor("microcdn index", () => Conversation.Answers(IndexPort, "HELLO", "WELCOME"));
        _members = [.. Enumerable.Range(1, servers).Select(number => new Member(
            $"CS{number}", Machine.FreePort(), Machine.FreePort(), workspace.MakeFolder($"state of CS{number}")))];
        foreach (Member member in _members) Start(member);
    }

    /// <summary>The index's line port.</summary>
    public int IndexPort { get; }

    /// <summary>A server's line port.</summary>
    public int PortOf(int server) => _members[server].Port;

    /// <summary>Waits until the index tells the chunk root of a file, and that all servers have it.</summary>
    public void WaitUntilKnown(string file)
    {
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(2))
        {
            using Conversation conversation = new(IndexPort);
            conversation.Ask("HELLO 2");
            string first = conversation.Ask($"LOCATE {file}");
            int servers = 0;
            for (string line = first; line != "END" && !line.StartsWith("ERROR", StringComparison.Ordinal);)
            {
                line = conversation.ReadLine();
                if (line.StartsWith("SERVER ", StringComparison.Ordinal)) servers++;
            }
            if (servers == _members.Length && first.Contains(" chunks=", StringComparison.Ordinal)) return;
            Machine.Wait(TimeSpan.FromSeconds(0.2));
        }
        throw new BenchException($"The index does not tell the chunks of {file}.");
    }

    /// <summary>Kills a server as a crash would, and starts it again at once.</summary>
    public void KillAndRestart(int server)
    {
        const int killed = 9;
        Member member = _members[server % _members.Length];
        _ = Libc.Kill(member.Process!.Number, killed);
        _workspace.Stop(member.Process);
        Start(member);
    }

    private void Start(Member member) => member.Process = _workspace.StartRole(
        $"{Machine.ServerCore}", "content", member.State,
        ["--server-id", member.Id, "--tcp-port", $"{member.Port}", "--udp-port", $"{member.UdpPort}",
            "--files", _files, "--index-port", $"{IndexPort}",
            "--monitor-udp-port", $"{_monitorUdp}", "--monitor-tcp-port", $"{_monitorTcp}"]);

    private sealed class Member(string id, int port, int udpPort, string state)
    {
        public string Id => id;

        public int Port => port;

        public int UdpPort => udpPort;

        public string State => state;

        public ServerProcess? Process { get; set; }
    }
}
