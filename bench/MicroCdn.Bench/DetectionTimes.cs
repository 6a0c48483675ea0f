using System.CommandLine;
using System.Globalization;
using MicroCdn.Monitor;
using MicroCdn.Tests.Monitor.Simulation;

namespace MicroCdn.Bench;

/// <summary>Failure detection in simulated fleets: how soon, how surely; the tables of docs/reliability.md.</summary>
internal static class DetectionTimes
{
    private const int FaultsPerRow = 2_000;
    private const int Servers = 100;
    private static readonly double[] Losses = [0, 0.01, 0.1, 0.3];
    private static readonly TimeSpan Piece = TimeSpan.FromMinutes(30);
    private static readonly (string Name, DetectionProfile Profile)[] Profiles =
        [("lan", DetectionProfile.Lan), ("wan", DetectionProfile.Wan)];
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    /// <summary>The verb; it wants no server, since everything happens in here.</summary>
    public static Command Create()
    {
        Option<double> hours = new("--hours")
        {
            Description = "Server-hours of peace to play at each loss",
            DefaultValueFactory = _ => 1_000,
        };
        Option<int> seed = new("--seed") { Description = "The first seed", DefaultValueFactory = _ => 1 };
        Command command = new("detection", "Failure detection in simulated fleets: how soon, how surely")
        {
            hours, seed,
        };
        command.SetAction(words => Run(Math.Clamp(words.GetValue(hours), 1, 1e7), words.GetValue(seed)));
        return command;
    }

    private static void Run(double hours, int seed)
    {
        Faults(seed);
        Peaceful(hours, seed);
        Checked(hours, seed);
        Bursts(hours, seed);
    }

    private static void Faults(int seed)
    {
        Table table = new($"From a fault to the word of it, {FaultsPerRow:N0} faults a row, in ms",
            "profile", "fault", "loss", "suspect p50", "suspect p99", "dead p50", "dead p99", "dead at most", "missed");
        foreach ((string profile, DetectionProfile how) in Profiles)
        {
            foreach ((string name, HappeningKind fault) in new[]
            {
                ("crash", HappeningKind.Crash), ("hang", HappeningKind.Hang), ("cut off", HappeningKind.CutUp),
            })
            {
                foreach (double loss in Losses)
                {
                    Detection[] parts = new Detection[10];
                    Parallel.For(0, parts.Length, at => parts[at] = Measurements.Detect(
                        seed + at, fault, loss, how, FaultsPerRow / parts.Length));
                    double[] suspect = [.. parts.SelectMany(part => part.Suspect).Order()];
                    double[] dead = [.. parts.SelectMany(part => part.Dead).Order()];
                    table.Add(profile, name, Percent(loss), Show(suspect, 0.5), Show(suspect, 0.99), Show(dead, 0.5),
                        Show(dead, 0.99), Show(dead, 1), Count(FaultsPerRow - dead.Length));
                }
            }
        }
        table.Print();
    }

    private static void Peaceful(double hours, int seed)
    {
        Table table = new("Servers that are well, lan", "loss", "server-hours", "suspicions an hour", "by the formula",
            "dead", "dead in 10^6 server-hours by the formula");
        foreach (double loss in Losses)
        {
            // The worst loss is the one that is worth the time.
            Peace peace = Play(loss == Losses[^1] ? hours : hours / 10, seed, new Conditions { Loss = loss },
                DetectionProfile.Lan);
            (double suspicions, double deadly) = Measurements.Formula(loss, DetectionProfile.Lan);
            table.Add(Percent(loss), Count(peace.ServerHours), Few(peace.Suspicions / peace.ServerHours),
                Few(suspicions), Count(peace.Deaths), Few(1e6 * suspicions * deadly));
        }
        table.Print("The formula knows the hard limit alone: on lines that lose little, the rhythm makes a server "
            + "suspect after two lost beats.");
    }

    private static void Checked(double hours, int seed)
    {
        Table table = new("The formula where there is something to count, lan", "loss", "server-hours",
            "suspicions an hour", "by the formula", "dead", "by the formula");
        foreach (double loss in new[] { 0.5, 0.6 })
        {
            Peace peace = Play(hours / 2, seed, new Conditions { Loss = loss }, DetectionProfile.Lan);
            (double suspicions, double deadly) = Measurements.Formula(loss, DetectionProfile.Lan);
            table.Add(Percent(loss), Count(peace.ServerHours), Few(peace.Suspicions / peace.ServerHours),
                Few(suspicions), Count(peace.Deaths), Few(peace.Suspicions * deadly));
        }
        table.Print("The deaths by the formula are those that follow from the suspicions that were counted.");
    }

    private static void Bursts(double hours, int seed)
    {
        Table table = new("Lines that lose everything for a while, 30 % of the time", "profile", "mean burst",
            "server-days", "suspicions a server-day", "dead a server-day");
        foreach ((string name, DetectionProfile profile) in Profiles)
        {
            foreach (int burst in new[] { 50, 200 })
            {
                Conditions conditions = new() { Burst = TimeSpan.FromMilliseconds(burst) };
                Peace peace = Play(hours / 8, seed, conditions, profile);
                double days = peace.ServerHours / 24;
                table.Add(name, $"{burst} ms", Count(days), Few(peace.Suspicions / days), Few(peace.Deaths / days));
            }
        }
        table.Print();
    }

    private static Peace Play(double hours, int seed, Conditions conditions, DetectionProfile profile)
    {
        int pieces = Math.Max(1, (int)Math.Ceiling(hours / (Servers * Piece.TotalHours)));
        int servers = Math.Max(1, (int)Math.Ceiling(hours / pieces / Piece.TotalHours));
        Peace[] parts = new Peace[pieces];
        Parallel.For(0, pieces,
            at => parts[at] = Measurements.Watch(seed + at, servers, Piece, conditions, profile));
        return parts.Aggregate((one, other) => one + other);
    }

    private static string Show(double[] sorted, double share) =>
        (1000 * Detection.Percentile(sorted, share)).ToString("N0", Plain);

    private static string Percent(double share) => $"{(100 * share).ToString("0", Plain)} %";

    private static string Count(double value) => value.ToString("N0", Plain);

    private static string Few(double value) => value.ToString(value is 0 or >= 0.01 ? "#,0.##" : "0.0e+0", Plain);
}
