using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>Ctrl-C at each verb while whoever it asked says nothing: how long until its process is gone.</summary>
internal static class Interrupts
{
    public const string Help = "Ctrl-C at each verb while nobody answers it: until its process is gone";

    private const int Interrupt = 2, Interrupted = 130;
    private const double BarMilliseconds = 200;

    // 'P' is the port of one who accepts, reads, and never answers; 'D' of a server that sends a byte now and then.
    private static readonly string[] Verbs =
    [
        "get a --index-port P", "get a --gateway http://127.0.0.1:P", "get a --direct-host 127.0.0.1 --direct-port D",
        "put file a --index-port P", "put folder x --index-port P", "sync folder x --index-port P",
        "ls --index-port P", "stat a --index-port P", "rm a --index-port P", "mv a b --index-port P",
        "servers --index-port P --monitor-tcp-port P", "status --index-port P",
        "releases --index-port P", "activate r --index-port P", "rollback --index-port P", "unstage r --index-port P",
        "policy list --index-port P", "policy set / --index-port P", "policy rm x --index-port P",
        "server retire CS1 --index-port P", "server resume CS1 --index-port P",
        "drain CS1 --monitor-tcp-port P", "resume CS1 --monitor-tcp-port P",
        "purge /a --index-port P",
        "token add --index-port P", "token list --index-port P", "token rm 0123456789ab --index-port P",
        "explain a --admin http://127.0.0.1:P", "top --admin http://127.0.0.1:P",
        "logs --admin http://127.0.0.1:P", "logs --follow --admin http://127.0.0.1:P",
        "notify test --admin http://127.0.0.1:P", "notify list --admin http://127.0.0.1:P",
        "doctor --index-port P --monitor-tcp-port P --admin http://127.0.0.1:P",
    ];

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        string file = Path.Combine(workspace.MakeFolder("folder"), "file");
        File.WriteAllText(file, "bytes");
        File.Copy(file, Path.Combine(workspace.Folder, "file"));
        Table table = new("From Ctrl-C until the process is gone, in milliseconds", "verb",
            "asked just now, p50", "worst", "waiting for a second, p50", "worst");
        List<double> all = [];
        foreach (string verb in Verbs)
        {
            Machine.Say(verb);
            double[] early = Measure(workspace, settings, verb, TimeSpan.Zero);
            double[] late = Measure(workspace, settings, verb, settings.Patience(1));
            all.AddRange([.. early, .. late]);
            table.Add(verb.Split(" --index-port")[0].Split(" --admin")[0].Split(" --monitor-tcp-port")[0],
                Show(Half(early)), Show(early[^1]), Show(Half(late)), Show(late[^1]));
        }
        double[] sorted = [.. all.Order()];
        table.Print(string.Create(CultureInfo.InvariantCulture,
            $"{sorted.Length} in all: p50 {Half(sorted):N0} ms, longest {sorted[^1]:N0} ms; ")
            + $"{sorted.Count(one => one > BarMilliseconds)} above the bar of {BarMilliseconds} ms.");
    }

    private static double[] Measure(Workspace workspace, Settings settings, string verb, TimeSpan wait) =>
        [.. Enumerable.Range(0, settings.Rounds).Select(_ => Once(workspace, settings, verb, wait)).Order()];

    private static double Once(Workspace workspace, Settings settings, string verb, TimeSpan wait)
    {
        using Silence silence = new(drips: verb.EndsWith(" D", StringComparison.Ordinal));
        string[] words = [.. verb.Split(' ').Select(word =>
            word is "P" or "D" ? $"{silence.Port}"
            : word is "file" or "folder" ? Path.Combine(workspace.Folder, word)
            : word.Replace(":P", $":{silence.Port}", StringComparison.Ordinal))];
        ServerProcess process = workspace.Start(Machine.AllCores, [.. settings.Program, .. words]);
        process.WaitFor(verb, () => silence.WasAsked, TimeSpan.FromMilliseconds(1));
        Machine.Wait(wait);
        long began = Stopwatch.GetTimestamp();
        int code = process.End(Interrupt, TimeSpan.FromSeconds(30));
        double took = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        workspace.Stop(process);
        return code == Interrupted ? took : throw new BenchException($"'{verb}' ended with {code}, not {Interrupted}.");
    }

    private static double Half(double[] sorted) => sorted[(sorted.Length - 1) / 2];

    private static string Show(double figure) => figure.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A peer that takes what it is asked and never answers; or a server that sends a byte now and
    /// then.</summary>
    private sealed class Silence : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly List<TcpClient> _asking = [];
        private readonly CancellationTokenSource _over = new();
        private readonly Task _work;
        private volatile bool _wasAsked;

        public Silence(bool drips)
        {
            _listener.Start();
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            _work = AcceptAsync(drips);
        }

        public int Port { get; }

        public bool WasAsked => _wasAsked;

        public void Dispose()
        {
            _over.Cancel();
            _listener.Stop();
            _work.Wait();
            foreach (TcpClient client in _asking) client.Dispose();
            _over.Dispose();
        }

        private async Task AcceptAsync(bool drips)
        {
            try
            {
                while (true)
                {
                    TcpClient client = await _listener.AcceptTcpClientAsync(_over.Token);
                    _asking.Add(client);
                    _ = HearAsync(client.GetStream(), drips);
                }
            }
            catch (OperationCanceledException)
            {
                // Measured.
            }
        }

        private async Task HearAsync(NetworkStream stream, bool drips)
        {
            try
            {
                if (await stream.ReadAsync(new byte[1024], _over.Token) == 0) return;
                if (drips) await stream.WriteAsync(Encoding.ASCII.GetBytes("OK 1073741824\n"), _over.Token);
                _wasAsked = true;
                while (drips)
                {
                    await stream.WriteAsync(new byte[1], _over.Token);
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, _over.Token);
                }
            }
            catch (Exception failure) when (failure is IOException or OperationCanceledException
                or ObjectDisposedException)
            {
                // Whoever asked is gone.
            }
        }
    }
}
