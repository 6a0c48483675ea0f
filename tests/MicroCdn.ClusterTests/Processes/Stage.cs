using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>One test's world of real processes: free ports, a folder, and everything started is ended with it.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private static readonly Lock PortLock = new();
    private static readonly HashSet<int> Taken = [];
    private static int _nextPort = 20_000 + (Environment.ProcessId % 400 * 25);
    private readonly List<RunningProcess> _processes = [];

    // Beside the folder that the processes run in, for a test may serve that one.
    private readonly string _all = Directory.CreateTempSubdirectory("microcdn-test-").FullName;

    public Stage() => Folder = Directory.CreateDirectory(Path.Combine(_all, "work")).FullName;

    public static string MicroCdnProgram => Path.Combine(AppContext.BaseDirectory, "microcdn");

    /// <summary>What every command begins with, such as the entry into a network namespace.</summary>
    public string[] Entry { get; init; } = [];

    public string Folder { get; }

    /// <summary>The user's data folder, as the processes of this stage see it.</summary>
    public string DataFolder => Path.Combine(_all, "data");

    public int IndexPort { get; } = FreePort();

    public int MonitorTcpPort { get; } = FreePort();

    public int MonitorUdpPort { get; } = FreePort();

    public int AdminPort { get; } = FreePort();

    /// <summary>A port that is free for TCP and UDP, below those that the system hands out itself.</summary>
    public static int FreePort() => FreePort(0);

    /// <summary>The first port of the two content servers that <c>up</c> starts: it takes those behind it, and a
    /// hundred further on the same for the other one.</summary>
    public static int ContentPorts() => FreePort(0, 1, 2, 100, 101, 102);

    private static int FreePort(params int[] steps)
    {
        lock (PortLock)
        {
            for (int tries = 0; tries < 2000; tries++)
            {
                int port = _nextPort++;
                if (_nextPort > 31_900) _nextPort = 20_000;
                if (!Array.TrueForAll(steps, step => !Taken.Contains(port + step) && IsFree(port + step))) continue;
                if (steps.Length > 1) Taken.UnionWith(steps.Select(step => port + step));
                return port;
            }
        }
        throw new InvalidOperationException("no free port");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using Socket tcp = new(SocketType.Stream, ProtocolType.Tcp);
            tcp.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
            using Socket udp = new(SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
            return true;
        }
        catch (SocketException)
        {
            // In use.
            return false;
        }
    }

    public string MakeFolder(string name) => Directory.CreateDirectory(Path.Combine(Folder, name)).FullName;

    /// <summary>A folder with files, old enough to be offered at once.</summary>
    public string MakeFiles(string name, params (string Name, byte[] Bytes)[] files)
    {
        string folder = MakeFolder(name);
        foreach ((string file, byte[] bytes) in files) WriteFile(Path.Combine(folder, file), bytes);
        return folder;
    }

    public static void WriteFile(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
    }

    public static byte[] Noise(int length, int seed = 1)
    {
        byte[] noise = new byte[length];
        new Random(seed).NextBytes(noise);
        return noise;
    }

    public RunningProcess Run(string program, params IEnumerable<string> arguments)
    {
        string[] command = [.. Entry, program, .. arguments];
        RunningProcess process = RunningProcess.StartIn(Folder, DataFolder, command[0], command[1..]);
        _processes.Add(process);
        return process;
    }

    public RunningProcess MicroCdn(params IEnumerable<string> arguments) => Run(MicroCdnProgram, arguments);

    public async Task<RunningProcess> IndexAsync(params string[] more)
    {
        RunningProcess index = MicroCdn(
            ["index", "--port", $"{IndexPort}", "--monitor-tcp-port", $"{MonitorTcpPort}",
                .. (string[])(more.Contains("--http-port") ? ["--admin-port", $"{AdminPort}"] : []), .. more]);
        await index.UntilLineAsync("listens on");
        return index;
    }

    public async Task<RunningProcess> MonitorAsync(params string[] more)
    {
        RunningProcess monitor = MicroCdn(["monitor", "--index-port", $"{IndexPort}", "--tcp-port", $"{MonitorTcpPort}",
            "--udp-port", $"{MonitorUdpPort}", .. more]);
        await monitor.UntilLineAsync("listens on");
        return monitor;
    }

    public RunningProcess Content(string id, string folder, int port, params string[] more) => MicroCdn(
        ["content", "--server-id", id, "--tcp-port", $"{port}", "--files", folder,
            .. (string[])(more.Contains("--udp-port") ? [] : ["--udp-port", $"{FreePort()}"]), "--index-port", $"{IndexPort}", "--monitor-udp-port", $"{MonitorUdpPort}",
            "--monitor-tcp-port", $"{MonitorTcpPort}", .. more]);

    public async Task<RunningProcess> RegisteredContentAsync(string id, string folder, int port, params string[] more)
    {
        RunningProcess content = Content(id, folder, port, more);
        await content.UntilLineAsync($"{id} registered");
        return content;
    }

    /// <summary>Waits until the index publishes on a content server.</summary>
    /// <remarks>The server itself says that it is asked for orders only when the first question was answered, which may
    /// take five seconds.</remarks>
    public Task UntilPublishesOnAsync(string id, int? indexPort = null) =>
        UntilAsync($"the index publishes on {id}", TimeSpan.FromSeconds(45), async () =>
        {
            const string Empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
            return (await ConverseAsync(indexPort ?? IndexPort, $"HELLO 2\nPLACE x 0 sha256={Empty} replicas=1\n"))
                .Contains($" {id} 0\n", StringComparison.Ordinal);
        });

    /// <summary>Runs the client; returns its exit code and what it said.</summary>
    public async Task<(int Code, string Output)> GetAsync(params string[] arguments)
    {
        RunningProcess client = MicroCdn(["get", .. arguments, "--index-port", $"{IndexPort}"]);
        int code = await client.UntilEndAsync(TimeSpan.FromSeconds(60));
        return (code, client.Output);
    }

    /// <summary>Sends bytes, says that no more will come, and reads all that is answered.</summary>
    /// <param name="port">One of our roles, which answers what it has and then closes.</param>
    /// <param name="bytes">What is sent.</param>
    /// <param name="limit">How long the answer is waited for; what came until then is returned.</param>
    public static async Task<string> ConverseAsync(int port, byte[] bytes, TimeSpan? limit = null)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        NetworkStream stream = client.GetStream();
        byte[] buffer = new byte[64 * 1024];
        StringBuilder answer = new();
        using CancellationTokenSource late = new(limit ?? TimeSpan.FromSeconds(15));
        try
        {
            await stream.WriteAsync(bytes, late.Token);
            client.Client.Shutdown(SocketShutdown.Send);
            while (await stream.ReadAsync(buffer, late.Token) is > 0 and var read)
            {
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException)
        {
            // Late, or reset: what was said is what counts.
        }
        return answer.ToString();
    }

    public static Task<string> ConverseAsync(int port, string text) => ConverseAsync(port, Encoding.UTF8.GetBytes(text));

    /// <summary>Asks again and again until the answer holds, at most so long.</summary>
    public static async Task UntilAsync(string what, TimeSpan limit, Func<Task<bool>> holds)
    {
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(began) > limit) Assert.Fail($"not within {limit}: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    /// <summary>Lets real time pass where the passing itself is what is tested; never to wait for something to happen.</summary>
    public static Task PassAsync(TimeSpan time, string why)
    {
        Assert.NotEmpty(why);
        return Task.Delay(time, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RunningProcess process in _processes) await process.DisposeAsync();
        Directory.Delete(_all, recursive: true);
    }
}
