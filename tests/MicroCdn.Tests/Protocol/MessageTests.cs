using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, version 1 messages: each counts its words exactly, as its peers do.
public sealed class MessageTests
{
    // Kind, line, what it says.
    public static TheoryData<string, string, string> Good => new()
    {
        { "REGISTER", "REGISTER CS1 7001 7002", "CS1|7001|7002" },
        { "REGISTER", "REGISTER   servidor-ñ   1  65535", "servidor-ñ|1|65535" },
        { "ADD_FILE", "ADD_FILE CS1 hello.txt 20", "CS1|hello.txt|20" },
        { "ADD_FILE", "ADD_FILE CS1 empty.txt 0", "CS1|empty.txt|0" },
        { "ADD_FILE", "ADD_FILE CS1 my  old file.txt 7", "CS1|my  old file.txt|7" },
        { "ADD_FILE", "ADD_FILE CS1 12 13 14", "CS1|12 13|14" },
        { "ADD_FILE", "ADD_FILE CS1 my%20file 9223372036854775807", "CS1|my%20file|9223372036854775807" },
        { "UPDATE_LOAD", "UPDATE_LOAD CS1 12", "CS1|12" },
        { "UPDATE_LOAD", "UPDATE_LOAD CS1 2147483647", "CS1|2147483647" },
        { "SERVER_DOWN", "SERVER_DOWN CS1 1700000000", "CS1|1700000000" },
        { "REGISTER_INDEX", "REGISTER_INDEX localhost 5050", "localhost|5050" },
        { "REGISTER_INDEX", "REGISTER_INDEX ::1 5050", "::1|5050" },
        { "HEARTBEAT", "HEARTBEAT CS1 127.0.0.1 7001 3 250", "CS1|127.0.0.1|7001|3|250" },
        { "HEARTBEAT", "HEARTBEAT CS1 localhost 7001 0 10", "CS1|localhost|7001|0|10" },
        { "Route", "SERVER 127.0.0.1 7001 CS1 20", "127.0.0.1|7001|CS1|20" },
        { "Route", "SERVER files.example.org 7001 CS1 4294967296", "files.example.org|7001|CS1|4294967296" },
        { "FileRow", "FILE hello.txt 20", "hello.txt|20" },
        { "FileRow", "FILE my%20file.txt 20", "my file.txt|20" },
        { "FileRow", "FILE my file.txt 20", "my file.txt|20" },
        { "FileRow", "FILE 100% 20", "100%|20" },
        { "ServerRow", "SERVER CS1 127.0.0.1 7001 3 alive", "CS1|127.0.0.1|7001|3|True" },
        { "ServerRow", "SERVER CS1 127.0.0.1 7001 3 dead", "CS1|127.0.0.1|7001|3|False" },
        { "ServerRow", "SERVER CS1 127.0.0.1 7001 3 ALIVE", "CS1|127.0.0.1|7001|3|False" },
        { "ServerRow", "SERVER CS1 127.0.0.1 7001 3 returning", "CS1|127.0.0.1|7001|3|False" },
    };

    // Kind, line with # where a number of these bounds stands.
    public static TheoryData<string, string, long, long> Numbers => new()
    {
        { "REGISTER", "REGISTER CS1 # 7002", 1, 65535 },
        { "REGISTER", "REGISTER CS1 7001 #", 1, 65535 },
        { "ADD_FILE", "ADD_FILE CS1 a #", 0, long.MaxValue },
        { "UPDATE_LOAD", "UPDATE_LOAD CS1 #", 0, int.MaxValue },
        { "SERVER_DOWN", "SERVER_DOWN CS1 #", 0, long.MaxValue },
        { "REGISTER_INDEX", "REGISTER_INDEX localhost #", 1, 65535 },
        { "HEARTBEAT", "HEARTBEAT CS1 127.0.0.1 # 0 0", 1, 65535 },
        { "HEARTBEAT", "HEARTBEAT CS1 127.0.0.1 7001 # 0", 0, int.MaxValue },
        { "HEARTBEAT", "HEARTBEAT CS1 127.0.0.1 7001 0 #", 0, int.MaxValue },
        { "Route", "SERVER 127.0.0.1 # CS1 0", 1, 65535 },
        { "Route", "SERVER 127.0.0.1 7001 CS1 #", 0, long.MaxValue },
        { "FileRow", "FILE a #", 0, long.MaxValue },
        { "ServerRow", "SERVER CS1 127.0.0.1 # 0 alive", 1, 65535 },
        { "ServerRow", "SERVER CS1 127.0.0.1 7001 # alive", 0, int.MaxValue },
    };

    [Theory, MemberData(nameof(Good))]
    public void A_good_line_is_understood(string kind, string line, string says) =>
        Assert.Equal(says, Readings.Read(kind, line.Utf8()));

    [Theory, MemberData(nameof(Good))]
    public void A_line_cut_at_any_byte_never_reads_as_the_whole_one(string kind, string line, string says)
    {
        byte[] whole = line.Utf8();
        // A piece of a state is a state other than alive, so there only "alive" can be told from what is left of it.
        bool open = kind == "ServerRow" && !line.EndsWith(" alive", StringComparison.Ordinal);
        int end = open ? whole.AsSpan().LastIndexOf((byte)' ') + 1 : whole.Length;
        for (int cut = 0; cut < end; cut++) Assert.NotEqual(says, Readings.Read(kind, whole.AsSpan(0, cut)));
    }

