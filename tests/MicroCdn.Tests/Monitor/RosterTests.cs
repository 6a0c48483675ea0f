using MicroCdn.Monitor;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Monitor;

// Issue 2, monitor: dead after 8 s of silence, looked at every second; "It does not blame others for its own pauses".
public sealed class RosterTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Roster _roster;

    public RosterTests() => _roster = new Roster(_time, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(1));

    [Fact]
    public void The_first_heartbeat_makes_a_server_known_with_all_it_said()
    {
        Assert.Equal(Change.Appeared, Beat("CS1", load: 3, files: 250));
        Member member = Assert.Single(_roster.Members);
        Assert.Equal(("CS1", "10.0.0.5", 7001, 3, 250, true),
            (member.Id.Value, ((ReadOnlySpan<byte>)member.Host).Text(),
            member.Port, member.Load, member.Files, member.IsAlive));
        Assert.Null(Beat("CS1", load: 4, host: "10.0.0.6"));
        Assert.Equal((4, "10.0.0.6"), (member.Load, ((ReadOnlySpan<byte>)member.Host).Text()));
    }

    [Fact]
    public void A_server_that_beats_stays_alive()
    {
        Beat("CS1");
        for (int second = 1; second <= 100; second++)
        {
            Assert.Empty(Passes(1));
            if (second % 7 == 0) Assert.Null(Beat("CS1"));
        }
    }

    [Fact]
    public void The_timeout_is_exact()
    {
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Beat("CS1");
        for (int second = 1; second <= 8; second++) Assert.Empty(Passes(1));
        Assert.Equal(TimeSpan.FromSeconds(7.5), _time.GetElapsedTime(_roster.Members.First().HeardAt));
        _time.Advance(TimeSpan.FromSeconds(0.5) - TimeSpan.FromTicks(1));
        Assert.Empty(Sweep());
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(["CS1"], Sweep());
    }

    [Fact]
    public void A_death_is_told_once()
    {
        Beat("CS1");
        Beat("CS2");
        for (int second = 1; second <= 7; second++) Assert.Empty(Passes(1));
        Beat("CS2");
        Assert.Equal(["CS1"], Passes(1));
        Assert.Empty(Passes(1));
        Assert.False(Member("CS1").IsAlive);
        Assert.True(Member("CS2").IsAlive);
    }

    [Fact]
    public void A_dead_server_that_beats_is_back_and_can_die_again()
    {
        Beat("CS1");
        for (int second = 1; second <= 8; second++) Passes(1);
        Assert.Equal(Change.Returned, Beat("CS1"));
        Assert.True(Member("CS1").IsAlive);
        Assert.Null(Beat("CS1"));
        for (int second = 1; second <= 7; second++) Assert.Empty(Passes(1));
        Assert.Equal(["CS1"], Passes(1));
    }

    // The watchman slept: nobody can be blamed for calls he slept through.
    [Theory]
    [InlineData(9)]
    [InlineData(60)]
    [InlineData(86_400 * 3)]
    public void After_our_own_pause_nobody_is_dead_at_once(int seconds)
    {
        Beat("CS1");
        Assert.Empty(Passes(1));
        Assert.Empty(Passes(seconds));
        Assert.True(Member("CS1").IsAlive);
    }

    [Fact]
    public void Silence_before_and_after_the_pause_still_counts()
    {
        Beat("CS1");
        for (int second = 1; second <= 5; second++) Assert.Empty(Passes(1));
        // A minute asleep: one second of it was the wait that was wanted, so 6 s of silence stand.
        Assert.Empty(Passes(60));
        Assert.Empty(Passes(1));
        Assert.Equal(["CS1"], Passes(1));
    }

    [Fact]
    public void Who_was_heard_after_the_pause_is_not_heard_in_the_future()
    {
        Beat("CS1");
        Assert.Empty(Passes(1));
        _time.Advance(TimeSpan.FromSeconds(60));
        // Its datagram was waiting when we woke, and was read before the first look.
        Beat("CS1");
        Assert.Empty(Sweep());
        Assert.Equal(_time.GetTimestamp(), Member("CS1").HeardAt);
        for (int second = 1; second <= 7; second++) Assert.Empty(Passes(1));
        Assert.Equal(["CS1"], Passes(1));
    }

    [Fact]
    public void A_look_that_is_a_little_late_is_no_pause()
    {
        Beat("CS1");
        List<string> dead = [];
        int looks = 0;
        for (; dead.Count == 0; looks++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1_250));
            dead = Sweep();
        }
        Assert.Equal(7, looks);
    }

    [Fact]
    public void Pauses_again_and_again_do_not_keep_the_dead_alive_for_ever()
    {
        Beat("CS1");
        int looks = 0;
        while (Passes(5).Count == 0) looks++;
        Assert.Equal(7, looks);
    }

    // "a monitor that is restarted ... counts each server as last heard at its own start"
    [Fact]
    public void An_expected_server_that_stays_silent_is_dead_eight_seconds_after_our_start()
    {
        for (int second = 1; second <= 3; second++) Assert.Empty(Passes(1));
        Assert.True(_roster.Expect(Row("CS1", alive: true)));
        Assert.Equal(("10.0.0.5", 7001, 4, true), (((ReadOnlySpan<byte>)Member("CS1").Host).Text(),
            Member("CS1").Port, Member("CS1").Load, Member("CS1").IsAlive));
        for (int second = 4; second <= 7; second++) Assert.Empty(Passes(1));
        Assert.Equal(["CS1"], Passes(1));
    }

    // A monitor that comes back behind a broken line hears nobody, and would take a whole fleet out.
    [Fact]
    public void Most_of_a_fleet_that_was_never_heard_is_doubted_once_and_not_dead()
    {
        string[] ids = ["CS1", "CS2", "CS3", "CS4"];
        foreach (string id in ids) _roster.Expect(Row(id, alive: true));
        for (int second = 1; second <= 7; second++) Assert.Empty(Passes(1));
        Assert.Equal(ids, Passes(1));
        Assert.True(_roster.IsDegraded);
        for (int second = 1; second <= 60; second++) Assert.Empty(Passes(1));
        Assert.All(_roster.Members, member => Assert.True(member.IsAlive));

        // The line is back: who is heard is no longer suspect, and who is not gets the whole time once more.
        foreach (string id in ids[..3]) Assert.Equal(Change.Returned, Beat(id));
        Assert.Empty(Passes(1));
        Assert.False(_roster.IsDegraded);
        for (int second = 1; second <= 7; second++)
        {
            Assert.Empty(Passes(1));
            foreach (string id in ids[..3]) Assert.Null(Beat(id));
        }
        Assert.Equal(["CS4"], Passes(1));
    }

    [Fact]
    public void A_fleet_that_was_heard_and_falls_silent_is_dead()
    {
        string[] ids = ["CS1", "CS2", "CS3"];
        foreach (string id in ids) Beat(id);
        for (int second = 1; second <= 7; second++) Assert.Empty(Passes(1));
        Assert.Equal(ids, Passes(1));
        Assert.False(Member("CS1").IsAlive);
    }

    [Fact]
    public void While_servers_of_version_2_are_heard_the_trouble_is_not_ours()
    {
        foreach (string id in new[] { "CS1", "CS2", "CS3" }) _roster.Expect(Row(id, alive: true));
        for (int second = 1; second <= 7; second++) Passes(1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(3, _roster.Sweep(_time.GetTimestamp(), others: 3).Count);
        Assert.All(_roster.Members, member => Assert.False(member.IsAlive));
    }

    [Fact]
    public void An_expected_server_that_beats_is_no_news()
    {
        _roster.Expect(Row("CS1", alive: true));
        Passes(1);
        Assert.Null(Beat("CS1"));
        for (int second = 1; second <= 7; second++) Assert.Empty(Passes(1));
    }

    [Fact]
    public void One_that_an_index_calls_dead_stays_dead_until_it_is_heard()
    {
        Assert.True(_roster.Expect(Row("CS1", alive: false)));
        for (int second = 1; second <= 20; second++) Assert.Empty(Passes(1));
        Assert.False(Member("CS1").IsAlive);
        Assert.Equal(Change.Returned, Beat("CS1"));
    }

    [Fact]
    public void What_an_index_says_does_not_outweigh_what_was_heard()
    {
        Beat("CS1");
        Assert.False(_roster.Expect(Row("CS1", alive: false)));
        Assert.True(Member("CS1").IsAlive);
        Assert.Equal(0, Member("CS1").Load);
    }

    [Fact]
    public void A_full_table_takes_no_more_and_loses_nobody()
    {
        for (int number = 0; number < Limits.Servers; number++) Assert.Equal(Change.Appeared, Beat($"S{number}"));
        Assert.Null(Record("one-more", "10.0.0.5", 0, 0, out Member? member));
        Assert.Null(member);
        Assert.False(_roster.Expect(Row("another", alive: true)));
        Assert.Null(Record("S0", "10.0.0.5", 0, 0, out member));
        Assert.NotNull(member);
        Assert.Equal(Limits.Servers, _roster.Members.Count);
    }

    [Fact]
    public void A_heartbeat_of_a_known_server_allocates_nothing()
    {
        byte[][] beats = [.. Enumerable.Range(0, 50).Select(n => $"HEARTBEAT CS{n} 10.0.0.{n} 7001 {n} 10".Utf8())];
        Take(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Take(200);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Take(int rounds)
        {
            for (int round = 0; round < rounds; round++)
            {
                foreach (byte[] datagram in beats)
                {
                    if (!Heartbeat.TryParse(datagram, out Heartbeat beat)) throw new InvalidDataException();
                    _roster.Record(beat, _time.GetTimestamp(), out _);
                }
            }
        }
    }

    private Change? Beat(string id, int load = 0, int files = 1, string host = "10.0.0.5") =>
        Record(id, host, load, files, out _);

    private Change? Record(string id, string host, int load, int files, out Member? member)
    {
        Assert.True(Heartbeat.TryParse($"HEARTBEAT {id} {host} 7001 {load} {files}".Utf8(), out Heartbeat beat));
        return _roster.Record(beat, _time.GetTimestamp(), out member);
    }

    private Member Member(string id) => _roster.Members.Single(member => member.Id.Value == id);

    private static ServerRow Row(string id, bool alive) => new(Names.Id(id), "10.0.0.5", 7001, 4, alive);

    /// <summary>Some seconds pass, then a look: who is dead from now on.</summary>
    private List<string> Passes(int seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        return Sweep();
    }

    private List<string> Sweep() =>
        [.. _roster.Sweep(_time.GetTimestamp(), others: 0).Select(member => member.Id.Value).Order()];
}
