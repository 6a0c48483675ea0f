using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// docs/protocol.md, "Life and death": what an index makes of monitors of version 2.
public sealed class MonitorTalkTests
{
    private readonly IndexWorld _index = new();

    [Fact]
    public void A_whole_conversation_split_at_any_byte_is_answered_alike_and_ends_in_the_same_states()
    {
        byte[] bytes = ("HELLO 2\nMONITOR m1\nSTATES ev=3\nSTATE CS1 alive inc=0 ev=3\n"
            + "STATE CS2 suspect inc=0 ev=2\nSTATE bad\nEND_STATES\nSERVER_DOWN CS2 1767225600 inc=0 ev=4\n"
            + "SERVER_SUSPECT CS1 9 inc=0 ev=5\nSERVER_UP CS1 9 inc=0 ev=6 state=returning\n"
            + "SERVER_SUSPECT CS1 9 inc=0 ev=5\nDOUBT on\nDOUBT off\n").Utf8();
        string expected = "WELCOME MICRO-CDN 2\nOK MONITOR\nOK STATES\nOK SERVER_MARKED_DEAD\n"
            + "OK SERVER_MARKED_SUSPECT\nOK SERVER_MARKED_UP\nOK SERVER_MARKED_SUSPECT\nOK DOUBT\nOK DOUBT\n";
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            IndexWorld index = new();
            index.Register("CS1", "10.0.0.5", "a 1");
            index.Register("CS2", "10.0.0.6", "a 1");
            Wire wire = index.Connect("10.0.0.9").Receive(bytes.AsSpan(0, cut)).Receive(bytes.AsSpan(cut));
            Assert.Equal(expected, wire.Sent);
            Assert.Equal((ServerState.Returning, ServerState.Dead), (index.StateOf("CS1"), index.StateOf("CS2")));
            Assert.Equal(1, index.Complaints);
        }
    }

    [Theory]
    [InlineData("SERVER_DOWN CS1 9 inc=0 ev=5", "OK SERVER_MARKED_DEAD", ServerState.Dead)]
    [InlineData("SERVER_SUSPECT CS1 9 inc=0 ev=5", "OK SERVER_MARKED_SUSPECT", ServerState.Suspect)]
    [InlineData("SERVER_UP CS1 9 inc=0 ev=5 state=draining", "OK SERVER_MARKED_UP", ServerState.Draining)]
    [InlineData("SERVER_DOWN CS9 9 inc=0 ev=5", "OK SERVER_MARKED_DEAD", ServerState.Alive)]
    [InlineData("SERVER_DOWN CS1 9", "ERROR MALFORMED", ServerState.Alive)]
    [InlineData("SERVER_UP CS1 9 inc=0", "ERROR MALFORMED", ServerState.Alive)]
    [InlineData("DOUBT", "ERROR MALFORMED", ServerState.Alive)]
    [InlineData("STATES ev=x", "ERROR MALFORMED", ServerState.Alive)]
    [InlineData("END_STATES", "ERROR NOT_REGISTERED", ServerState.Alive)]
    [InlineData("MONITOR", "ERROR MALFORMED", ServerState.Alive)]
    public void Every_line_has_its_answer(string line, string answer, ServerState state)
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        Wire monitor = Monitor("m1", "CS1 alive inc=0 ev=1");
        Assert.Equal($"{answer}\n", monitor.Receive($"{line}\n").Take());
        Assert.Equal(state, _index.StateOf("CS1"));
    }

    [Theory]
    [InlineData("MONITOR m1")]
    [InlineData("SERVER_UP CS1 9 inc=0 ev=1")]
    [InlineData("DRAIN CS1")]
    public void Strangers_and_peers_of_version_1_say_nothing_of_health(string line)
    {
        Assert.Equal("WELCOME MICRO-CDN 2\nERROR NOT_TRUSTED\n", _index.Ask($"HELLO 2\n{line}\n", "192.0.2.1"));
        Assert.Equal("ERROR UNKNOWN_COMMAND\n", _index.Ask($"{line}\n"));
        string early = line.StartsWith("MONITOR", StringComparison.Ordinal) ? "OK MONITOR" : "ERROR NOT_REGISTERED";
        Assert.Equal($"WELCOME MICRO-CDN 2\n{early}\n", _index.Ask($"HELLO 2\n{line}\n"));
    }

    [Fact]
    public void Of_two_monitors_one_makes_suspect_and_both_make_dead_or_one_and_a_look_of_our_own()
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        Wire one = Monitor("m1", "CS1 alive inc=0 ev=1"), other = Monitor("m2", "CS1 alive inc=0 ev=1");
        one.Receive("SERVER_DOWN CS1 9 inc=0 ev=2\n");
        Assert.Equal((ServerState.Suspect, "CS1"), (_index.StateOf("CS1"), Assert.Single(_index.Looks)));
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", _index.Ask("GET a\n"));

        _index.Looked("CS1", answers: false);
        Assert.Equal(ServerState.Dead, _index.StateOf("CS1"));
        Assert.Equal("ERROR FILE_NOT_FOUND\n", _index.Ask("GET a\n"));
        _index.Looked("CS1", answers: true);
        Assert.Equal(ServerState.Suspect, _index.StateOf("CS1"));

        other.Receive("SERVER_DOWN CS1 9 inc=0 ev=2\n");
        Assert.Equal(ServerState.Dead, _index.StateOf("CS1"));
        other.Receive("DOUBT on\n");
        one.Receive("SERVER_UP CS1 9 inc=0 ev=3\n");
        Assert.Equal(ServerState.Alive, _index.StateOf("CS1"));
    }

    [Theory]
    [InlineData("SERVER_SUSPECT CS1 9 inc=0 ev=2 spared=1\n", ServerState.Dead)]
    [InlineData("SERVER_SUSPECT CS1 9 inc=0 ev=2 spared=0\n", ServerState.Suspect)]
    [InlineData("SERVER_SUSPECT CS1 9 inc=0 ev=2\n", ServerState.Suspect)]
    [InlineData("STATES ev=2\nSTATE CS1 suspect inc=0 ev=2 spared=1\nEND_STATES\n", ServerState.Dead)]
    public void Whom_only_the_limit_of_removals_spares_is_dead_once_the_index_finds_nobody_either(
        string lines, ServerState state)
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        Wire monitor = Monitor("m1", "CS1 alive inc=0 ev=1");
        monitor.Receive(lines);
        Assert.Equal((ServerState.Suspect, "CS1"), (_index.StateOf("CS1"), _index.Looks[^1]));
        _index.Looked("CS1", answers: false);
        Assert.Equal(state, _index.StateOf("CS1"));
        _index.Looked("CS1", answers: true);
        Assert.Equal(ServerState.Suspect, _index.StateOf("CS1"));
        monitor.Take();
        Assert.Equal("ERROR MALFORMED\n", monitor.Receive("SERVER_SUSPECT CS1 9 inc=0 ev=9 spared=2\n").Take());
    }

    [Fact]
    public void A_look_that_finds_nobody_is_repeated_every_second_until_somebody_answers()
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        Monitor("m1", "CS1 alive inc=0 ev=1");
        _index.Looked("CS1", answers: false);
        Assert.Equal(ServerState.Suspect, _index.StateOf("CS1"));
        _index.Looks.Clear();
        for (int second = 0; second < 3; second++) _index.Fleet.Forget();
        Assert.Equal(3, _index.Looks.Count);
        _index.Looked("CS1", answers: true);
        _index.Fleet.Forget();
        Assert.Equal((3, ServerState.Alive), (_index.Looks.Count, _index.StateOf("CS1")));
    }

    [Fact]
    public void When_all_monitors_doubt_the_dead_are_asked_last_and_not_left_out()
    {
        _index.Register("CS1", "10.0.0.5", "both 1", "only-1 1");
        _index.Register("CS2", "10.0.0.6", "both 1");
        Wire monitor = Monitor("m1", "CS1 dead inc=0 ev=1", "CS2 alive inc=0 ev=2");
        Assert.Equal("ERROR FILE_NOT_FOUND\n", _index.Ask("GET only-1\n"));
        monitor.Receive("DOUBT on\n");
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", _index.Ask("GET only-1\n"));
        for (int ask = 0; ask < 20; ask++) Assert.Equal("SERVER 10.0.0.6 7001 CS2 1\n", _index.Ask("GET both\n"));
        Assert.Contains("FILE only-1 1\n", _index.Ask("LIST_FILES\n"), StringComparison.Ordinal);
        monitor.Receive("DOUBT off\n");
        Assert.Equal("ERROR FILE_NOT_FOUND\n", _index.Ask("GET only-1\n"));
    }

    [Fact]
    public void A_monitor_whose_connection_ends_is_gone_and_whom_it_called_dead_has_to_be_found()
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        _index.Register("CS2", "10.0.0.6", "b 1");
        Wire monitor = Monitor("m1", "CS1 dead inc=0 ev=1", "CS2 alive inc=0 ev=2");
        monitor.Conversation.End();
        Assert.Equal((ServerState.Dead, ServerState.Unknown), (_index.StateOf("CS1"), _index.StateOf("CS2")));
        Assert.Equal(["CS1"], _index.Looks);
        _index.Looked("CS1", answers: true);
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", _index.Ask("GET a\n"));
    }

    [Fact]
    public void With_no_monitor_a_majority_that_the_index_cannot_reach_is_asked_all_the_same()
    {
        for (int n = 1; n <= 4; n++) _index.Register($"CS{n}", "10.0.0.5", $"{n} 1");
        _index.Looked("CS1", answers: false);
        _index.Looked("CS2", answers: false);
        Assert.Equal("ERROR FILE_NOT_FOUND\n", _index.Ask("GET 1\n"));
        _index.Looked("CS3", answers: false);
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", _index.Ask("GET 1\n"));
        _index.Looked("CS3", answers: true);
        Assert.Equal("ERROR FILE_NOT_FOUND\n", _index.Ask("GET 1\n"));
    }

    [Fact]
    public void A_monitor_that_is_silent_for_fifteen_seconds_is_gone_whatever_its_connection_looks_like()
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        Wire monitor = Monitor("m1", "CS1 alive inc=0 ev=1");
        _index.Time.Advance(TimeSpan.FromSeconds(15));
        _index.Fleet.Forget();
        Assert.Equal(ServerState.Alive, _index.StateOf("CS1"));
        _index.Time.Advance(TimeSpan.FromSeconds(1));
        _index.Fleet.Forget();
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        // It comes again, on another connection or on this one.
        Assert.Equal("ERROR NOT_REGISTERED\n", monitor.Receive("DOUBT off\n").Take());
        monitor.Receive("MONITOR m1\nSTATES\nSTATE CS1 alive inc=0 ev=1\nEND_STATES\n");
        Assert.Equal(ServerState.Alive, _index.StateOf("CS1"));
    }

    [Fact]
    public void Of_two_connections_of_one_monitor_the_newest_counts_and_when_it_ends_the_other_again()
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        Wire old = Monitor("m1", "CS1 dead inc=0 ev=9"), now = Monitor("m1", "CS1 alive inc=0 ev=1");
        Assert.Equal(ServerState.Alive, _index.StateOf("CS1"));
        Assert.Equal("OK SERVER_MARKED_SUSPECT\n", old.Receive("SERVER_SUSPECT CS1 9 inc=0 ev=10\n").Take());
        Assert.Equal(ServerState.Alive, _index.StateOf("CS1"));
        now.Conversation.End();
        Assert.Equal(ServerState.Suspect, _index.StateOf("CS1"));
        now = Monitor("m1", "CS1 alive inc=0 ev=11");
        old.Conversation.End();
        Assert.Equal(ServerState.Alive, _index.StateOf("CS1"));
        now.Receive("SERVER_DOWN CS1 9 inc=0 ev=12\n");
        Assert.Equal(ServerState.Dead, _index.StateOf("CS1"));
    }

    [Fact]
    public void LIST_SERVERS_tells_version_1_alive_or_dead_and_version_2_the_state_and_why()
    {
        _index.Register("CS1", "10.0.0.5", "a 1", "b 2");
        _index.Register("CS2", "10.0.0.6", "a 1", "b 2");
        _index.Register("CS3", "10.0.0.7", "a 9");
        _index.Register("CS4", "10.0.0.8", "a 1");
        Monitor("m1", "CS1 suspect inc=0 ev=1", "CS2 draining inc=0 ev=2", "CS3 alive inc=0 ev=3",
            "CS4 alive inc=0 ev=4");
        Assert.Equal("SERVER CS1 10.0.0.5 7001 0 alive\nSERVER CS2 10.0.0.6 7001 0 dead\n"
            + "SERVER CS3 10.0.0.7 7001 0 alive\nSERVER CS4 10.0.0.8 7001 0 alive\nEND\n",
            _index.Ask("LIST_SERVERS\n"));
        Assert.Equal("WELCOME MICRO-CDN 2\n"
            + "SERVER CS1 10.0.0.5 7001 0 alive state=suspect why=monitor%20m1%20suspects%20it\n"
            + "SERVER CS2 10.0.0.6 7001 0 dead state=draining why=it%20leaves%20in%20order\n"
            + "SERVER CS3 10.0.0.7 7001 0 alive state=alive why=not%20offered%20for%20'a':%20its%20copies%20differ"
            + "%20from%20those%20of%20most%20live%20servers\n"
            + "SERVER CS4 10.0.0.8 7001 0 alive state=alive\nEND\n", _index.Ask("HELLO 2\nLIST_SERVERS\n"));
    }

    [Fact]
    public void The_age_of_a_heartbeat_is_that_of_the_monitor_that_heard_it_last_and_grows_until_it_tells_anew()
    {
        Wire one = Monitor(
            "m1", "CS1 alive inc=0 ev=1 heard=70", "CS2 dead inc=0 ev=2 heard=90000", "CS3 alive inc=0 ev=3");
        Assert.Equal("CS1 0.07, CS2 90", Ages());
        _index.Time.Advance(TimeSpan.FromSeconds(0.8));
        Assert.Equal("CS1 0.87, CS2 90.8", Ages());
        Wire other = Monitor("m2", "CS1 alive inc=0 ev=1 heard=900", "CS2 alive inc=0 ev=2 heard=20");
        Assert.Equal("CS1 0.87, CS2 0.02", Ages());
        // A row that says nothing takes back what was said.
        one.Receive("STATES ev=9\nSTATE CS1 alive inc=0 ev=1\nSTATE CS2 dead inc=0 ev=2 heard=90800\nEND_STATES\n");
        Assert.Equal("CS1 0.9, CS2 0.02", Ages());
        other.Conversation.End();
        Assert.Equal("CS2 90.8", Ages());
        one.Conversation.End();
        Assert.Equal("", Ages());
    }

    private string Ages() => string.Join(", ", _index.Directory.HeartbeatAges().OrderBy(one => one.Key.Value)
        .Select(one => FormattableString.Invariant($"{one.Key} {one.Value.TotalSeconds}")));

    private Wire Monitor(string id, params string[] states)
    {
        string rows = string.Concat(states.Select(state => $"STATE {state}\n"));
        Wire wire = _index.Connect("10.0.0.9").Receive($"HELLO 2\nMONITOR {id}\nSTATES\n{rows}END_STATES\n");
        Assert.Equal("WELCOME MICRO-CDN 2\nOK MONITOR\nOK STATES\n", wire.Take());
        return wire;
    }
}
