using System.Diagnostics;
using MicroCdn.Protocol;

namespace MicroCdn.Bench;

/// <summary>Sends forged and replayed control messages to a cluster with a key: what they change, what they cost, and
/// how long honest requests take meanwhile.</summary>
internal static class Forgery
{
    private const int PerSecond = 10_000;
    private const string File = "hello.txt";
    private static readonly TimeSpan HonestPause = TimeSpan.FromMilliseconds(5);

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        string key = Path.Combine(workspace.Folder, "cluster.key");
        ServerProcess maker = workspace.Start($"{Machine.LoadCore}", [.. settings.Program, "key", "new", "--out", key]);
        for (int tries = 0; tries < 600 && !System.IO.File.Exists(key); tries++)
        {
            Machine.Wait(TimeSpan.FromMilliseconds(20));
        }
        workspace.Stop(maker);
        int index = Machine.FreePort(), monitor = Machine.FreePort(), beats = Machine.FreePort();
        int content = Machine.FreePort();
        ServerProcess server = workspace.StartRole($"{Machine.ServerCore}", "up", state: null,
            ["--index-port", $"{index}", "--monitor-tcp-port", $"{monitor}", "--monitor-udp-port", $"{beats}",
                "--content-port", $"{content}", "--gateway-port", $"{Machine.FreePort()}", "--key-file", key]);
        server.WaitFor("microcdn up", () => Conversation.Answers(index, $"GET {File}", "SERVER ")
            && States(monitor).Count(state => state.EndsWith(" alive", StringComparison.Ordinal)) == 2);

        KeyId id = Keyring.Read(System.IO.File.ReadAllBytes(key), out _)!.First.Id;
        using Forger forger = new(index, monitor, beats, id);
        Machine.Say("warming up");
        forger.Run(PerSecond, settings.WarmUp, () => Honest(index, content, settings.WarmUp));
        string[] before = States(index);

        Table table = new($"{PerSecond:N0} forged control messages a second at a cluster with a key",
            "", "forged/s", "honest p50, ms", "p99, ms", "longest, ms", "core busy");
        List<double> quiet = [], attacked = [];
        table.Add(Measure(server, "quiet", null, settings, quiet, index, content));
        table.Add(Measure(server, "attacked", forger, settings, attacked, index, content));
        string[] after = States(index);
        if (!before.SequenceEqual(after)
            || States(monitor).Any(state => !state.EndsWith(" alive", StringComparison.Ordinal)))
        {
            throw new BenchException(
                $"It had an effect: {string.Join("; ", before)} became {string.Join("; ", after)}");
        }
        table.Print(
            "Index, monitor and two content servers are one process on one core; busy is its share of that core.",
            "Of ten messages four are lines to index and monitor (SERVER_DOWN, REGISTER, TETHER, DRAIN), four are",
            "datagrams (heartbeats with a wrong mac, and of version 1), and two a new connection with HELLO 2 and an",
            "AUTH with a wrong mac.",
            $"After {forger.Sent:N0} of them the lists of index and monitor are as before.");
    }

    private static string[] Measure(ServerProcess server, string name, Forger? forger, Settings settings,
        List<double> times, int index, int content)
    {
        TimeSpan time = settings.Round * settings.Rounds;
        Machine.Say(name);
        long before = forger?.Sent ?? 0;
        Meter meter = new(server);
        if (forger is null) times.AddRange(Honest(index, content, time));
        else forger.Run(PerSecond, time, () => times.AddRange(Honest(index, content, time)));
        Usage usage = meter.Stop();
        double[] sorted = [.. times.Order()];
        double sent = ((forger?.Sent ?? 0) - before) / usage.Time.TotalSeconds;
        return [name, $"{sent:N0}", $"{sorted[sorted.Length / 2]:N2}", $"{sorted[sorted.Length * 99 / 100]:N2}",
            $"{sorted[^1]:N2}", $"{usage.ServerBusy:P0}"];
    }

    // Milliseconds of a lookup and a small download, each on a connection of its own, again and again.
    private static List<double> Honest(int index, int content, TimeSpan time)
    {
        List<double> times = [];
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < time)
        {
            long began = Stopwatch.GetTimestamp();
            using (Conversation lookup = new(index))
            {
                if (!lookup.Ask($"GET {File}").StartsWith("SERVER ", StringComparison.Ordinal))
                {
                    throw new BenchException("An honest lookup was refused.");
                }
            }
            using (Conversation download = new(content)) download.Ask($"GET {File}");
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            Machine.Wait(HonestPause);
        }
        return times;
    }

    private static string[] States(int port)
    {
        using Conversation conversation = new(port);
        List<string> rows = [];
        for (string row = conversation.Ask("LIST_SERVERS"); row != "END"; row = conversation.ReadLine())
        {
            // Without the load, which honest downloads change.
            string[] words = row.Split(' ');
            rows.Add($"{words[1]} {words[2]} {words[3]} {words[^1]}");
        }
        rows.Sort(StringComparer.Ordinal);
        return [.. rows];
    }
}