    [Theory, MemberData(nameof(Good))]
    public void A_word_less_or_more_is_another_message(string kind, string line, string says)
    {
        // A name may hold spaces, so there a word more only makes another name.
        bool holdsName = kind is "ADD_FILE" or "FileRow";
        string more = Readings.Read(kind, $"{line} 1".Utf8()) ?? "none";
        string less = Readings.Read(kind, line[..line.LastIndexOf(' ')].Utf8()) ?? "none";
        Assert.NotEqual(says, more);
        Assert.NotEqual(says, less);
        if (!holdsName) Assert.Equal(("none", "none"), (more, less));
    }

    [Theory, MemberData(nameof(Good))]
    public void Verbs_are_compared_exactly(string kind, string line, string says)
    {
        Assert.NotEqual(says, Readings.Read(kind, line.ToLowerInvariant().Utf8()));
        Assert.Null(Readings.Read(kind, $"X{line}".Utf8()));
        Assert.Null(Readings.Read(kind, line.Insert(line.IndexOf(' '), "S").Utf8()));
    }

    [Theory, MemberData(nameof(Numbers))]
    public void Every_number_has_its_bounds(string kind, string line, long least, long most)
    {
        Assert.NotNull(Read($"{least}"));
        Assert.NotNull(Read($"{most}"));
        Assert.Null(Read($"{least - 1}"));
        Assert.Null(Read($"{(Int128)most + 1}"));
        foreach (string bad in new[] { "-1", "+5", "-0", "1.0", "1e3", "0x1F", "5x", "x", "", "18446744073709551617" })
        {
            Assert.Null(Read(bad));
        }

        string? Read(string number) => Readings.Read(kind, line.Replace("#", number, StringComparison.Ordinal).Utf8());
    }

    [Theory]
    [InlineData("HEARTBEAT CS1 127.0.0.1 7001 0 0\n", true)]
    [InlineData("HEARTBEAT CS1 127.0.0.1 7001 0 0\r\n", true)]
    [InlineData("HEARTBEAT CS1 127.0.0.1 7001 0 0\nHEARTBEAT CS2 127.0.0.1 7001 0 0", false)]
    [InlineData("HEARTBEAT a b c d e", false)]
    [InlineData("HEARTBEAT CS1 127.0.0.1 7001 0 0 zone=x", false)]
    [InlineData("HEARTBEAT CS1 höst 7001 0 0", false)]
    [InlineData("HEARTBEAT CS1\u00a0x 127.0.0.1 7001 0 0", false)]
    [InlineData("", false)]
    public void A_heartbeat_is_one_datagram(string datagram, bool valid) =>
        Assert.Equal(valid, Readings.Read("HEARTBEAT", datagram.Utf8()) is not null);

    [Theory]
    [InlineData("FILE ../../etc/passwd 20")]
    [InlineData("FILE /etc/passwd 20")]
    [InlineData("FILE %2e%2e/x 20")]
    [InlineData("FILE a%00b 20")]
    [InlineData("FILE %ff 20")]
    public void A_listed_name_that_climbs_out_is_passed_over(string line) =>
        Assert.Null(Readings.Read("FileRow", line.Utf8()));

    [Fact]
    public void An_id_or_a_host_that_is_too_long_is_refused()
    {
        string id = new('i', Limits.ServerIdBytes), host = new('h', Limits.HostBytes);
        Assert.NotNull(Readings.Read("HEARTBEAT", $"HEARTBEAT {id} {host} 1 0 0".Utf8()));
        Assert.Null(Readings.Read("HEARTBEAT", $"HEARTBEAT {id}i {host} 1 0 0".Utf8()));
        Assert.Null(Readings.Read("HEARTBEAT", $"HEARTBEAT {id} {host}h 1 0 0".Utf8()));
        Assert.Null(Readings.Read("REGISTER", $"REGISTER {id}i 1 1".Utf8()));
        Assert.Null(Readings.Read("REGISTER_INDEX", $"REGISTER_INDEX {host}h 1".Utf8()));
        Assert.Null(Readings.Read("ServerRow", $"SERVER {id}i {host} 1 0 alive".Utf8()));
        Assert.Null(Readings.Read("Route", $"SERVER {host}h 1 {id} 0".Utf8()));
    }

    [Fact]
    public void Random_bytes_never_throw()
    {
        Gen<byte[]> noise = Gen.OneOf(Gen.Byte, Gen.OneOf<byte>((byte)' ', (byte)'1', (byte)'%', (byte)'-', 0xFF))
            .Array[0, 60];
        Gen.Select(Gen.OneOf(Readings.Kinds), noise).Sample((kind, bytes) =>
        {
            string verb = kind switch { "Route" or "ServerRow" => "SERVER", "FileRow" => "FILE", _ => kind };
            Readings.Read(kind, bytes);
            Readings.Read(kind, [.. verb.Utf8(), (byte)' ', .. bytes]);
        }, iter: 20_000);
    }

    [Fact]
    public void Any_name_survives_a_row_of_LIST_FILES()
    {
        Gen.Select(Names.Any, Gen.Long[0, long.MaxValue]).Sample((name, size) =>
        {
            System.Buffers.ArrayBufferWriter<byte> line = new();
            line.WriteText("FILE ");
            PercentText.Encode(name.Utf8(), line);
            line.WriteText(" ");
            line.WriteNumber(size);
            return FileRow.TryParse(line.WrittenSpan, out FileRow? row) && row == new FileRow(Names.Of(name), size);
        }, iter: 5_000);
    }
}
