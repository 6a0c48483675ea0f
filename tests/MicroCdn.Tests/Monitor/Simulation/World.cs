using System.Text;
using MicroCdn.Index;
using MicroCdn.Monitor;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Monitor.Simulation;

/// <summary>A fleet and its monitors in virtual time: the real deciding code on a network that one seed
/// decides.</summary>
/// <remarks>One thread, one queue of happenings, one source of chance: the same seed is the same trace.</remarks>
internal sealed partial class World
{
    private static readonly TimeSpan Beat = Limits.Beat;
    private static readonly TimeSpan ProbeTime = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Retransmission = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestRetransmission = TimeSpan.FromSeconds(0.8);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(500);

    private readonly PriorityQueue<Happening, (long, long)> _queue = new();
    private readonly Conditions _conditions;
    private readonly DetectionProfile _profile;
    private readonly Line[] _lines;
    private long _order;

    public World(int seed, int servers, int monitors, Conditions conditions, DetectionProfile profile)
    {
        (Chance, _conditions, _profile) = (new Random(seed), conditions, profile);
        Servers = [.. Enumerable.Range(0, servers).Select(number => new SimulatedServer(number))];
        Monitors = [.. Enumerable.Range(0, monitors).Select(
            number => new SimulatedMonitor(number, servers, profile, Chance))];
        _lines = [.. Enumerable.Range(0, servers * monitors).Select(_ => new Line(conditions, Chance))];
        foreach (SimulatedMonitor monitor in Monitors) At(TimeSpan.Zero, HappeningKind.Look, 0, monitor.Number);
        for (int server = 0; server < servers; server++) At(Beat * Chance.NextDouble(), HappeningKind.Start, server);
    }

    public Random Chance { get; }

    public TimeSpan Now { get; private set; }

    public SimulatedServer[] Servers { get; }

    public SimulatedMonitor[] Monitors { get; }

    /// <summary>Hears each change that a monitor tells: the monitor, the server, the state.</summary>
    public Action<SimulatedMonitor, Watched, ServerState>? Told { get; set; }

    /// <summary>True to stop at a verdict that is not true.</summary>
    public bool AssertsTruth { get; init; } = true;

    /// <summary>A line for each state change and fault, when wanted.</summary>
    public StringBuilder? Trace { get; init; }

    /// <summary>One number for everything that was decided, in order.</summary>
    public ulong Fingerprint { get; private set; } = 14_695_981_039_346_656_037;

    public Line LineOf(int server, int monitor) => _lines[(server * Monitors.Length) + monitor];

    /// <summary>Plans something.</summary>
    public void At(TimeSpan time, HappeningKind kind, int server, int monitor = 0,
        long first = 0, long second = 0, long third = 0) =>
        _queue.Enqueue(new Happening(kind, server, monitor, first, second, third), (time.Ticks, _order++));

    /// <summary>Lets everything happen until a time.</summary>
    public void RunUntil(TimeSpan end)
    {
        while (_queue.TryPeek(out _, out (long Ticks, long) key) && key.Ticks <= end.Ticks)
        {
            Now = new TimeSpan(key.Ticks);
            Let(_queue.Dequeue());
        }
        Now = end;
    }

    private void Let(Happening it)
    {
        switch (it.Kind)
        {
            case HappeningKind.Beat:
                SendBeat(Servers[it.Server], it.First);
                break;
            case HappeningKind.PingArrives:
                AnswerPing(Servers[it.Server], it.Monitor, (ulong)it.First);
                break;
            case HappeningKind.ProbeArrives:
                AnswerProbe(Servers[it.Server], it.Monitor, it.First);
                break;
            case HappeningKind.Look or HappeningKind.BeatArrives or HappeningKind.PongArrives
                or HappeningKind.ProbeEnds or HappeningKind.TetherArrives or HappeningKind.TetherEnds:
                Reach(Monitors[it.Monitor], it);
                break;
            case HappeningKind.IndexHears:
                HearAtIndex(it);
                break;
            case HappeningKind.IndexesHearAll:
                HearAllAtIndexes(Monitors[it.Monitor]);
                break;
            default:
                Fail(it);
                break;
        }
    }

    private void SendBeat(SimulatedServer server, long incarnation)
    {
        if (!server.IsRunning || server.Incarnation != incarnation || server.HasLeft) return;
        if (server.IsHung) return;
        TimeSpan gap = server.BeatAt == default ? TimeSpan.Zero : Now - server.BeatAt;
        server.BeatAt = Now;
        long sequence = server.Sequence++;
        for (int monitor = 0; monitor < Monitors.Length; monitor++)
        {
            Line line = LineOf(server.Number, monitor);
            int copies = _conditions.Doubled > 0 && Chance.NextDouble() < _conditions.Doubled ? 2 : 1;
            for (int copy = 0; copy < copies; copy++)
            {
                if (line.Loses(isUp: true, Now)) continue;
                At(Now + line.Way(), HappeningKind.BeatArrives, server.Number, monitor,
                    incarnation, sequence, gap.Ticks);
            }
        }
        At(Now + (Beat * (0.9 + (0.2 * Chance.NextDouble()))), HappeningKind.Beat, server.Number, 0, incarnation);
    }

    private void AnswerPing(SimulatedServer server, int monitor, ulong nonce)
    {
        if (!server.IsRunning) return;
        if (server.IsHung)
        {
            if (server.Unanswered.Count < 20) server.Unanswered.Add((monitor, nonce));
            return;
        }
        Line line = LineOf(server.Number, monitor);
        if (line.Loses(isUp: true, Now)) return;
        At(Now + line.Way(), HappeningKind.PongArrives, server.Number, monitor,
            (long)nonce, server.Incarnation);
    }

