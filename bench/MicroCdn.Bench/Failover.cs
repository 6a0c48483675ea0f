using System.Diagnostics;
using System.Globalization;

namespace MicroCdn.Bench;

/// <summary>What becomes of lookups and puts when the Redis of three indexes falls, or the index that writes.</summary>
/// <remarks>Whatever fell comes back in the same round, with what it had, while puts and lookups go on. The next round
/// begins when all is as before.</remarks>
internal static class Failover
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "Three indexes on three Redis with three Sentinels: the master killed, the master hung, "
        + "the writing index killed, in turn (bars: no lookup fails, puts go on within 10 s, none that was "
        + "acknowledged is lost); needs redis-sentinel";

    // What was acknowledged in the moment before a fall may be known to one index alone until that is over.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(15), Patience = TimeSpan.FromSeconds(90);

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        Stage stage = new(settings, workspace);
        Machine.Say("publishing, before anything falls");
        using SteadyPuts puts = new(stage.Fleet);
        Stage.Until(() => puts.First is { } first
            && Enumerable.Range(0, IndexFleet.Indexes).All(index => stage.Fleet.Names(index, first)));
        using SteadyLookups lookups = new(stage.Fleet.EndPoints, chance => puts.Any(chance, Settled));
        Machine.Wait(settings.Patience(10));
        Table table = new("Three indexes, three Redis, three Sentinels with down-after "
            + $"{RedisNodes.DownAfterMilliseconds} ms", "round", "fall", "no put acknowledged for, s (bar: 10)",
            "longest put, s", "put", "tried again", "lookups", "failed, all indexes known", "failed, one index known",
            "longest lookup, ms", "load average");
        for (int round = 1; round <= settings.Rounds; round++)
        {
            foreach ((string what, Func<Action> fall) in stage.Falls(puts, lookups).Take(settings.Quick ? 1 : int.MaxValue))
            {
                Machine.Say($"round {round}: {what}");
                Stage.Until(stage.IsWhole);
                puts.Take();
                lookups.Take();
                stage.Play(fall, puts);
                (PutRound put, LookupRound found) = (puts.Take(), lookups.Take());
                table.Add($"{round}", what, Show(put.LongestGap.TotalSeconds), Show(put.LongestPut.TotalSeconds),
                    $"{put.Count}", $"{put.Refused}", $"{found.Count}", $"{found.FailedAtAll}", $"{found.FailedAtOne}",
                    $"{found.Longest.TotalMilliseconds:N0}", PublishFleet.Load());
            }
        }
        lookups.Dispose();
        puts.Dispose();
        string[] lost = stage.Lost(puts.All);
        if (lost.Length > 0) Machine.Say($"lost: {string.Join(", ", lost.Take(10))}");
        table.Print($"Of {puts.All.Length} puts that were acknowledged, {lost.Length} are not on every index, with "
            + "their bytes on both servers. What one index alone is asked does not count from its fall until its servers "
            + "have told it all they have.");
    }

    private static string Show(double seconds) => seconds.ToString("N2", CultureInfo.InvariantCulture);

    /// <summary>The fleet, and what may befall it.</summary>
    private sealed class Stage
    {
        private readonly Settings _settings;
        private readonly RedisNodes _nodes;

        public Stage(Settings settings, Workspace workspace)
        {
            _settings = settings;
            Machine.Say("starting three Redis, three Sentinels, three indexes, two content servers");
            _nodes = RedisNodes.WithSentinels(workspace);
            Fleet = new IndexFleet(workspace, _nodes.Url);
        }

        public IndexFleet Fleet { get; }

        public bool IsWhole() => _nodes.AreWhole() && Fleet.IsWhole();

        /// <summary>What falls, in turn; each says how it comes back.</summary>
        public (string What, Func<Action> Fall)[] Falls(SteadyPuts puts, SteadyLookups lookups) =>
        [
            ("Redis master killed", () =>
            {
                int master = _nodes.Master;
                _nodes.Kill(master);
                return () => _nodes.Restart(master);
            }),
            ("Redis master hangs", () =>
            {
                int master = _nodes.Master;
                _nodes.Freeze(master);
                return () => _nodes.Thaw(master);
            }),
            ("writing index killed", () =>
            {
                int writer = Fleet.Writer;
                lookups.Down = writer;
                Fleet.Kill(writer);
                return () =>
                {
                    string last = puts.Last;
                    Fleet.Restart(writer);
                    // What it remembers itself is older than this one: its servers have told it all.
                    Until(() => Fleet.Names(writer, last));
                    lookups.Down = -1;
                };
            }),
        ];

        /// <summary>Has something fall, waits until puts go on, and a while, and until all is as before.</summary>
        public void Play(Func<Action> fall, SteadyPuts puts)
        {
            Action mend = fall();
            Machine.Wait(TimeSpan.FromSeconds(1));
            long began = Stopwatch.GetTimestamp();
            while (puts.Silence > TimeSpan.FromSeconds(0.5) && Stopwatch.GetElapsedTime(began) < Patience)
            {
                Machine.Wait(TimeSpan.FromSeconds(0.05));
            }
            Machine.Wait(_settings.Patience(3));
            mend();
            // Sentinel takes ten seconds until a Redis that came back has its place.
            if (_settings.Quick) return;
            Until(IsWhole);
            Machine.Wait(TimeSpan.FromSeconds(2));
        }

        /// <summary>Which of these are not on every index, named with both servers and with their bytes.</summary>
        public string[] Lost(Acknowledged[] all)
        {
            Until(Fleet.IsWhole);
            List<string> lost = [];
            foreach (int port in Fleet.Ports)
            {
                using Conversation index = Puts.Greet(port);
                Acknowledged[] left = all;
                // A server that was asked last may tell a moment later.
                for (int look = 0; left.Length > 0 && look < 20; look++)
                {
                    if (look > 0) Machine.Wait(TimeSpan.FromSeconds(1));
                    left = [.. left.Where(put => !IsThere(index, put))];
                }
                lost.AddRange(left.Select(put => put.Name));
            }
            return [.. lost.Distinct()];
        }

        private static bool IsThere(Conversation index, Acknowledged put)
        {
            (string file, int servers) = Puts.Locate(index, put.Name);
            return servers == Puts.Copies && file.Contains($" sha256={put.Digest}", StringComparison.Ordinal);
        }

        public static void Until(Func<bool> isTrue)
        {
            for (long began = Stopwatch.GetTimestamp(); !isTrue();)
            {
                if (Stopwatch.GetElapsedTime(began) > Patience)
                    throw new BenchException($"The fleet is not whole again within {Patience.TotalSeconds} s.");
                Machine.Wait(TimeSpan.FromSeconds(0.2));
            }
        }
    }
}
