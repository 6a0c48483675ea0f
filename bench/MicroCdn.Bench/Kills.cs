using System.Diagnostics;
using System.Globalization;
using MicroCdn.Tests.Monitor.Simulation;

namespace MicroCdn.Bench;

/// <summary>How soon an index sends nobody to a server that crashed or hangs, with real processes.</summary>
internal static class Kills
{
    /// <summary>What the command's help says.</summary>
    public const string Help =
        "How soon an index sends nobody to one of three real content servers that crashed (SIGKILL) or hangs (SIGSTOP). "
        + "Four crashes and a hang take turns, --times times. The server that runs for longest falls, and one of "
        + "another name takes its place, since who died again and again is trusted more slowly; all must be alive and at "
        + "rest before the next falls. Silence alone removes one server in ten seconds from a small fleet, so a hang "
        + "waits until 10.5 s after the last one. Times are from before the signal, by LOCATE every millisecond";

    private const int CrashesForAHang = 4;
    private static readonly SampleFile File = SampleFile.OneKibibyte;
    // A monitor removes one of a few servers in ten seconds on the ground of silence alone: that is not measured here.
    private static readonly TimeSpan BetweenHangs = TimeSpan.FromSeconds(10.5);
    // A crash that was noticed no sooner may have been noticed by silence.
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(400);

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        WatchedFleet fleet = new(workspace, workspace.WriteFiles(File));
        using Lookout lookout = new(fleet.IndexPort, File.Name);
        Stage stage = new(fleet, lookout, new Random(1));
        // What a monitor that runs for days has compiled long ago is compiled here.
        string first = $"The first of all, while their code was compiled, do not count: {Show(stage.Crash().Gone)} and "
            + $"{Show(stage.Hang().Gone)} ms.";
        List<Fall> crashes = [], hangs = [];
        long began = Stopwatch.GetTimestamp();
        for (int round = 1; round <= settings.Times; round++)
        {
            for (int crash = 0; crash < CrashesForAHang; crash++) crashes.Add(stage.Crash());
            hangs.Add(stage.Hang());
            if (round % 5 == 0)
                Machine.Say($"{round} of {settings.Times} rounds, {Stopwatch.GetElapsedTime(began).TotalSeconds:N0} s");
        }
        Table table = new("From a fault until an index that is asked every millisecond sends nobody there, in ms",
            "fault", "the server is", "p50", "p99", "at most", "bar", "times");
        Add(table, "SIGKILL", "asked last, or not offered", crashes, fall => fall.AskedLast, "p99 50");
        Add(table, "SIGKILL", "not offered", crashes, fall => fall.Gone, "-");
        Add(table, "SIGSTOP", "asked last, or not offered", hangs, fall => fall.AskedLast, "p99 500");
        Add(table, "SIGSTOP", "not offered", hangs, fall => fall.Gone, "p50 750, at most 1,000");
        Fall[] all = [.. crashes, .. hangs];
        int missed = all.Count(fall => fall.Gone >= Lookout.Patience);
        table.Print(first, $"Still offered after 15 s: {missed}. Of the others, which were well: {lookout.Wronged.Suspect} "
            + $"suspected, {lookout.Wronged.Gone} not offered.",
            $"Longest time between two answers of the index: {Show(all.Max(fall => fall.LongestGap))} ms.");
    }

    private static void Add(Table table, string fault, string what, IEnumerable<Fall> falls, Func<Fall, TimeSpan> time,
        string bar)
    {
        double[] sorted = [.. falls.Select(fall => time(fall).TotalMilliseconds).Order()];
        table.Add(fault, what, Show(Detection.Percentile(sorted, 0.5)), Show(Detection.Percentile(sorted, 0.99)),
            Show(Detection.Percentile(sorted, 1)), bar, $"{sorted.Length}");
    }

    private static string Show(TimeSpan time) => Show(time.TotalMilliseconds);

    private static string Show(double milliseconds) => milliseconds.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Where one fault is played after another, each when the last is over.</summary>
    private sealed class Stage(WatchedFleet fleet, Lookout lookout, Random chance)
    {
        // When silence alone last removed somebody; the past, so that the first hang need not wait.
        private long _silencedAt = Stopwatch.GetTimestamp() - (long)(BetweenHangs.TotalSeconds * Stopwatch.Frequency);

        public Fall Crash() => Play(fleet.Kill, isHang: false);

        public Fall Hang()
        {
            TimeSpan left = BetweenHangs - Stopwatch.GetElapsedTime(_silencedAt);
            if (left > TimeSpan.Zero) Machine.Wait(left);
            return Play(fleet.Freeze, isHang: true);
        }

        private Fall Play(Action happen, bool isHang)
        {
            lookout.WaitForAll(fleet.Names);
            fleet.WaitUntilQuiet();
            // Anywhere between two beats of the server and two looks of the monitor.
            Machine.Wait(TimeSpan.FromMilliseconds(chance.Next(200)));
            Fall fall = lookout.Watch(fleet.Names, happen);
            if (isHang || fall.Gone >= Silence) _silencedAt = Stopwatch.GetTimestamp();
            fleet.Replace();
            return fall;
        }
    }
}
