using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// docs/protocol.md, version 1 messages: what an index answers.
public sealed class IndexSessionTests
{
    private readonly IndexWorld _index = new();

    [Fact]
    public void A_client_is_sent_to_the_server_that_has_the_file()
    {
        _index.Register("CS1", "10.0.0.5", "hello.txt 20", "empty.txt 0");
        Assert.Equal("""
            WELCOME MICRO-CDN
            SERVER 10.0.0.5 7001 CS1 20
            SERVER 10.0.0.5 7001 CS1 0
            ERROR FILE_NOT_FOUND

            """, _index.Ask("HELLO\nGET hello.txt\nGET empty.txt\nGET nothing\n"));
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 20\n", _index.Ask("GET hello.txt\n"));
    }

    [Fact]
    public void A_whole_conversation_split_at_any_byte_is_answered_alike()
    {
        string lines = "HELLO\r\nREGISTER CS1 7001 7002\nADD_FILE CS1 a%20b 20\nADD_FILE CS1 ü 3\nDONE_FILES\n"
            + "UPDATE_LOAD CS1 4\nGET a b\nGET ü\nLIST_FILES\nLIST_SERVERS\nNO\nSERVER_DOWN CS1 1\nGET a%20b\n";
        string expected = "WELCOME MICRO-CDN\nOK REGISTERED\nOK FILES_ADDED\nOK\nSERVER 127.0.0.1 7001 CS1 20\n"
            + "SERVER 127.0.0.1 7001 CS1 3\nFILE a%20b 20\nFILE ü 3\nEND\nSERVER CS1 127.0.0.1 7001 4 alive\nEND\n"
            + "ERROR UNKNOWN_COMMAND\nOK SERVER_MARKED_DEAD\nERROR FILE_NOT_FOUND\n";
        byte[] bytes = lines.Utf8();
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            IndexWorld index = new();
            Wire wire = index.Connect().Receive(bytes.AsSpan(0, cut));
            index.Apply();
            wire.Turn().Receive(bytes.AsSpan(cut));
            index.Apply();
            Assert.Equal(expected, wire.Turn().Sent);
        }
    }

    [Fact]
    public void Forty_requests_in_one_segment_are_answered_as_one_by_one_wherever_it_is_cut()
    {
        _index.Register("CS1", "10.0.0.5", [.. Enumerable.Range(0, 20).Select(number => $"file-{number} {number}")]);
        string[] lines = [.. Enumerable.Range(0, 40).Select(number => (number % 8) switch
        {
            0 => "GET ",
            1 => "HELLO",
            2 => $"GET no-file-{number}",
            3 => $"GET file-{number % 20}\r",
            4 => $"GET f%69le-{number % 20}",
            5 => $"  GET file-{number % 20}",
            _ => $"GET file-{number % 20}",
        })];
        string expected = string.Concat(lines.Select(line => _index.Ask($"{line}\n")));
        byte[] bytes = string.Concat(lines.Select(line => $"{line}\n")).Utf8();
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Wire wire = _index.Connect().Receive(bytes.AsSpan(0, cut)).Receive(bytes.AsSpan(cut));
            Assert.Equal(expected, wire.Sent);
        }
    }

    [Fact]
    public void Spaces_before_the_verb_are_skipped()
    {
        _index.Register("CS1", "10.0.0.5", "hello.txt 20");
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 20\nWELCOME MICRO-CDN\nERROR FILE_NOT_FOUND\nERROR MALFORMED\n",
            _index.Ask("  GET  hello.txt\n HELLO\n GET \n GET\n"));
    }

    [Theory]
    [InlineData("HELLO 1", "ERROR MALFORMED")]
    [InlineData("HELLO 3", "ERROR MALFORMED")]
    [InlineData("HELLO there", "ERROR MALFORMED")]
    [InlineData("REMOVE_FILE CS1 a", "ERROR UNKNOWN_COMMAND")]
    [InlineData("REGISTER CS1 7001 7002 http=80", "ERROR MALFORMED")]
    [InlineData("DONE_FILES a=b", "ERROR MALFORMED")]
    [InlineData("GET", "ERROR MALFORMED")]
    [InlineData("GET ", "ERROR FILE_NOT_FOUND")]
    [InlineData("GET ../../etc/passwd", "ERROR FILE_NOT_FOUND")]
    [InlineData("get hello.txt", "ERROR UNKNOWN_COMMAND")]
    [InlineData("", "ERROR UNKNOWN_COMMAND")]
    [InlineData("PING", "ERROR UNKNOWN_COMMAND")]
    [InlineData("LIST_FILES all", "ERROR MALFORMED")]
    [InlineData("LIST_SERVERS all", "ERROR MALFORMED")]
    [InlineData("REGISTER CS1", "ERROR MALFORMED")]
    [InlineData("REGISTER CS1 7001 7002 7003", "ERROR MALFORMED")]
    [InlineData("REGISTER CS1 -1 7002", "ERROR MALFORMED")]
    [InlineData("REGISTER CS1 65536 7002", "ERROR MALFORMED")]
    [InlineData("REGISTER CS1 9223372036854775808 7002", "ERROR MALFORMED")]
    [InlineData("DONE_FILES", "ERROR NOT_REGISTERED")]
    [InlineData("DONE_FILES 1", "ERROR MALFORMED")]
    [InlineData("UPDATE_LOAD CS9 1", "ERROR UNKNOWN_SERVER")]
    [InlineData("UPDATE_LOAD CS9 -1", "ERROR MALFORMED")]
    [InlineData("UPDATE_LOAD CS9 2147483648", "ERROR MALFORMED")]
    [InlineData("SERVER_DOWN CS9", "ERROR MALFORMED")]
    [InlineData("SERVER_DOWN CS9 1700000000", "OK SERVER_MARKED_DEAD")]
    [InlineData("LIST_FILES", "END")]
    [InlineData("LIST_SERVERS", "END")]
    public void Every_odd_line_has_its_answer_and_the_connection_goes_on(string line, string answer) =>
        Assert.Equal($"{answer}\nWELCOME MICRO-CDN\n", _index.Ask($"{line}\nHELLO\n"));

    // Issue 2: control messages are taken from loopback addresses alone unless --trust names more.
    [Theory]
    [InlineData("REGISTER CS2 7001 7002")]
    [InlineData("DONE_FILES")]
    [InlineData("UPDATE_LOAD CS1 1000")]
    [InlineData("SERVER_DOWN CS1 1700000000")]
    public void A_stranger_can_change_nothing(string line)
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        string before = _index.Ask("LIST_SERVERS\nLIST_FILES\n");
        Assert.Equal("ERROR NOT_TRUSTED\n", _index.Ask($"{line}\n", remote: "192.0.2.1"));
        Assert.Equal(before, _index.Ask("LIST_SERVERS\nLIST_FILES\n", remote: "192.0.2.1"));
        Assert.Single(_index.Fleet.Servers);
    }

    [Fact]
    public void A_strangers_ADD_FILE_is_counted_and_not_answered()
    {
        Assert.Equal("", _index.Ask("ADD_FILE CS1 a 1\n", remote: "192.0.2.1"));
        Assert.Equal(1, _index.Complaints);
        Assert.Contains("NOT_TRUSTED", Assert.Single(_index.Log.Lines), StringComparison.Ordinal);
    }

    // "An ADD_FILE that is refused is counted and logged, not answered; DONE_FILES still answers OK FILES_ADDED."
    [Theory]
    [InlineData("ADD_FILE CS2 foreign 1")]
    [InlineData("ADD_FILE CS1 ../../etc/passwd 1")]
    [InlineData("ADD_FILE CS1 /etc/passwd 1")]
    [InlineData("ADD_FILE CS1 %2e%2e/x 1")]
    [InlineData("ADD_FILE CS1 a%00b 1")]
    [InlineData("ADD_FILE CS1 %ff 1")]
    [InlineData("ADD_FILE CS1 a -1")]
    [InlineData("ADD_FILE CS1 a +5")]
    [InlineData("ADD_FILE CS1 a 9223372036854775808")]
    [InlineData("ADD_FILE CS1 a")]
    [InlineData("ADD_FILE CS1 1")]
    [InlineData("ADD_FILE CS1")]
    [InlineData("ADD_FILE")]
    public void A_refused_ADD_FILE_is_left_out_and_the_rest_is_taken(string line)
    {
        Assert.Equal("OK REGISTERED\nOK FILES_ADDED\nFILE good 7\nEND\n",
            _index.Ask($"REGISTER CS1 7001 7002\n{line}\nADD_FILE CS1 good 7\nDONE_FILES\nLIST_FILES\n"));
        Assert.Equal(1, _index.Complaints);
    }

    [Fact]
    public void A_name_of_1024_bytes_is_taken_and_of_1025_not()
    {
        string longest = new('n', Limits.NameBytes);
        Assert.Equal("OK REGISTERED\nOK FILES_ADDED\n", _index.Ask(
            $"REGISTER CS1 7001 7002\nADD_FILE CS1 {longest} 1\nADD_FILE CS1 {longest}n 1\nDONE_FILES\n"));
        Assert.StartsWith("SERVER", _index.Ask($"GET {longest}\n"), StringComparison.Ordinal);
        Assert.Equal("ERROR FILE_NOT_FOUND\n", _index.Ask($"GET {longest}n\n"));
        // Every byte of it encoded, it is three times as long.
        Assert.StartsWith("SERVER", _index.Ask($"GET {string.Concat(longest.Select(_ => "%6E"))}\n"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void ADD_FILE_before_REGISTER_adds_nothing()
    {
        Assert.Equal("ERROR NOT_REGISTERED\nEND\n", _index.Ask("ADD_FILE CS1 a 1\nDONE_FILES\nLIST_FILES\n"));
        Assert.Equal(2, _index.Complaints);
    }

    [Fact]
    public void Names_with_spaces_and_percent_are_found_raw_and_encoded()
    {
        _index.Register("CS1", "10.0.0.5", "my%20file.txt 1", "my other file.txt 2", "100%25 3", "50% 4");
        Assert.EndsWith(" 1\n", _index.Ask("GET my file.txt\n"), StringComparison.Ordinal);
        Assert.EndsWith(" 1\n", _index.Ask("GET my%20file.txt\n"), StringComparison.Ordinal);
        Assert.EndsWith(" 2\n", _index.Ask("GET my other file.txt\n"), StringComparison.Ordinal);
        Assert.EndsWith(" 3\n", _index.Ask("GET 100%\n"), StringComparison.Ordinal);
        Assert.EndsWith(" 4\n", _index.Ask("GET 50%\n"), StringComparison.Ordinal);
        Assert.Equal("FILE my%20file.txt 1\nFILE my%20other%20file.txt 2\nFILE 100%25 3\nFILE 50%25 4\nEND\n",
            _index.Ask("LIST_FILES\n"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ADD_FILE CS1 new 2\n")]
    [InlineData("ADD_FILE CS1 new 2\nDONE_FILE")]
    public void A_connection_that_ends_early_changes_nothing(string lines)
    {
        _index.Register("CS1", "10.0.0.5", "old 1");
        Wire wire = _index.Connect().Receive($"REGISTER CS1 9999 9998\n{lines}");
        wire.Conversation.EndInput();
        Assert.True(wire.Turn().Conversation.IsOver);
        wire.Conversation.End();
        _index.Apply();
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\nERROR FILE_NOT_FOUND\n", _index.Ask("GET old\nGET new\n"));
    }

    [Fact]
    public void A_registration_replaces_the_servers_whole_list()
    {
        _index.Register("CS1", "10.0.0.5", "old 1", "both 2");
        _index.Register("CS1", "10.0.0.6", "both 2", "new 3");
        Assert.Equal("ERROR FILE_NOT_FOUND\nSERVER 10.0.0.6 7001 CS1 2\nSERVER 10.0.0.6 7001 CS1 3\n",
            _index.Ask("GET old\nGET both\nGET new\n"));
    }

    [Fact]
    public void A_server_may_register_again_on_its_connection()
    {
        Wire wire = _index.Register("CS1", "10.0.0.5", "old 1");
        wire.Receive("DONE_FILES\nREGISTER CS1 7001 7002\nADD_FILE CS1 new 3\nDONE_FILES\n");
        _index.Apply();
        Assert.Equal("ERROR NOT_REGISTERED\nOK REGISTERED\nOK FILES_ADDED\n", wire.Turn().Take());
        Assert.Equal("FILE new 3\nEND\n", _index.Ask("LIST_FILES\n"));
    }

    [Fact]
    public void A_connection_may_be_idle_from_REGISTER_on_and_no_other()
    {
        Wire registered = _index.Register("CS1", "127.0.0.1", "a 1");
        Wire registering = _index.Connect().Receive("REGISTER CS2 7001 7002\n");
        Wire client = _index.Connect().Receive("HELLO\n");
        registered.Now += 61_000;
        registering.Now += 61_000;
        client.Now += 61_000;
        Assert.False(registered.Conversation.Expire(registered.Now));
        Assert.False(registering.Conversation.Expire(registering.Now));
        Assert.True(client.Conversation.Expire(client.Now));
    }

    // "A server that registered from a loopback address is answered with the local address of the asking connection."
    [Fact]
    public void A_server_on_the_indexs_own_machine_is_reached_as_the_index_was()
    {
        _index.Register("CS1", "127.0.0.1", "a 1");
        string ask = "GET a\nLIST_SERVERS\n";
        Assert.Equal("SERVER 127.0.0.1 7001 CS1 1\nSERVER CS1 127.0.0.1 7001 0 alive\nEND\n", _index.Ask(ask));
        Assert.Equal("SERVER 198.51.100.7 7001 CS1 1\nSERVER CS1 198.51.100.7 7001 0 alive\nEND\n",
            _index.Ask(ask, "192.0.2.1", "198.51.100.7"));
        Assert.Equal("SERVER 2001:db8::7 7001 CS1 1\nSERVER CS1 2001:db8::7 7001 0 alive\nEND\n",
            _index.Ask(ask, "2001:db8::1", "2001:db8::7"));
    }

    [Fact]
    public void A_dead_server_is_listed_as_dead_and_its_files_not_at_all()
    {
        _index.Register("CS1", "10.0.0.5", "only 1", "both 2");
        _index.Register("CS2", "10.0.0.6", "both 2");
        Assert.Equal("OK SERVER_MARKED_DEAD\n", _index.Ask("SERVER_DOWN CS1 1700000000\n"));
        Assert.Equal("ERROR FILE_NOT_FOUND\nSERVER 10.0.0.6 7001 CS2 2\nFILE both 2\nEND\n",
            _index.Ask("GET only\nGET both\nLIST_FILES\n"));
        Assert.Equal("SERVER CS1 10.0.0.5 7001 0 dead\nSERVER CS2 10.0.0.6 7001 0 alive\nEND\n",
            _index.Ask("LIST_SERVERS\n"));
        _index.Register("CS1", "10.0.0.5", "only 1", "both 2");
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", _index.Ask("GET only\n"));
    }

    [Fact]
    public void Servers_whose_copies_differ_in_size_are_named_in_the_log()
    {
        _index.Register("CS1", "10.0.0.5", "a 1");
        _index.Register("CS2", "10.0.0.6", "a 1");
        _index.Register("CS3", "10.0.0.7", "a 2");
        string line = Assert.Single(_index.Log.Lines, line => line.Contains("not offered", StringComparison.Ordinal));
        Assert.Contains("'a' is 1 bytes", line, StringComparison.Ordinal);
        Assert.Contains("CS3 (2 bytes)", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_thousand_files_are_listed_to_a_peer_that_reads_slowly()
    {
        string[] files = [.. Enumerable.Range(0, 10_000).Select(number => $"folder/file%20{number:D5} {number}")];
        _index.Register("CS1", "10.0.0.5", files);
        Wire wire = _index.Connect();
        wire.Window = 0;
        wire.Receive("LIST_FILES\nHELLO\n");
        while (!wire.Sent.EndsWith("CDN\n", StringComparison.Ordinal))
        {
            Assert.True(wire.Answer.UnsentBytes <= 64 * 1024);
            wire.Window = 30_000;
            wire.Turn();
        }
        Assert.Equal(string.Concat(files.Select(file => $"FILE {file}\n")) + "END\nWELCOME MICRO-CDN\n", wire.Sent);
    }
}