    // A connection: the SYN came; the machine answers, refuses, or leaves it to a process that does nothing.
    private void AnswerProbe(SimulatedServer server, int monitor, long round)
    {
        Line line = LineOf(server.Number, monitor);
        bool isLost = line.Loses(isUp: true, Now);
        if (server.IsRunning)
        {
            isLost |= server.IsHung || line.Loses(isUp: false, Now) || line.Loses(isUp: true, Now);
        }
        if (isLost) return;
        ProbeOutcome outcome = server.IsRunning ? ProbeOutcome.Answered : ProbeOutcome.Refused;
        TimeSpan way = server.IsRunning ? line.Way() + line.Way() + line.Way() : line.Way();
        if (way <= ProbeTime)
        {
            At(Now + way, HappeningKind.ProbeEnds, server.Number, monitor, round, (long)outcome);
        }
    }

    // What a monitor notices waits while it is stopped.
    private void Reach(SimulatedMonitor monitor, Happening it)
    {
        if (Now < monitor.PausedUntil)
        {
            if (monitor.Waiting.Count < 100_000) monitor.Waiting.Enqueue(it);
            return;
        }
        if (it.Kind is HappeningKind.TetherArrives or HappeningKind.TetherEnds
            && LineOf(it.Server, it.Monitor) is { IsCutUp: true } or { IsCutDown: true })
        {
            At(Now + Retransmission, it.Kind, it.Server, it.Monitor, it.First, it.Second);
            return;
        }
        Detector detector = monitor.Detector;
        Watched? server = it.Kind == HappeningKind.Look ? null : monitor.Servers[it.Server];
        switch (it.Kind)
        {
            case HappeningKind.Look:
                At(Now + detector.Look(Now) + Lateness(), HappeningKind.Look, 0, monitor.Number);
                break;
            case HappeningKind.BeatArrives:
                if (server is not null) detector.Record(server, it.First, it.Second, new TimeSpan(it.Third), Now);
                break;
            case HappeningKind.PongArrives:
                if (server is not null) detector.Answered(server, (ulong)it.First, it.Second, Now);
                break;
            case HappeningKind.ProbeEnds:
                if (server is not null) detector.Probed(server, (ulong)it.First, (ProbeOutcome)it.Second, Now);
                break;
            case HappeningKind.TetherArrives:
                Tether(monitor, Servers[it.Server], it.First);
                break;
            case HappeningKind.TetherEnds:
                // The connection that ended may have been followed by the next already.
                if (server is null || it.Second != server.Incarnation) break;
                if (monitor.Tethers[it.Server] is not { } ended) break;
                if (it.First == 1) detector.Leave(Encoding.UTF8.GetBytes(server.Id.Value), ended, Now);
                detector.Detach(server, ended, Now);
                break;
        }
        if (detector.Deeds.Count > 0) Do(monitor);
    }

    // Threads wake a little late, and now and then much later.
    private TimeSpan Lateness() =>
        TimeSpan.FromMilliseconds(Chance.Next(1000) == 0 ? 40 * Chance.NextDouble() : 0.3 * Chance.NextDouble());

    private void Tether(SimulatedMonitor monitor, SimulatedServer server, long incarnation)
    {
        if (!server.IsRunning || server.Incarnation != incarnation || server.HasLeft) return;
        Words words = new(server.Tether);
        if (!MicroCdn.Protocol.Tether.TryParse(words, out Tether message)) throw new InvalidDataException();
        object tether = new();
        TetherOutcome outcome =
            monitor.Detector.Attach(message, server.Address, tether, Now, out Watched? watched);
        if (outcome != TetherOutcome.Tethered)
        {
            At(Now + AgainAfter, HappeningKind.TetherArrives, server.Number, monitor.Number, incarnation);
            return;
        }
        monitor.Servers[server.Number] = watched;
        monitor.Tethers[server.Number] = tether;
    }

    private void Do(SimulatedMonitor monitor)
    {
        foreach (Deed deed in monitor.Detector.Deeds)
        {
            int server = deed.Server is null ? 0 : NumberOf(deed.Server);
            switch (deed.Kind)
            {
                case DeedKind.Ping:
                    SendDown(server, monitor.Number, HappeningKind.PingArrives, (long)deed.Number);
                    break;
                case DeedKind.Probe:
                    SendDown(server, monitor.Number, HappeningKind.ProbeArrives, (long)deed.Number);
                    break;
                case DeedKind.Tell:
                    Hear(monitor, deed.Server!, server, deed.Reason);
                    break;
                default:
                    Note($"monitor {monitor.Number} doubts itself: {monitor.Detector.IsDegraded}: {deed.Reason}",
                        monitor.Detector.IsDegraded ? 1 : 2, monitor.Number);
                    foreach ((_, Juror[] jurors) in _indexes)
                    {
                        jurors[monitor.Number].Doubts = monitor.Detector.IsDegraded;
                    }
                    break;
            }
        }
        monitor.Detector.Deeds.Clear();
    }

    private void SendDown(int server, int monitor, HappeningKind kind, long number)
    {
        Line line = LineOf(server, monitor);
        if (!line.Loses(isUp: false, Now)) At(Now + line.Way(), kind, server, monitor, number);
    }

    private static int NumberOf(Watched server) => (server.Address.GetAddressBytes() is [_, _, var high, var low])
        ? (high << 8) + low : throw new InvalidDataException();
}
