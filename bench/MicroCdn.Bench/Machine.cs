using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>What the benchmarks need of the machine: two cores, some programs, free ports, a description.</summary>
internal static class Machine
{
    /// <summary>The core of the measured server.</summary>
    public const int ServerCore = 0;

    /// <summary>The core of this program, which makes the load.</summary>
    public const int LoadCore = 1;

    private const int FirstPort = 20_000, LastPort = 30_000;    // below the ports Linux hands out by itself

    private static int _nextPort = FirstPort + Environment.ProcessId % 1000 * 8;

    /// <summary>The top folder of the project, above this program.</summary>
    public static string Top { get; } = FindTop();

    /// <summary>Every core this program was given, as taskset names them.</summary>
    public static string AllCores { get; private set; } = "";

    /// <summary>Moves every thread of this program, and all later ones, to the load core.</summary>
    public static void PinLoad()
    {
        if (Environment.ProcessorCount < 2)
            throw new BenchException("The benchmarks need two cores: one for the server and one for the load.");
        AllCores = File.ReadLines("/proc/self/status")
            .First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();
        foreach (string thread in Directory.GetDirectories("/proc/self/task"))
        {
            Libc.Pin(int.Parse(Path.GetFileName(thread), null), LoadCore);
        }
    }

    /// <summary>The full path of a program, or a clear refusal.</summary>
    public static string Program(string name, string package) =>
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists)
        ?? throw new BenchException($"The program {name} is missing: install the package {package}.");

    /// <summary>A port that nobody uses now, neither over TCP nor over UDP.</summary>
    public static int FreePort()
    {
        for (int tries = 0; tries < LastPort - FirstPort; tries++)
        {
            int port = _nextPort++;
            if (_nextPort >= LastPort) _nextPort = FirstPort;
            if (IsFree(port)) return port;
        }
        throw new BenchException($"No port between {FirstPort} and {LastPort} is free.");
    }

    /// <summary>Lets time pass.</summary>
    public static void Wait(TimeSpan time) => Task.Delay(time, TimeProvider.System).GetAwaiter().GetResult();

    /// <summary>Says on the terminal what is being done; results go to the standard output instead.</summary>
    public static void Say(string what) => Console.Error.WriteLine($"  {what}");

    /// <summary>The processor, the kernel, the runtime and how busy the machine was.</summary>
    public static string Describe()
    {
        string? processor = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{processor ?? "Unknown processor"}, {Environment.ProcessorCount} cores, "
            + $"Linux {Environment.OSVersion.Version} with TCP {CongestionControl()}, "
            + $"{RuntimeInformation.FrameworkDescription}, load average {load} before the start.";
    }

    /// <summary>What paces a server's sending here: a route may choose another way than the system's default.</summary>
    private static string CongestionControl()
    {
        const int tcpLevel = 6, congestion = 13;
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        byte[] name = new byte[16];
        int length = server.GetRawSocketOption(tcpLevel, congestion, name);
        return Encoding.ASCII.GetString(name, 0, length).TrimEnd('\0');
    }

    private static bool IsFree(int port)
    {
        try
        {
            using Socket lines = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            using Socket datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            lines.Bind(new IPEndPoint(IPAddress.Any, port));
            datagrams.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string FindTop()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MicroCdn.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new BenchException("The benchmarks run inside a checkout of MicroCDN.");
    }
}
