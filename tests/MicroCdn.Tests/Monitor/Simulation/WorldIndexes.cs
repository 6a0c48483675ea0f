using System.Globalization;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Monitor.Simulation;

// Indexes that hear the monitors: the real jury, on connections that bring everything, but not always soon and in
// order.
internal sealed partial class World
{
    private static readonly TimeSpan Digest = TimeSpan.FromSeconds(5);
    // What was repeated once or twice has arrived by then, and a death that it corrects is corrected.
    private static readonly TimeSpan Hearsay = TimeSpan.FromSeconds(4);

    private readonly List<(Jury Jury, Juror[] Jurors)> _indexes = [];
    private readonly List<ServerId> _ids = [];
    private long[] _events = [];
    private StateEvent[][] _ledgers = [];

    /// <summary>Adds indexes; before anything has happened.</summary>
    public void AddIndexes(int count)
    {
        foreach (SimulatedServer server in Servers)
        {
            ServerId.TryCreate(string.Create(CultureInfo.InvariantCulture, $"CS{server.Number}"), out ServerId id);
            _ids.Add(id);
        }
        _events = new long[Monitors.Length];
        _ledgers = [.. Monitors.Select(_ => new StateEvent[Servers.Length])];
        for (int number = 0; number < count; number++)
        {
            Jury jury = new();
            Juror[] jurors = [.. Monitors.Select(monitor => new Juror($"monitor-{monitor.Number}"))];
            foreach (Juror juror in jurors) jury.Seat(juror);
            _indexes.Add((jury, jurors));
        }
        foreach (SimulatedMonitor monitor in Monitors)
        {
            At(Digest * Chance.NextDouble(), HappeningKind.IndexesHearAll, 0, monitor.Number);
        }
    }

    /// <summary>What an index believes of a server now.</summary>
    public IEnumerable<ServerState> Verdicts(int server) => _indexes.Select(
        index => index.Jury.Judge(_ids[server], new Evidence(Servers[server].Incarnation)).State);

    private void TellIndexes(SimulatedMonitor monitor, int server, ServerState state, long incarnation)
    {
        if (_indexes.Count == 0) return;
        long number = ++_events[monitor.Number];
        _ledgers[monitor.Number][server] = new StateEvent(_ids[server], state, incarnation, number, 0);
        for (int index = 0; index < _indexes.Count; index++)
        {
            // One in twenty is lost and said again later, behind others.
            TimeSpan again = Chance.Next(20) == 0 ? Retransmission * (10 * Chance.NextDouble()) : default;
            At(Now + _conditions.Delay + again, HappeningKind.IndexHears, server, monitor.Number,
                (index * 16) + (int)state, incarnation, number);
        }
    }

    private void HearAtIndex(Happening it)
    {
        (Jury jury, Juror[] jurors) = _indexes[(int)(it.First / 16)];
        jurors[it.Monitor].Hear(_ids[it.Server], new Statement((ServerState)(it.First % 16), it.Second, it.Third));
        AssertVerdict(jury, it.Server);
    }

    private void HearAllAtIndexes(SimulatedMonitor monitor)
    {
        DigestRow[] rows = [.. _ledgers[monitor.Number].Where(row => row.Event > 0)
            .Select(row => new DigestRow(row.Id, new Statement(row.State, row.Incarnation, row.Event)))];
        foreach ((Jury jury, Juror[] jurors) in _indexes)
        {
            jurors[monitor.Number].Replace(rows, _events[monitor.Number]);
            jurors[monitor.Number].Doubts = monitor.Detector.IsDegraded;
        }
        At(Now + Digest, HappeningKind.IndexesHearAll, 0, monitor.Number);
    }

    // Well for most of the monitors, and for long enough that they have said so: then no index leaves it out.
    private void AssertVerdict(Jury jury, int number)
    {
        SimulatedServer server = Servers[number];
        if (!AssertsTruth || _conditions.Burst > TimeSpan.Zero || Now - server.StartedAt < Hearsay) return;
        if (!server.IsRunning || server.IsHung) return;
        int voters = 0, well = 0;
        foreach (SimulatedMonitor monitor in Monitors)
        {
            voters++;
            bool isAwake = Now >= monitor.PausedUntil && Now - monitor.ResumedAt > Hearsay;
            bool isWell = IsWell(number, monitor.Number)
                && Now - LineOf(number, monitor.Number).HealedAt > Hearsay * (1 + monitor.Detector.Score);
            if (isAwake && isWell && !monitor.Detector.IsDegraded) well++;
        }
        if (well * 2 <= voters) return;
        Verdict verdict = jury.Judge(_ids[number], new Evidence(server.Incarnation));
        if (verdict.State == ServerState.Dead) Wrong($"an index leaves CS{number} out, which is well: {verdict.Why}");
    }
}
