using System.Globalization;
using System.Text;
using MicroCdn.Monitor;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Monitor.Simulation;

/// <summary>One seed: a fleet, a network and a row of faults, then ten seconds in which everything has to
/// heal.</summary>
internal sealed class Scenario
{
    // What one seed may cost: so many heartbeats heard, so that a thousand seeds fit a minute.
    private const int BeatsPerSeed = 60_000;
    private static readonly TimeSpan Healing = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestFault = TimeSpan.FromSeconds(5);

    private readonly World _world;
    private readonly TimeSpan _faults;
    private readonly string _description;
    private readonly bool _bursts;

    private Scenario(int seed, bool isTraced)
    {
        Random random = new(seed);
        // Small fleets mostly; one in thirty is larger than three hundred.
        int servers = 3 + (int)(997 * Math.Pow(random.NextDouble(), 5));
        int monitors = 1 + random.Next(3);
        Conditions conditions = new()
        {
            Loss = random.Next(4) switch { 0 => 0, 1 => 0.01, 2 => 0.1, _ => 0.3 * random.NextDouble() },
            Doubled = random.Next(3) == 0 ? 0.1 : 0,
            Delayed = random.Next(3) == 0 ? 0.05 : 0,
            Jitter = TimeSpan.FromMilliseconds(random.Next(3) == 0 ? 20 : 1),
            Burst = TimeSpan.FromMilliseconds(random.Next(8) == 0 ? 50 : 0),
        };
        DetectionProfile profile = random.Next(8) == 0 ? DetectionProfile.Wan : DetectionProfile.Lan;
        _faults = TimeSpan.FromSeconds(
            Math.Clamp((BeatsPerSeed / 10.0 / servers / monitors) - Healing.TotalSeconds, 4, 60));
        _world = new World(seed, servers, monitors, conditions, profile)
        {
            Trace = isTraced ? new StringBuilder() : null,
        };
        _description = string.Create(CultureInfo.InvariantCulture,
            $"{servers} servers, {monitors} monitors, {conditions}, silence {profile.Silence.TotalMilliseconds} ms");
        _world.AddIndexes(1 + random.Next(2));
        _bursts = conditions.Burst > TimeSpan.Zero;
        Plan(random, servers, monitors);
    }

    /// <summary>Plays a seed; null when all is well, else what is wrong and everything that happened.</summary>
    public static string? Play(int seed, out ulong fingerprint)
    {
        Scenario scenario = new(seed, isTraced: false);
        string? wrong = scenario.Run();
        fingerprint = scenario._world.Fingerprint;
        if (wrong is null) return null;
        Scenario again = new(seed, isTraced: true);
        again.Run();
        return $"seed {seed} ({again._description}): {wrong}\n{again._world.Trace}";
    }

    private void Plan(Random random, int servers, int monitors)
    {
        int faults = 1 + (int)(_faults.TotalSeconds * Math.Min(servers, 20) / 10);
        for (int fault = 0; fault < faults; fault++)
        {
            TimeSpan at = Settling + (_faults * random.NextDouble());
            TimeSpan lasts = LongestFault * random.NextDouble();
            TimeSpan end = at + lasts < Settling + _faults ? at + lasts : Settling + _faults;
            int server = random.Next(servers), monitor = random.Next(monitors);
            switch (random.Next(10))
            {
                case 0 or 1:
                    Both(at, HappeningKind.Crash, end, HappeningKind.Start, server);
                    break;
                case 2:
                    Both(at, HappeningKind.Leave, end, HappeningKind.Start, server);
                    break;
                case 3 or 4:
                    Both(at, HappeningKind.Hang, end, HappeningKind.Wake, server);
                    break;
                case 5 or 6:
                    HappeningKind way = random.Next(2) == 0 ? HappeningKind.CutUp : HappeningKind.CutDown;
                    _world.At(at, way, server, monitor);
                    if (random.Next(2) == 0) _world.At(at, HappeningKind.CutUp, server, monitor);
                    _world.At(end, HappeningKind.Heal, server, monitor);
                    break;
                case 7:
                    // A switch fails: a part of the fleet is gone for this monitor.
                    double share = random.NextDouble();
                    for (int other = 0; other < servers; other++)
                    {
                        if (random.NextDouble() > share) continue;
                        _world.At(at, HappeningKind.CutUp, other, monitor);
                        _world.At(at, HappeningKind.CutDown, other, monitor);
                        _world.At(end, HappeningKind.Heal, other, monitor);
                    }
                    break;
                case 8:
                    _world.At(at, HappeningKind.PauseMonitor, 0, monitor, (end - at).Ticks);
                    break;
                default:
                    _world.At(at, HappeningKind.JumpClock, 0, monitor, TimeSpan.FromDays(random.Next(-2, 3)).Ticks);
                    break;
            }
        }
        // Whatever was left over.
        for (int server = 0; server < servers; server++)
        {
            _world.At(Settling + _faults, HappeningKind.Start, server);
            _world.At(Settling + _faults, HappeningKind.Wake, server);
            for (int monitor = 0; monitor < monitors; monitor++)
            {
                _world.At(Settling + _faults, HappeningKind.Heal, server, monitor);
            }
        }
    }

    private void Both(TimeSpan at, HappeningKind fault, TimeSpan end, HappeningKind repair, int server)
    {
        _world.At(at, fault, server);
        _world.At(end, repair, server);
    }

    private string? Run()
    {
        try
        {
            _world.RunUntil(Settling + _faults + Healing);
        }
        catch (InvalidOperationException wrong)
        {
            return wrong.Message;
        }
        foreach (SimulatedMonitor monitor in _world.Monitors)
        {
            if (monitor.Detector.IsDegraded) return $"monitor {monitor.Number} doubts itself, and all is well";
            if (monitor.Detector.Servers.Count != _world.Servers.Length)
            {
                return $"monitor {monitor.Number} knows {monitor.Detector.Servers.Count} servers";
            }
            foreach (Watched server in monitor.Detector.Servers)
            {
                // A suspicion of a moment is what loss does, and with bursts even a death is nobody's fault.
                if (_bursts && _world.Now - server.Since < TimeSpan.FromSeconds(2)) continue;
                bool isWell = server.Shown is ServerState.Alive or ServerState.Returning
                    || (server.Shown == ServerState.Suspect && _world.Now - server.Since < TimeSpan.FromSeconds(0.45));
                if (!isWell) return $"monitor {monitor.Number} still calls {server.Id} {server.Shown}";
            }
        }
        for (int server = 0; server < _world.Servers.Length && !_bursts; server++)
        {
            foreach (ServerState state in _world.Verdicts(server))
            {
                if (state is ServerState.Dead or ServerState.Draining or ServerState.Unknown)
                {
                    return $"an index still calls CS{server} {state}";
                }
            }
        }
        return null;
    }
}
