using System.Net;
using MicroCdn.Monitor;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Monitor;

// Issue 4, Detection: four kinds of evidence, and doubt about oneself.
public sealed class DetectorTests
{
    private static readonly IPAddress Here = IPAddress.Parse("10.0.0.5");
    private static readonly IPAddress Elsewhere = IPAddress.Parse("10.0.0.6");
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(100);

    private readonly Detector _detector = new(DetectionProfile.Lan, () => 1000);
    private readonly List<string> _told = [];
    private readonly List<Deed> _probes = [];
    private readonly List<ulong> _pings = [];
    private readonly Dictionary<string, object> _tethers = [];
    private readonly HashSet<string> _silent = [];
    private readonly HashSet<string> _portsOnly = [];
    private TimeSpan _now;
    private TimeSpan _lookAt;

    [Fact]
    public void A_server_that_hangs_is_suspect_within_half_a_second_and_dead_within_one()
    {
        Start("CS1");
        Pass(5);
        _silent.Add("CS1");
        TimeSpan began = _now;
        TimeSpan suspect = Until("CS1 Suspect") - began, dead = Until("CS1 Dead") - began;
        Assert.InRange(suspect, TimeSpan.FromMilliseconds(150), TimeSpan.FromMilliseconds(350));
        Assert.InRange(dead - suspect, TimeSpan.FromMilliseconds(430), TimeSpan.FromMilliseconds(460));
        Assert.InRange(_pings.Count, 34, 37);
        Assert.Equal(_pings.Count, _pings.Distinct().Count());
        Assert.Equal(5, _probes.Count);
    }

    [Fact]
    public void An_answer_to_a_PING_clears_a_suspect_and_one_to_no_PING_does_not()
    {
        Watched server = Start("CS1");
        Pass(5);
        _silent.Add("CS1");
        Until("CS1 Suspect");
        Assert.False(_detector.Answered(server, 999, 1, _now));
        Assert.False(_detector.Answered(server, 5000, 1, _now));
        Assert.False(_detector.Answered(server, 1000, 2, _now));
        Look();
        Assert.True(_detector.Answered(server, 1000, 1, _now));
        Assert.Equal(ServerState.Alive, server.State);
    }

    [Fact]
    public void The_end_of_a_tether_makes_suspect_at_once_and_a_refusal_dead_at_once()
    {
        Watched server = Start("CS1");
        Pass(5);
        _detector.Detach(server, _tethers["CS1"], _now);
        Take();
        Assert.Equal("CS1 Suspect", _told[^1]);
        Deed probe = Assert.Single(_probes);
        // A beat that was under way when the process ended.
        Assert.True(_detector.Record(server, 1, server.Sequence + 1, Beat, _now));
        _detector.Probed(server, probe.Number, ProbeOutcome.Refused, _now);
        Take();
        Assert.Equal("CS1 Dead", _told[^1]);
        Assert.False(_detector.Record(server, 1, server.Sequence + 1, Beat, _now));
        Assert.Equal(ServerState.Dead, server.State);
    }

    [Fact]
    public void A_refusal_that_comes_late_does_not_touch_the_next_start()
    {
        Watched server = Start("CS1");
        Pass(5);
        _detector.Detach(server, _tethers["CS1"], _now);
        Take();
        Deed probe = Assert.Single(_probes);
        Start("CS1", incarnation: 2);
        _detector.Probed(server, probe.Number, ProbeOutcome.Refused, _now);
        Assert.NotEqual(ServerState.Dead, server.State);
        Assert.False(_detector.Record(server, 1, 1_000_000, Beat, _now));
    }

    [Fact]
    public void Who_says_BYE_is_draining_whatever_follows_until_it_is_started_again()
    {
        Watched server = Start("CS1");
        Pass(5);
        Assert.False(_detector.Leave("CS1"u8, new object(), _now));
        Assert.True(_detector.Leave("CS1"u8, _tethers["CS1"], _now));
        _detector.Detach(server, _tethers["CS1"], _now);
        _silent.Add("CS1");
        Pass(5);
        Assert.Equal("CS1 Draining", _told[^1]);
        Assert.Empty(_probes);
        Start("CS1", incarnation: 2);
        Assert.Equal("CS1 Alive", _told[^1]);
    }

    [Fact]
    public void Who_is_drained_stays_so_over_its_own_restart()
    {
        Start("CS1");
        Assert.False(_detector.Drain("CS2"u8, true, _now));
        Assert.True(_detector.Drain("CS1"u8, true, _now));
        Take();
        Assert.Equal("CS1 Draining", _told[^1]);
        Start("CS1", incarnation: 2);
        Pass(2);
        Assert.Equal("CS1 Draining", _told[^1]);
        Assert.True(_detector.Drain("CS1"u8, false, _now));
        Take();
        Assert.Equal("CS1 Alive", _told[^1]);
    }

