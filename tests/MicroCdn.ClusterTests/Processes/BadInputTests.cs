using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Hostile input to a running fleet: an ERROR line or silence, and nothing else.</summary>
public sealed class BadInputTests(BadInputTests.Fleet fleet) : IClassFixture<BadInputTests.Fleet>
{
    public static TheoryData<string> ImpossibleNames =>
    [
        "../../etc/passwd", "/etc/passwd", "%2e%2e/x", "%2e%2e/%2e%2e/etc/passwd", "..", ".", "a/../../b", "a%00b",
        "..\\..\\x", "a.txt/", "a.txt/../a.txt", "./a.txt", "//a.txt", "a.txt%0A", "%", "%zz", new string('n', 4096), " ", "link-out",
        "folder-out/passwd", "device", "pipe", "link-out%00", "hidden/../a.txt",
    ];

    [Theory]
    [MemberData(nameof(ImpossibleNames))]
    public async Task An_impossible_name_is_not_found(string name)
    {
        foreach (int port in new[] { fleet.Stage.IndexPort, fleet.ContentPort })
        {
            Assert.Equal("ERROR FILE_NOT_FOUND\n", await Stage.ConverseAsync(port, $"GET {name}\n"));
        }
    }

    [Fact]
    public async Task A_name_with_a_line_end_is_two_lines()
    {
        string answer = await Stage.ConverseAsync(fleet.ContentPort, "GET a.txt\nb.txt\n");
        Assert.Equal("OK 1\naERROR UNKNOWN_COMMAND\n", answer);
    }

