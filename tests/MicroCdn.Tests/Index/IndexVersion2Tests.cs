using System.Net;
using MicroCdn.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// docs/protocol.md, version 2: what an index answers, and what its directory knows then.
public sealed class IndexVersion2Tests
{
    private readonly IndexWorld _index = new();
    private readonly string _x = Lists.Digest("x").ToString(), _y = Lists.Digest("y").ToString();

    [Fact]
    public void A_whole_conversation_split_at_any_byte_is_answered_alike()
    {
        byte[] bytes = ("HELLO 2\nREGISTER CS1 7001 7002 http=7003 zone=a%20b\n"
            + $"ADD_FILE CS1 a%20b 20 time=9 sha256={_x}\nADD_FILE CS1 c 1\nDONE_FILES\n"
            + "GET a b\nREMOVE_FILE CS1 c\nADD_FILE CS1 d 2\nDONE_FILES\nLIST_FILES\n"
            + "HELLO\nDONE_FILES why=not\n").Utf8();
        string expected = "WELCOME MICRO-CDN 2\nOK REGISTERED\nOK FILES_ADDED\nSERVER 127.0.0.1 7001 CS1 20\n"
            + "OK FILES_ADDED\nFILE a%20b 20\nFILE d 2\nEND\nWELCOME MICRO-CDN\nOK FILES_ADDED\n";
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            IndexWorld index = new();
            Wire wire = index.Connect().Receive(bytes.AsSpan(0, cut));
            Settle();
            wire.Receive(bytes.AsSpan(cut));
            Settle();
            Assert.Equal(expected, wire.Sent);
            Assert.True(index.Directory.TryFind("a b"u8, out FileEntry entry));
            Assert.Equal((20, _x, 9), (entry.Size, entry.Digest.ToString(), entry.UnixSeconds));
            Assert.Equal((7003, "a b"), (entry[0].Contact!.HttpPort, entry[0].Contact!.Zone));

            void Settle()
            {
                for (int lists = 0; lists < 3; lists++)
                {
                    index.Apply();
                    wire.Turn();
                }
            }
        }
    }

    [Fact]
    public void What_REGISTER_says_is_known_of_the_server()
    {
        Register("CS1", "10.0.0.5",
            "http=80 https=443 host=cs1.example.org url=https://a/ zone=north country=de weight=7 new=1", "a 1");
        Assert.True(_index.Directory.TryFind("a"u8, out FileEntry entry));
        Contact contact = entry[0].Contact!;
        Assert.Equal((80, 443, "cs1.example.org"), (contact.HttpPort, contact.HttpsPort, contact.Host));
        Assert.Equal(("https://a/", "north", "DE", 7), (contact.Url, contact.Zone, contact.Country, contact.Weight));
        _index.Register("CS1", "10.0.0.5", "a 1");
        Assert.True(_index.Directory.TryFind("a"u8, out entry));
        contact = entry[0].Contact!;
        Assert.Equal((null, null, 100), (contact.HttpPort, contact.Url, contact.Weight));
    }

    [Theory]
    [InlineData("REGISTER CS1 7001 7002 http=0", "ERROR MALFORMED\n")]
    [InlineData("REGISTER CS1 7001 7002 7003", "ERROR MALFORMED\n")]
    [InlineData("DONE_FILES", "ERROR NOT_REGISTERED\n")]
    [InlineData("DONE_FILES 1", "ERROR MALFORMED\n")]
    [InlineData("ADD_FILE CS1 a 1", "")]
    [InlineData("REMOVE_FILE CS1 a", "")]
    public void Every_odd_line_has_its_answer_and_the_connection_goes_on(string line, string answer) =>
        Assert.Equal($"WELCOME MICRO-CDN 2\n{answer}END\n", _index.Ask($"HELLO 2\n{line}\nLIST_FILES\n"));

    [Theory]
    [InlineData("ADD_FILE CS1 two words 1")]
    [InlineData("ADD_FILE CS1 a 1 time=x")]
    [InlineData("ADD_FILE CS1 a 1 sha256=1")]
    [InlineData("ADD_FILE CS2 a 1")]
    [InlineData("ADD_FILE CS1 ../a 1")]
    [InlineData("REMOVE_FILE CS1")]
    [InlineData("REMOVE_FILE CS2 good")]
    [InlineData("REMOVE_FILE CS1 ../good")]
    public void A_refused_line_of_a_list_is_counted_and_left_out(string line)
    {
        Wire wire = Register("CS1", "10.0.0.5", "", "good 7");
        Assert.Equal("OK FILES_ADDED\n", Change(wire, line));
        Assert.Equal(1, _index.Complaints);
        Assert.Equal("FILE good 7\nEND\n", _index.Ask("LIST_FILES\n"));
    }

    [Fact]
    public void A_connection_that_ends_within_a_change_changes_nothing()
    {
        Wire wire = Register("CS1", "10.0.0.5", "", "a 1", "b 2");
        wire.Receive("REMOVE_FILE CS1 a\nADD_FILE CS1 c 3\nDONE_FILE");
        wire.Conversation.End();
        _index.Apply();
        Assert.Equal("FILE a 1\nFILE b 2\nEND\n", _index.Ask("LIST_FILES\n"));
    }

    // Two servers by mistake of one id, or one that came back while its old connection still stands.
    [Fact]
    public void After_another_connection_has_registered_the_server_a_change_is_refused()
    {
        Wire old = Register("CS1", "10.0.0.5", "", "a 1");
        Wire now = Register("CS1", "10.0.0.6", "", "b 2");
        Assert.Equal("ERROR NOT_REGISTERED\n", Change(old, "REMOVE_FILE CS1 b"));
        Assert.Equal("OK FILES_ADDED\n", Change(now, "ADD_FILE CS1 c 3"));
        Assert.Equal("FILE b 2\nFILE c 3\nEND\n", _index.Ask("LIST_FILES\n"));
    }

    [Fact]
    public void A_server_may_register_anew_on_its_connection_and_the_list_is_a_whole_one_again()
    {
        Wire wire = Register("CS1", "10.0.0.5", "", "old 1");
        wire.Receive("REGISTER CS1 7001 7002\n");
        Assert.Equal("OK REGISTERED\nOK FILES_ADDED\n", Change(wire, "ADD_FILE CS1 new 3\nREMOVE_FILE CS1 never"));
        Assert.Equal("FILE new 3\nEND\n", _index.Ask("LIST_FILES\n"));
    }

    [Fact]
    public void A_version_2_connection_from_a_trusted_network_may_be_idle_and_no_strangers()
    {
        Wire friend = _index.Connect("10.0.0.5").Receive("HELLO 2\n");
        Wire stranger = _index.Connect("192.0.2.1").Receive("HELLO 2\n");
        Assert.Equal("WELCOME MICRO-CDN 2\n", stranger.Sent);
        friend.Now += 61_000;
        stranger.Now += 61_000;
        Assert.False(friend.Conversation.Expire(friend.Now));
        Assert.True(stranger.Conversation.Expire(stranger.Now));
    }

    [Fact]
    public void Servers_whose_copies_have_other_bytes_are_named_in_the_log_and_not_offered()
    {
        Register("CS1", "10.0.0.5", "", $"a 1 sha256={_x}");
        Register("CS2", "10.0.0.6", "", $"a 1 sha256={_x}");
        Register("CS3", "10.0.0.7", "", $"a 1 sha256={_y}");
        _index.Register("CS4", "10.0.0.8", "a 1");
        string line = _index.Log.Lines.First(line => line.Contains("not offered", StringComparison.Ordinal));
        Assert.Contains($"'a' is 1 bytes, sha256 {_x[..8]}... on most servers; not offered from CS3 (1 bytes, sha256 "
            + $"{_y[..8]}...)", line, StringComparison.Ordinal);
        Assert.True(_index.Directory.TryFind("a"u8, out FileEntry entry));
        Assert.Equal(["CS1", "CS2", "CS4"], Enumerable.Range(0, entry.Count).Select(n => entry[n].Id.Value));
        OtherCopy other = Assert.Single(_index.Directory.NotOffered("a"u8));
        Assert.Equal(("CS3", _y), (other.Server.Id.Value, other.Digest.ToString()));
        for (int ask = 0; ask < 9; ask++) Assert.NotEqual("CS3", _index.Directory.Choose("a"u8, true)!.Id.Value);
    }

    [Fact]
    public void The_directory_knows_dead_holders_and_chooses_live_ones()
    {
        Register("CS1", "10.0.0.5", "", "a 1", "only 2");
        Register("CS2", "10.0.0.6", "", "a 1");
        _index.Ask("SERVER_DOWN CS1 1\nUPDATE_LOAD CS2 5\n");
        Assert.True(_index.Directory.TryFind("a"u8, out FileEntry entry));
        Assert.Equal((2, false, true, 5), (entry.Count, entry[0].IsAsked, entry[1].IsAsked, entry[1].Load));
        Assert.Equal(IPAddress.Parse("10.0.0.6"), entry[1].Contact!.Address);
        Assert.Equal("CS2", _index.Directory.Choose("a"u8, true)?.Id.Value);
        Assert.True(_index.Directory.TryFind("only"u8, out entry));
        Assert.Null(_index.Directory.Choose("only"u8, true));
        Assert.False(_index.Directory.TryFind("nothing"u8, out _));
        Assert.Null(_index.Directory.Choose("nothing"u8, true));
        Assert.Equal((2, 2), (_index.Directory.Count, _index.Directory.Servers.Count));
    }

    // The same list of policies as the gateway's, for who asks by the line protocol.
    [Fact]
    public void A_GET_names_a_server_of_the_clients_zone()
    {
        IndexWorld index = new(new Locations([new ZoneNetwork(IPNetwork.Parse("192.0.2.0/24"), "the lab")]));
        foreach ((string id, string facts) in new[] { ("CS1", ""), ("CS2", " zone=the%20lab"), ("CS3", " zone=other") })
        {
            index.Connect("10.0.0.5").Receive(
                $"HELLO 2\nREGISTER {id} 7001 7002{facts}\nADD_FILE {id} a 1\nDONE_FILES\n");
        }
        index.Apply();
        string answers = index.Ask(string.Concat(Enumerable.Repeat("GET a\n", 20)), "::ffff:192.0.2.7");
        Assert.Equal(string.Concat(Enumerable.Repeat("SERVER 10.0.0.5 7001 CS2 1\n", 20)), answers);
        answers = index.Ask(string.Concat(Enumerable.Repeat("GET a\n", 60)), "198.51.100.1");
        Assert.All(new[] { "CS1", "CS2", "CS3" }, id => Assert.Contains(id, answers, StringComparison.Ordinal));
    }

    [Fact]
    public void The_directory_takes_names_decoded_and_decodes_nothing()
    {
        Register("CS1", "10.0.0.5", "", "a%20b 1");
        Assert.True(_index.Directory.TryFind("a b"u8, out _));
        Assert.False(_index.Directory.TryFind("a%20b"u8, out _));
        Assert.Null(_index.Directory.Choose("a%20b"u8, true));
    }

    [Fact]
    public void Ten_thousand_look_ups_in_the_directory_allocate_nothing()
    {
        Register("CS1", "10.0.0.5", "", $"a 1 sha256={_x}", "b 2");
        Register("CS2", "10.0.0.6", "", $"a 1 sha256={_y}", "b 2");
        FileDirectory directory = _index.Directory;
        byte[][] asked = ["a"u8.ToArray(), "b"u8.ToArray(), "c"u8.ToArray()];
        Ask(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Ask(10_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Ask(int times)
        {
            for (int time = 0; time < times; time++)
            {
                foreach (byte[] name in asked)
                {
                    if (directory.TryFind(name, out FileEntry entry)) _ = entry[0].IsAsked && entry.Digest.IsNone;
                    directory.Choose(name, true);
                }
            }
        }
    }

    private Wire Register(string id, string remote, string facts, params string[] files)
    {
        Wire wire = _index.Connect(remote).Receive($"HELLO 2\nREGISTER {id} 7001 7002 {facts}\n");
        Assert.Equal("WELCOME MICRO-CDN 2\nOK REGISTERED\n", wire.Take());
        string list = string.Join('\n', files.Select(file => $"ADD_FILE {id} {file}"));
        Assert.Equal("OK FILES_ADDED\n", Change(wire, list));
        return wire;
    }

    private string Change(Wire wire, string lines)
    {
        wire.Receive($"{lines}\nDONE_FILES\n");
        _index.Apply();
        return wire.Turn().Take();
    }
}