    [Fact]
    public void Each_death_doubles_the_time_until_a_server_is_trusted_again()
    {
        Start("CS1");
        Pass(2);
        List<double> waits = [];
        for (int death = 0; death < 7; death++)
        {
            _silent.Add("CS1");
            Until("CS1 Dead");
            _silent.Remove("CS1");
            TimeSpan back = Until("CS1 Returning");
            waits.Add(Math.Round((Until("CS1 Alive") - back).TotalSeconds));
            // The speed limit counts silent deaths for ten seconds.
            Pass(10);
        }
        Assert.Equal([1, 2, 4, 8, 16, 30, 30], waits);
    }

    [Fact]
    public void Most_of_the_fleet_silent_at_once_is_our_own_trouble()
    {
        string[] ids = ["CS1", "CS2", "CS3", "CS4", "CS5"];
        foreach (string id in ids) Start(id);
        Pass(5);
        _told.Clear();
        foreach (string id in ids[..3]) _silent.Add(id);
        Pass(20);
        Assert.True(_detector.IsDegraded);
        Assert.Equal(["CS1 Suspect", "CS2 Suspect", "CS3 Suspect"], _told.Order());
        _silent.Remove("CS1");
        Pass(3);
        Assert.False(_detector.IsDegraded);
        // Two that stay silent are no longer most of it; the speed limit lets one of five go in ten seconds.
        Assert.Single(_told, line => line.EndsWith("Dead", StringComparison.Ordinal));
        Pass(11);
        Assert.Equal(2, _told.Count(line => line.EndsWith("Dead", StringComparison.Ordinal)));
    }

    [Fact]
    public void Whom_the_speed_limit_spares_is_told_apart_from_other_suspects_as_long_as_it_is_silent()
    {
        foreach (string id in new[] { "CS1", "CS2" }) Start(id);
        Pass(5);
        _silent.Add("CS1");
        Until("CS1 Dead");
        _silent.Add("CS2");
        TimeSpan suspect = Until("CS2 Suspect"), spared = Until("CS2 Suspect spared");
        Assert.InRange(spared - suspect, TimeSpan.FromMilliseconds(430), TimeSpan.FromMilliseconds(460));
        _silent.Remove("CS2");
        Until("CS2 Alive");
        _silent.Add("CS2");
        Until("CS2 Suspect spared");
        Until("CS2 Dead");
    }