    [Theory]
    [InlineData("index", "REGISTER", "ERROR MALFORMED")]
    [InlineData("index", "REGISTER X", "ERROR MALFORMED")]
    [InlineData("index", "REGISTER X 7001 7002 extra", "ERROR MALFORMED")]
    [InlineData("index", "REGISTER X 0 7002", "ERROR MALFORMED")]
    [InlineData("index", "REGISTER X 65536 7002", "ERROR MALFORMED")]
    [InlineData("index", "REGISTER X -1 7002", "ERROR MALFORMED")]
    [InlineData("index", "DONE_FILES", "ERROR NOT_REGISTERED")]
    [InlineData("index", "ADD_FILE X a.txt 1", "")]
    [InlineData("index", "UPDATE_LOAD CS1 -1", "ERROR MALFORMED")]
    [InlineData("index", "UPDATE_LOAD CS1 99999999999999999999", "ERROR MALFORMED")]
    [InlineData("index", "UPDATE_LOAD nobody 1", "ERROR UNKNOWN_SERVER")]
    [InlineData("index", "SERVER_DOWN CS1", "ERROR MALFORMED")]
    [InlineData("index", "SERVER_DOWN CS1 -5", "ERROR MALFORMED")]
    [InlineData("index", "HELLO 3", "ERROR MALFORMED")]
    [InlineData("index", "get a.txt", "ERROR UNKNOWN_COMMAND")]
    [InlineData("index", "", "ERROR UNKNOWN_COMMAND")]
    [InlineData("index", "GET", "ERROR MALFORMED")]
    [InlineData("monitor", "REGISTER_INDEX localhost", "ERROR MALFORMED")]
    [InlineData("monitor", "REGISTER_INDEX localhost 99999", "ERROR MALFORMED")]
    [InlineData("monitor", "LIST_SERVERS now", "ERROR MALFORMED")]
    [InlineData("monitor", "GET a.txt", "ERROR UNKNOWN_COMMAND")]
    [InlineData("content", "LIST_FILES", "ERROR UNKNOWN_COMMAND")]
    [InlineData("content", "GET", "ERROR MALFORMED")]
    public async Task A_malformed_line_gets_an_error_and_the_connection_goes_on(string role, string line, string error)
    {
        string answer = await Stage.ConverseAsync(fleet.PortOf(role), $"{line}\n{line}\nHELLO\n");
        string once = error.Length == 0 ? "" : error + "\n";
        Assert.Equal($"{once}{once}WELCOME MICRO-CDN\n", answer);
        Assert.Contains("SERVER", await Stage.ConverseAsync(fleet.Stage.IndexPort, "GET a.txt\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("index")]
    [InlineData("monitor")]
    [InlineData("content")]
    public async Task A_line_without_end_is_refused_and_holds_no_memory(string role)
    {
        RunningProcess process = fleet.ProcessOf(role);
        await Stage.ConverseAsync(fleet.PortOf(role), "HELLO\n");
        long before = process.ResidentKiB;
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, fleet.PortOf(role));
        byte[] block = new byte[1 << 20];
        Array.Fill(block, (byte)'x');
        long sent = 0;
        long peak = 0;
        try
        {
            for (; sent < 1L << 30; sent += block.Length)
            {
                await client.GetStream().WriteAsync(block);
                peak = Math.Max(peak, process.ResidentKiB);
            }
        }
        catch (IOException)
        {
            // Closed on us, as it should be.
        }
        Assert.True(sent < 16 << 20, $"{sent} bytes of one line were taken");
        Assert.True(peak - before < 5 * 1024, $"{peak - before} KiB held");
        byte[] answer = new byte[100];
        int read = await client.Client.ReceiveAsync(answer);
        Assert.Equal("ERROR LINE_TOO_LONG\n", Encoding.UTF8.GetString(answer, 0, read));
    }

    [Theory]
    [InlineData("GET a\u0001b\n")]
    [InlineData("GET a\tb\n")]
    [InlineData("GET a\u007Fb\n")]
    [InlineData("GET a\0b\n")]
    public async Task A_control_character_ends_the_connection(string line)
    {
        Assert.Equal("ERROR BAD_LINE\n", await Stage.ConverseAsync(fleet.ContentPort, line + "HELLO\n"));
    }

    [Fact]
    public async Task Invalid_utf8_ends_the_connection()
    {
        Assert.Equal("ERROR BAD_LINE\n", await Stage.ConverseAsync(fleet.ContentPort, [.. "GET "u8, 0xC3, 0x28, (byte)'\n']));
    }

    [Fact]
    public async Task Random_bytes_on_every_port_leave_everyone_working()
    {
        Random chance = new(7);
        using UdpClient udp = new();
        for (int round = 0; round < 100; round++)
        {
            byte[] noise = new byte[chance.Next(1, 5000)];
            chance.NextBytes(noise);
            foreach (string role in new[] { "index", "monitor", "content" })
            {
                await Stage.ConverseAsync(fleet.PortOf(role), noise, TimeSpan.FromMilliseconds(1));
            }
            await udp.SendAsync(noise, new IPEndPoint(IPAddress.Loopback, fleet.Stage.MonitorUdpPort));
        }
        foreach (string datagram in new[]
            { "HEARTBEAT a b c d e", "HEARTBEAT", "", "HEARTBEAT X 1.2.3.4 70000 1 1", "HEARTBEAT X h 1 -1 1", "HEARTBEAT X h 1 1 1 1" })
        {
            await udp.SendAsync(Encoding.UTF8.GetBytes(datagram), new IPEndPoint(IPAddress.Loopback, fleet.Stage.MonitorUdpPort));
        }
        await udp.SendAsync(new byte[65_507], new IPEndPoint(IPAddress.Loopback, fleet.Stage.MonitorUdpPort));
        byte[] padded = Encoding.UTF8.GetBytes("HEARTBEAT X h 1 1 1" + new string(' ', 1024));
        await udp.SendAsync(padded, new IPEndPoint(IPAddress.Loopback, fleet.Stage.MonitorUdpPort));

        string servers = await Stage.ConverseAsync(fleet.Stage.MonitorTcpPort, "LIST_SERVERS\n");
        Assert.Matches("^SERVER CS1 [^\n]* alive\nEND\n$", servers);
        await fleet.AssertWorksAsync();
    }

    [Fact]
    public async Task Nobody_can_add_a_file_for_another_server_or_before_registering()
    {
        string answer = await Stage.ConverseAsync(fleet.Stage.IndexPort,
            "ADD_FILE CS1 early.txt 5\nREGISTER FAKE 1 2\nADD_FILE CS1 foreign.txt 5\nADD_FILE FAKE ../../x 5\n"
            + "ADD_FILE FAKE a.txt -5\nADD_FILE FAKE a.txt 99999999999999999999\nADD_FILE FAKE /abs 1\nDONE_FILES\n"
            + "GET early.txt\nGET foreign.txt\nGET ../../x\nLIST_FILES\n");
        Assert.Equal("OK REGISTERED\nOK FILES_ADDED\nERROR FILE_NOT_FOUND\nERROR FILE_NOT_FOUND\nERROR FILE_NOT_FOUND\n"
            + "FILE a.txt 1\nFILE big.bin 5000000\nEND\n", answer);
    }

    [Fact]
    public async Task A_client_that_says_nothing_or_dribbles_is_closed_after_ten_seconds()
    {
        Task<(double Seconds, string Said)> silent = TimeToCloseAsync(fleet.Stage.IndexPort, dribble: false);
        Task<(double Seconds, string Said)> dribbling = TimeToCloseAsync(fleet.ContentPort, dribble: true);
        foreach ((double seconds, string said) in await Task.WhenAll(silent, dribbling))
        {
            Assert.InRange(seconds, 9, 13);
            Assert.Equal("ERROR TIMEOUT\n", said);
        }
    }

    [Fact]
    public async Task A_client_that_never_reads_costs_others_nothing()
    {
        List<TcpClient> clients = [];
        try
        {
            for (int n = 0; n < 200; n++)
            {
                TcpClient client = new() { ReceiveBufferSize = 4096 };
                clients.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, fleet.ContentPort);
                await client.GetStream().WriteAsync("GET big.bin\nGET big.bin\nGET a.txt\n"u8.ToArray());
            }
            await fleet.AssertWorksAsync();
        }
        finally
        {
            foreach (TcpClient client in clients) client.Dispose();
        }
    }

    private static async Task<(double Seconds, string Said)> TimeToCloseAsync(int port, bool dribble)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        byte[] buffer = new byte[100];
        Task<int> closed = client.GetStream().ReadAsync(buffer).AsTask();
        while (dribble && !closed.IsCompleted)
        {
            try
            {
                await client.GetStream().WriteAsync("x"u8.ToArray());
            }
            catch (IOException)
            {
                break;
            }
            await Task.WhenAny(closed, Stage.PassAsync(TimeSpan.FromSeconds(1), "one byte a second is the attack"));
        }
        int read = await closed;
        return (System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds, Encoding.UTF8.GetString(buffer, 0, read));
    }

