using System.Globalization;
using System.Text;
using MicroCdn.Monitor;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Monitor.Simulation;

// What goes wrong in a world, and what may never be said of it.
internal sealed partial class World
{
    // Thirty-odd probes: at 30 % loss none of so many is answered once in 10^8 times.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(450);

    /// <summary>True when nothing stands between a running server and a monitor but the usual loss.</summary>
    public bool IsWell(int server, int monitor)
    {
        Line line = LineOf(server, monitor);
        return Servers[server] is { IsRunning: true, IsHung: false } && !line.IsCutUp && !line.IsCutDown;
    }

    private void Fail(Happening it)
    {
        SimulatedServer server = Servers[it.Server];
        switch (it.Kind)
        {
            case HappeningKind.Start when !server.IsRunning:
                Start(server);
                break;
            case HappeningKind.Crash when server.IsRunning:
                Note($"CS{it.Server} crashes", 3, it.Server);
                server.FailedAt = Now;
                Stop(server, inOrder: false);
                break;
            case HappeningKind.Leave when server is { IsRunning: true, IsHung: false }:
                Note($"CS{it.Server} leaves in order", 4, it.Server);
                Stop(server, inOrder: true);
                break;
            case HappeningKind.Hang when server is { IsRunning: true, IsHung: false }:
                Note($"CS{it.Server} hangs", 5, it.Server);
                server.IsHung = true;
                server.FailedAt = Now;
                ExpectSuspicion(server.Number);
                break;
            case HappeningKind.Wake when server.IsHung:
                Wake(server);
                break;
            case HappeningKind.CutUp or HappeningKind.CutDown or HappeningKind.Heal:
                Cut(it);
                break;
            case HappeningKind.PauseMonitor:
                Note($"monitor {it.Monitor} is stopped", 6, it.Monitor);
                Monitors[it.Monitor].PausedUntil = Now + new TimeSpan(it.First);
                At(Now + new TimeSpan(it.First), HappeningKind.ResumeMonitor, 0, it.Monitor);
                break;
            case HappeningKind.ResumeMonitor:
                Resume(Monitors[it.Monitor]);
                break;
            case HappeningKind.JumpClock:
                Monitors[it.Monitor].ClockError += new TimeSpan(it.First);
                break;
            case HappeningKind.Check:
                AssertSuspected(it);
                break;
        }
    }

