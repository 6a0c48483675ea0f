namespace MicroCdn.Bench;

/// <summary>Counts the heartbeats one core of the monitor takes in when they come faster than it can.</summary>
internal static class Heartbeats
{
    private const int Servers = 100;

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        int datagrams = Machine.FreePort(), lines = Machine.FreePort();
        ServerProcess monitor = workspace.StartRole($"{Machine.ServerCore}", "monitor", state: null,
            ["--udp-port", $"{datagrams}", "--tcp-port", $"{lines}", "--index-port", $"{Machine.FreePort()}"]);
        monitor.WaitFor("microcdn monitor", () => Conversation.Answers(lines, "PING", "PONG"));
        using HeartbeatSender sender = new(datagrams, Servers);
        Machine.Say("warming up");
        sender.Run(settings.WarmUp);

        List<Round> rounds = [];
        for (int round = 0; round < settings.Rounds; round++)
        {
            rounds.Add(Measure(monitor, sender, datagrams, settings.Round));
            Machine.Say($"{rounds[^1].Sent:N0} sent, {rounds[^1].Taken:N0} taken in");
        }
        Verify(lines);

        Table table = new($"Heartbeats: {Servers} servers, as fast as one core sends them",
            "sent/s", "lost", "taken in/s of the clock", "taken in/s of the monitor's core", "core busy");
        table.Add(
            Show(round => round.Sent / round.Seconds, "N0"),
            Show(round => 1 - (double)round.Taken / round.Sent, "P1"),
            Show(round => round.Taken / round.Seconds, "N0"),
            Show(round => round.Taken / round.Usage.Server.TotalSeconds, "N0"),
            Show(round => round.Usage.ServerBusy, "P0"));
        double counted = (double)rounds.Sum(round => round.TakenByMachine) / rounds.Sum(round => round.Taken);
        table.Print(
            "Medians of the rounds (least-most). Taken in is what was sent, less what was dropped at the socket;",
            $"the machine's own count of datagrams received is {counted:P1} of that.",
            Usage.Quiet(rounds.Select(round => round.Usage)));

        string Show(Func<Round, double> figure, string format) => Spread.Of(rounds.Select(figure)).Show(format);
    }

    private static Round Measure(ServerProcess monitor, HeartbeatSender sender, int port, TimeSpan time)
    {
        WaitUntilTaken(port);
        Datagrams before = Datagrams.On(port);
        if (before.Sockets == 0) throw new BenchException($"The monitor has no UDP socket on port {port}.");
        Meter meter = new(monitor);
        (long sent, _) = sender.Run(time);
        WaitUntilTaken(port);
        Usage usage = meter.Stop();
        Datagrams after = Datagrams.On(port);
        long taken = sent - (after.Dropped - before.Dropped);
        return new Round(sent, taken, after.TakenByMachine - before.TakenByMachine, usage);
    }

    /// <summary>Lets the monitor read what waits in its socket, for at most 2 s.</summary>
    private static void WaitUntilTaken(int port)
    {
        for (int times = 0; times < 2000 && Datagrams.On(port).WaitingBytes > 0; times++)
            Machine.Wait(TimeSpan.FromMilliseconds(1));
    }

    private static void Verify(int port)
    {
        using Conversation conversation = new(port);
        int known = conversation.CountLines("LIST_SERVERS");
        if (known != Servers) throw new BenchException($"The monitor knows {known} servers instead of {Servers}.");
    }

    private readonly record struct Round(long Sent, long Taken, long TakenByMachine, Usage Usage)
    {
        public double Seconds => Usage.Time.TotalSeconds;
    }
}