    /// <summary>A running index, monitor and content server that all cases attack in turn.</summary>
    public sealed class Fleet : IAsyncLifetime
    {
        private RunningProcess? _index;
        private RunningProcess? _monitor;
        private RunningProcess? _content;

        internal Stage Stage { get; } = new();

        public int ContentPort { get; } = Processes.Stage.FreePort();

        public async ValueTask InitializeAsync()
        {
            string folder = Stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()), ("big.bin", Processes.Stage.Noise(5_000_000)));
            File.CreateSymbolicLink(Path.Combine(folder, "link-out"), "/etc/passwd");
            File.CreateSymbolicLink(Path.Combine(folder, "folder-out"), "/etc");
            File.CreateSymbolicLink(Path.Combine(folder, "device"), "/dev/zero");
            await using RunningProcess pipe = RunningProcess.Start("mkfifo", Path.Combine(folder, "pipe"));
            Assert.Equal(0, await pipe.UntilEndAsync());
            _monitor = await Stage.MonitorAsync();
            _index = await Stage.IndexAsync();
            _content = await Stage.RegisteredContentAsync("CS1", folder, ContentPort);
            await _monitor.UntilLineAsync("CS1 is alive");
        }

        public async Task AssertWorksAsync()
        {
            (int code, string output) = await Stage.GetAsync("a.txt", "big.bin", "--out", "works/");
            Assert.True(code == 0, output);
            Assert.False(_index!.HasExited || _monitor!.HasExited || _content!.HasExited);
        }

        public ValueTask DisposeAsync() => Stage.DisposeAsync();

        internal int PortOf(string role) => role switch
        {
            "index" => Stage.IndexPort,
            "monitor" => Stage.MonitorTcpPort,
            _ => ContentPort,
        };

        internal RunningProcess ProcessOf(string role) => role switch
        {
            "index" => _index!,
            "monitor" => _monitor!,
            _ => _content!,
        };
    }
}
