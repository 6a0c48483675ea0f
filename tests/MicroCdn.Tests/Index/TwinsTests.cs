using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// Two processes with one id, a later start of one, and a server that leaves in order.
public sealed class TwinsTests
{
    private readonly IndexWorld _index = new();

    [Theory]
    // The second speaks from the same address.
    [InlineData("10.0.0.5", 7001, "inc=7", "inc=8", true)]
    [InlineData("10.0.0.5", 7001, "inc=7", "inc=7", true)]
    [InlineData("10.0.0.5", 7001, "inc=7", "inc=6", false)]
    [InlineData("10.0.0.5", 7101, "inc=7", "inc=7", false)]
    [InlineData("10.0.0.5", 7101, "inc=7", "inc=8", true)]
    // And from elsewhere.
    [InlineData("10.0.0.6", 7001, "inc=7", "inc=8", false)]
    [InlineData("10.0.0.6", 7001, "inc=7", "inc=7", false)]
    // Who tells no count is taken as in version 1.
    [InlineData("10.0.0.6", 7001, "", "inc=8", true)]
    [InlineData("10.0.0.6", 7001, "inc=7", "", true)]
    public void While_the_first_is_connected_the_second_is_a_later_start_or_a_twin(
        string address, int port, string first, string second, bool isTaken)
    {
        Register("10.0.0.5", 7001, first, isTaken: true);
        Register(address, port, second, isTaken);
        Assert.Equal($"SERVER {(isTaken ? address : "10.0.0.5")} {(isTaken ? port : 7001)} CS1 1\n",
            _index.Ask("GET a\n"));
        string twins = $"CS1 at {address}:{port} (start {second.Split('=')[^1]}) is refused: 10.0.0.5:7001 (start 7)";
        Assert.Equal(isTaken ? 0 : 1,
            _index.Log.Lines.Count(line => line.Contains(twins, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("inc=8")]
    [InlineData("inc=6")]
    public void Once_the_first_is_gone_whoever_comes_is_the_server(string second)
    {
        Register("10.0.0.5", 7001, "inc=7", isTaken: true).Conversation.End();
        Register("10.0.0.6", 7001, second, isTaken: true);
        Assert.Equal("SERVER 10.0.0.6 7001 CS1 1\n", _index.Ask("GET a\n"));
    }

    [Fact]
    public void A_list_that_an_older_start_was_telling_is_refused_at_its_end()
    {
        Wire old = _index.Connect("10.0.0.5").Receive("HELLO 2\nREGISTER CS1 7001 7002 inc=7\nADD_FILE CS1 old 1\n");
        Register("10.0.0.5", 7001, "inc=8", isTaken: true);
        old.Take();
        Assert.Equal("ERROR TWIN\n", old.Receive("DONE_FILES\n").Take());
        Assert.Equal("FILE a 1\nEND\n", _index.Ask("LIST_FILES\n"));
    }

    [Fact]
    public void The_end_of_a_registration_is_looked_into_and_no_look_is_needed_when_the_server_left_or_spoke_anew()
    {
        Register("10.0.0.5", 7001, "", isTaken: true).Conversation.End();
        Wire old = Register("10.0.0.5", 7001, "inc=1", isTaken: true);
        Wire now = Register("10.0.0.5", 7001, "inc=2", isTaken: true);
        old.Conversation.End();
        Assert.Empty(_index.Looks);
        now.Conversation.End();
        Assert.Equal(["CS1"], _index.Looks);
        // Suspect until somebody has looked, so that a crash is known as soon as the connection breaks.
        Assert.Equal(ServerState.Suspect, _index.StateOf("CS1"));
        _index.Looked("CS1", answers: true);
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        _index.Looked("CS1", answers: false);
        Assert.Equal((ServerState.Dead, "it does not answer the index"),
            (_index.StateOf("CS1"), _index.Fleet.Servers[0].Why));
        Wire leaves = Register("10.0.0.5", 7001, "inc=3", isTaken: true);
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        Assert.Equal("OK DRAINING\n", leaves.Receive("DRAIN CS1\n").Take());
        leaves.Conversation.End();
        Assert.Equal(["CS1"], _index.Looks);
    }

    [Fact]
    public void A_server_that_answers_and_does_not_register_again_is_asked_last_and_the_reason_is_told()
    {
        _index.Register("CS2", "10.0.0.6", "a 1");
        Register("10.0.0.5", 7001, "inc=1", isTaken: true).Conversation.End();
        _index.Looked("CS1", answers: true);
        _index.Time.Advance(TimeSpan.FromSeconds(55));
        _index.Fleet.Forget();
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        _index.Time.Advance(TimeSpan.FromSeconds(6));
        _index.Fleet.Forget();
        Assert.Equal((ServerState.Suspect, "the connection that registered it ended, and it did not come back"),
            (_index.StateOf("CS1"), _index.Fleet.Find(Names.Id("CS1"))!.Why));
        for (int ask = 0; ask < 10; ask++) Assert.Equal("SERVER 10.0.0.6 7001 CS2 1\n", _index.Ask("GET a\n"));

        Wire back = Register("10.0.0.5", 7001, "inc=2", isTaken: true);
        _index.Time.Advance(TimeSpan.FromMinutes(10));
        _index.Fleet.Forget();
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        // Who left in order is not waited for.
        back.Receive("DRAIN CS1\n").Conversation.End();
        _index.Time.Advance(TimeSpan.FromMinutes(10));
        _index.Fleet.Forget();
        Assert.Equal(ServerState.Draining, _index.StateOf("CS1"));
    }

    [Theory]
    [InlineData("inc=7", true)]
    // Without a count the end of a connection says nothing.
    [InlineData("", false)]
    public void A_connection_that_ends_while_its_list_is_being_put_in_place_is_looked_into_too(
        string facts, bool isLookedInto)
    {
        Wire wire = _index.Connect("10.0.0.5")
            .Receive($"HELLO 2\nREGISTER CS1 7001 7002 {facts}\nADD_FILE CS1 a 1\nDONE_FILES\n");
        wire.Conversation.End();
        _index.Apply();
        Assert.Equal(isLookedInto ? ["CS1"] : [], _index.Looks);
        Assert.Equal(isLookedInto ? ServerState.Suspect : ServerState.Unknown, _index.StateOf("CS1"));
    }

    [Fact]
    public void A_server_that_drains_gets_no_new_client_until_it_resumes_or_registers_anew()
    {
        Wire wire = Register("10.0.0.5", 7001, "inc=7", isTaken: true);
        Assert.Equal("OK DRAINING\n", wire.Receive("DRAIN CS1\n").Take());
        Assert.Equal("ERROR FILE_NOT_FOUND\n", _index.Ask("GET a\n"));
        Assert.Equal("SERVER CS1 10.0.0.5 7001 0 dead\nEND\n", _index.Ask("LIST_SERVERS\n"));
        Assert.Equal("OK RESUMED\n", wire.Receive("RESUME CS1\n").Take());
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", _index.Ask("GET a\n"));
        wire.Receive("DRAIN CS1\n");
        Register("10.0.0.5", 7001, "inc=8", isTaken: true);
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", _index.Ask("GET a\n"));
        // The older start has no say any more.
        wire.Take();
        Assert.Equal("ERROR NOT_REGISTERED\n", wire.Receive("DRAIN CS1\n").Take());
    }

    [Theory]
    [InlineData("DRAIN CS2")]
    [InlineData("DRAIN CS1 now")]
    [InlineData("RESUME")]
    public void A_server_drains_itself_alone(string line)
    {
        Register("10.0.0.6", 7101, "", isTaken: true);
        Wire wire = Register("10.0.0.5", 7001, "inc=7", isTaken: true);
        Assert.StartsWith("ERROR ", wire.Receive($"{line}\n").Take(), StringComparison.Ordinal);
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
    }

    private Wire Register(string address, int port, string facts, bool isTaken)
    {
        Wire wire = _index.Connect(address).Receive($"HELLO 2\nREGISTER CS1 {port} {port + 1} {facts}\n");
        Assert.Equal($"WELCOME MICRO-CDN 2\n{(isTaken ? "OK REGISTERED" : "ERROR TWIN")}\n", wire.Take());
        if (!isTaken) return wire;
        wire.Receive("ADD_FILE CS1 a 1\nDONE_FILES\n");
        _index.Apply();
        Assert.Equal("OK FILES_ADDED\n", wire.Turn().Take());
        return wire;
    }
}