    [Fact]
    public void A_refusal_knows_no_speed_limit()
    {
        foreach (string id in new[] { "CS1", "CS2", "CS3" })
        {
            Watched server = Start(id);
            Pass(1);
            _detector.Detach(server, _tethers[id], _now);
            Take();
            _detector.Probed(server, _probes[^1].Number, ProbeOutcome.Refused, _now);
            _silent.Add(id);
        }
        Take();
        Assert.Equal(3, _told.Count(line => line.EndsWith("Dead", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(5)]
    [InlineData(100_000)]
    public void Time_that_we_slept_through_is_nobodys_silence(double seconds)
    {
        foreach (string id in new[] { "CS1", "CS2" }) Start(id);
        Pass(5);
        _told.Clear();
        _now += TimeSpan.FromSeconds(seconds);
        // The look comes before what waits in the socket is read.
        Look();
        Pass(1);
        Assert.DoesNotContain(_told, line => line.EndsWith("Dead", StringComparison.Ordinal));
        Assert.True(_detector.Score > 0);
        Pass(10);
        Assert.Equal(0, _detector.Score);
    }

    [Fact]
    public void A_server_that_beats_slowly_gets_more_time()
    {
        Start("CS1", beat: 1000);
        Pass(20, beat: 10);
        _silent.Add("CS1");
        TimeSpan began = _now;
        Assert.InRange(Until("CS1 Suspect") - began, TimeSpan.FromSeconds(1.2), TimeSpan.FromSeconds(3.3));
    }

    [Fact]
    public void Of_two_processes_the_first_is_kept_while_it_is_heard()
    {
        Watched server = Start("CS1", incarnation: 5);
        Assert.Equal(TetherOutcome.Twin, Attach("CS1", 9, Elsewhere));
        Assert.Equal(TetherOutcome.Twin, Attach("CS1", 4, Here));
        // Its connection ended, and its beats go on.
        _detector.Detach(server, _tethers["CS1"], _now);
        _detector.Record(server, 5, 100, Beat, _now);
        Assert.Equal(TetherOutcome.Twin, Attach("CS1", 9, Elsewhere));
        _silent.Add("CS1");
        Until("CS1 Dead");
        // A state folder that was lost counts from one again.
        Assert.Equal(TetherOutcome.Tethered, Attach("CS1", 1, Elsewhere));
    }

    [Fact]
    public void A_full_table_forgets_who_is_gone_for_longest_and_never_a_living_one()
    {
        for (int number = 0; number < Limits.Servers; number++) Attach($"S{number}", 1, Here);
        Assert.Equal(TetherOutcome.Full, Attach("one-more", 1, Here));
        _detector.Leave("S7"u8, _tethers["S7"], _now);
        Assert.Equal(TetherOutcome.Tethered, Attach("one-more", 1, Here));
        Assert.Null(_detector.Find("S7"u8));
    }

    // An index drops words about an earlier start: what is still true of the new one is said anew.
    [Fact]
    public void What_is_said_of_a_server_is_said_again_of_its_next_start()
    {
        Watched server = Start("CS1");
        Assert.True(_detector.Drain("CS1"u8, true, _now));
        Assert.True(_detector.Leave("CS1"u8, _tethers["CS1"], _now));
        _detector.Detach(server, _tethers["CS1"], _now);
        Take();
        _told.Clear();
        Start("CS1", incarnation: 2);
        Assert.Equal(["CS1 Draining"], _told);

        _detector.Drain("CS1"u8, false, _now);
        Take();
        Start("CS1", incarnation: 3);
        Assert.Equal("CS1 Returning", _told[^1]);
        _told.Clear();
        Start("CS1", incarnation: 4);
        Assert.Equal(["CS1 Returning"], _told);
    }

    // A firewall that rejects answers in the place of a process that lives.
    [Fact]
    public void A_refusal_is_no_death_while_the_tether_holds()
    {
        Watched server = Start("CS1");
        Pass(5);
        _silent.Add("CS1");
        Until("CS1 Suspect");
        while (_probes.Count == 0) Step(1);
        _detector.Probed(server, _probes[^1].Number, ProbeOutcome.Refused, _now);
        Assert.Equal(ServerState.Suspect, server.State);
        _silent.Remove("CS1");
        Until("CS1 Alive");
        _silent.Add("CS1");
        Until("CS1 Dead");
        _silent.Remove("CS1");
        Until("CS1 Returning");
    }

    [Fact]
    public void A_server_of_whom_only_the_port_is_heard_any_more_is_not_suspected_without_end()
    {
        Start("CS1");
        Pass(5);
        _silent.Add("CS1");
        _portsOnly.Add("CS1");
        Pass(3);
        _told.Clear();
        Pass(30);
        Assert.InRange(_told.Count(line => line == "CS1 Suspect"), 8, 11);
        Assert.DoesNotContain("CS1 Dead", _told);
        // Heard again, it is missed as soon as any other.
        _silent.Remove("CS1");
        _portsOnly.Remove("CS1");
        Pass(5);
        _silent.Add("CS1");
        TimeSpan began = _now;
        Assert.InRange(Until("CS1 Suspect") - began, TimeSpan.Zero, TimeSpan.FromMilliseconds(350));
    }

    private Watched Start(string id, long incarnation = 1, int beat = 100)
    {
        Assert.Equal(TetherOutcome.Tethered, Attach(id, incarnation, Here, beat));
        Take();
        return _detector.Find(id.Utf8())!;
    }

    private TetherOutcome Attach(string id, long incarnation, IPAddress peer, int beat = 100)
    {
        Words words = new($"{id} 7001 7002 inc={incarnation} beat={beat}".Utf8());
        Assert.True(Tether.TryParse(words, out Tether message));
        object tether = new();
        TetherOutcome outcome = _detector.Attach(message, peer, tether, _now, out _);
        if (outcome == TetherOutcome.Tethered) _tethers[id] = tether;
        return outcome;
    }

    private TimeSpan Until(string told)
    {
        int before = _told.Count(line => line == told);
        for (int tries = 0; tries < 100_000; tries++)
        {
            Step(1);
            if (_told.Count(line => line == told) > before) return _now;
        }
        throw new InvalidOperationException($"never told: {told}; told: {string.Join(", ", _told)}");
    }

    private void Pass(double seconds, int beat = 1)
    {
        for (TimeSpan end = _now + TimeSpan.FromSeconds(seconds); _now < end;) Step(beat);
    }

    // One millisecond: beats of those who are not silent, every hundred; answers of the returning; a look when due.
    private void Step(int beat)
    {
        _now += TimeSpan.FromMilliseconds(1);
        if (_now.Ticks % (Beat * beat).Ticks == 0)
        {
            foreach (Watched server in _detector.Servers.Where(server => !_silent.Contains(server.Id.Value)))
            {
                _detector.Record(server, server.Incarnation, server.Sequence + 1, Beat * beat, _now);
            }
        }
        if (_now >= _lookAt) Look();
    }

    private void Look()
    {
        _lookAt = _now + _detector.Look(_now);
        Take();
    }

    private void Take()
    {
        Deed[] deeds = [.. _detector.Deeds];
        _detector.Deeds.Clear();
        foreach (Deed deed in deeds)
        {
            if (deed.Kind == DeedKind.Tell)
            {
                _told.Add($"{deed.Server!.Id} {deed.Server.Shown}{(deed.Server.IsSpared ? " spared" : "")}");
            }
            if (deed.Kind == DeedKind.Probe) _probes.Add(deed);
            if (deed.Kind == DeedKind.Probe && _portsOnly.Contains(deed.Server!.Id.Value))
            {
                _detector.Probed(deed.Server, deed.Number, ProbeOutcome.Answered, _now);
            }
            if (deed.Kind != DeedKind.Ping) continue;
            _pings.Add(deed.Number);
            if (_silent.Contains(deed.Server!.Id.Value)) continue;
            _detector.Answered(deed.Server, deed.Number, deed.Server.Incarnation, _now);
        }
        if (_detector.Deeds.Count > 0) Take();
    }
}