    private void Start(SimulatedServer server)
    {
        server.Incarnation++;
        (server.IsRunning, server.IsHung, server.HasLeft, server.Sequence) = (true, false, false, 0);
        (server.StartedAt, server.BeatAt) = (Now, default);
        server.Tether = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"CS{server.Number} 7001 7002 inc={server.Incarnation} beat=100"));
        if (server.Incarnation > 1) Note($"CS{server.Number} starts again", 7, server.Number);
        for (int monitor = 0; monitor < Monitors.Length; monitor++)
        {
            LineOf(server.Number, monitor).HealedAt = Now;
            OnTcp(HappeningKind.TetherArrives, server.Number, monitor, server.Incarnation, 0);
        }
        At(Now + TimeSpan.FromMilliseconds(10), HappeningKind.Beat, server.Number, 0, server.Incarnation);
    }

    private void Stop(SimulatedServer server, bool inOrder)
    {
        (server.IsRunning, server.HasLeft, server.IsHung) = (false, inOrder, false);
        server.Unanswered.Clear();
        for (int monitor = 0; monitor < Monitors.Length; monitor++)
        {
            OnTcp(HappeningKind.TetherEnds, server.Number, monitor, inOrder ? 1 : 0, server.Incarnation);
        }
    }

    // TCP brings everything in the end: what is lost comes again, later each time, and arrives when the line is whole.
    private void OnTcp(HappeningKind kind, int server, int monitor, long first, long second)
    {
        Line line = LineOf(server, monitor);
        TimeSpan wait = line.Way() + line.Way(), again = Retransmission;
        while (Chance.NextDouble() < _conditions.Loss)
        {
            wait += again;
            if (again < LongestRetransmission) again *= 2;
        }
        At(Now + wait, kind, server, monitor, first, second);
    }

    private void Wake(SimulatedServer server)
    {
        Note($"CS{server.Number} goes on", 8, server.Number);
        server.IsHung = false;
        for (int monitor = 0; monitor < Monitors.Length; monitor++) LineOf(server.Number, monitor).HealedAt = Now;
        foreach ((int monitor, ulong nonce) in server.Unanswered) AnswerPing(server, monitor, nonce);
        server.Unanswered.Clear();
        At(Now, HappeningKind.Beat, server.Number, 0, server.Incarnation);
    }

    private void Cut(Happening it)
    {
        Line line = LineOf(it.Server, it.Monitor);
        bool isHealed = it.Kind == HappeningKind.Heal;
        if (it.Kind != HappeningKind.CutDown) line.IsCutUp = !isHealed;
        if (it.Kind != HappeningKind.CutUp) line.IsCutDown = !isHealed;
        Note($"{it.Kind} between CS{it.Server} and monitor {it.Monitor}", 9, it.Server);
        if (isHealed) line.HealedAt = Now;
        else if (line.IsCutUp) ExpectSuspicion(it.Server, it.Monitor);
    }

    private void Resume(SimulatedMonitor monitor)
    {
        if (Now < monitor.PausedUntil) return;
        Note($"monitor {monitor.Number} goes on", 10, monitor.Number);
        monitor.ResumedAt = Now;
        // Which of its threads wakes first is chance: the one that looks, or the one that reads.
        Happening[] waiting = [.. monitor.Waiting];
        monitor.Waiting.Clear();
        bool looksFirst = Chance.Next(2) == 0;
        foreach (Happening it in waiting.Where(it => it.Kind == HappeningKind.Look == looksFirst)) Reach(monitor, it);
        foreach (Happening it in waiting.Where(it => it.Kind == HappeningKind.Look != looksFirst)) Reach(monitor, it);
    }

    private void ExpectSuspicion(int server)
    {
        for (int monitor = 0; monitor < Monitors.Length; monitor++) ExpectSuspicion(server, monitor);
    }

    private void ExpectSuspicion(int server, int monitor) => At(Now + (_profile.Silence * 2.5),
        HappeningKind.Check, server, monitor,
        Now.Ticks, Monitors[monitor].ResumedAt.Ticks, Servers[server].Incarnation);

    // Silent for so long, heard by a monitor that was awake: it has to be suspect at least.
    private void AssertSuspected(Happening it)
    {
        SimulatedMonitor monitor = Monitors[it.Monitor];
        SimulatedServer server = Servers[it.Server];
        Line line = LineOf(it.Server, it.Monitor);
        bool stillSilent = line.HealedAt.Ticks < it.First && server.Incarnation == it.Third && !server.HasLeft
            && (server.IsHung || line.IsCutUp) && server.StartedAt.Ticks < it.First;
        bool awake = Now >= monitor.PausedUntil && monitor.ResumedAt.Ticks == it.Second;
        if (!AssertsTruth || !stillSilent || !awake || monitor.Detector.Score > 0) return;
        if (monitor.Servers[it.Server] is not { } watched || watched.Incarnation != it.Third || watched.HasLeft
            || !watched.Rhythm.IsHeard) return;
        if (watched.State is ServerState.Suspect or ServerState.Dead) return;
        // What was overtaken may still have arrived.
        if (_conditions.Delayed > 0 && Now - watched.HeardAt < _profile.Silence) return;
        Wrong($"monitor {it.Monitor} calls CS{it.Server} {watched.State}, silent since {new TimeSpan(it.First)}");
    }

    private void Hear(SimulatedMonitor monitor, Watched server, int number, string reason)
    {
        ServerState state = server.Shown;
        Note($"monitor {monitor.Number}: CS{number} inc={server.Incarnation} {state}: {reason}",
            (20 * (int)state) + monitor.Number, number);
        // Whom the limit of removals spares is told once more, and is no other suspicion.
        if (state == ServerState.Suspect && monitor.Told[number] != state) monitor.Suspicions++;
        monitor.Told[number] = state;
        if (state == ServerState.Dead)
        {
            monitor.Deaths++;
            if (AssertsTruth) AssertDeath(monitor, server, number);
        }
        TellIndexes(monitor, number, state, server.Incarnation);
        Told?.Invoke(monitor, server, state);
    }

    private void AssertDeath(SimulatedMonitor monitor, Watched watched, int number)
    {
        if (monitor.Detector.IsDegraded) Wrong($"monitor {monitor.Number} removed CS{number} while in doubt");
        SimulatedServer server = Servers[number];
        if (watched.Incarnation > server.Incarnation) Wrong($"CS{number} was never started so often");
        // Of an incarnation that is over, it is no more than the truth.
        if (watched.Incarnation < server.Incarnation || _conditions.Burst > TimeSpan.Zero) return;
        if (!IsWell(number, monitor.Number)) return;
        if (Now - LineOf(number, monitor.Number).HealedAt < Grace * (1 + monitor.Detector.Score)) return;
        Wrong($"monitor {monitor.Number} declared CS{number} dead, which is well");
    }

    private void Wrong(string what) => throw new InvalidOperationException($"at {Now}: {what}");

    private void Note(string what, int kind, int number)
    {
        Fingerprint = (Fingerprint ^ (ulong)Now.Ticks) * 1_099_511_628_211;
        Fingerprint = (Fingerprint ^ (ulong)((kind * 4096) + number)) * 1_099_511_628_211;
        Trace?.AppendLine(CultureInfo.InvariantCulture, $"{Now:mm\\:ss\\.ffffff} {what}");
    }
}
