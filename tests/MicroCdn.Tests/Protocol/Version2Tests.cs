using System.Buffers;
using System.Text;
using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, version 2.
public sealed class Version2Tests
{
    private const string Digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private const string Files = "https://files.example.org/pub/";

    // Line, what it says.
    public static TheoryData<string, string> Good => new()
    {
        { "HELLO", "1" },
        { "HELLO 2", "2" },
        { "HELLO  2  some=thing", "2" },
        { "WELCOME MICRO-CDN 2", "welcome" },
        { "WELCOME MICRO-CDN 2 some=thing", "welcome" },
        { "REGISTER CS1 7001 7002", "CS1|7001|7002|||||||100" },
        { "REGISTER CS1 7001 7002 http=80 https=65535", "CS1|7001|7002|80|65535|||||100" },
        { "REGISTER CS1 1 2 weight=1 host=cs1.example.org", "CS1|1|2|||cs1.example.org||||1" },
        { "REGISTER CS1 1 2 host=2001:db8::1 country=de", "CS1|1|2|||2001:db8::1|||DE|100" },
        { $"REGISTER CS1 1 2 url={Files}", $"CS1|1|2||||{Files}|||100" },
        { "REGISTER CS1 1 2 zone=upper%20hall weight=1000", "CS1|1|2|||||upper hall||1000" },
        { "REGISTER CS1 1 2 zone=a=b later=ones= zone=ñ", "CS1|1|2|||||ñ||100" },
        { "REGISTER CS1 1 2 pull=/", "CS1|1|2|||||||100|/" },
        { "REGISTER CS1 1 2 pull=/a/ pull=/a/ http=80 pull=/%25C3%25BC", "CS1|1|2|80||||||100|/a/ /%C3%BC" },
        { "ADD_FILE CS1 a%20b 5", "CS1|a%20b|5||-1" },
        { $"ADD_FILE CS1 a 5 sha256={Digest} time=0", $"CS1|a|5|{Digest}|0" },
        { $"ADD_FILE CS1 a 5 time=253402300799 new=1 sha256={Digest.ToUpperInvariant()}",
            $"CS1|a|5|{Digest}|253402300799" },
        { "REMOVE_FILE CS1 a%20b", "CS1|a%20b" },
        { "REMOVE_FILE CS1 a why=moved", "CS1|a" },
    };

    [Theory, MemberData(nameof(Good))]
    public void A_good_line_is_understood(string line, string says) => Assert.Equal(says, Read(line.Utf8()));

    [Theory, MemberData(nameof(Good))]
    public void A_line_cut_at_any_byte_never_reads_as_the_whole_one(string line, string says)
    {
        // What nobody knows at the end of a line may be missing: only what stands before it is cut.
        byte[] whole = line.Split(" some=")[0].Split(" why=")[0].TrimEnd().Utf8();
        Assert.Equal(says, Read(whole));
        for (int cut = 0; cut < whole.Length; cut++) Assert.NotEqual(says, Read(whole.AsSpan(0, cut)));
    }

    [Theory]
    [InlineData("HELLO 1")]
    [InlineData("HELLO 3")]
    [InlineData("HELLO 2 there")]
    [InlineData("HELLO 22")]
    [InlineData("HELLO a=b")]
    [InlineData("WELCOME MICRO-CDN")]
    [InlineData("WELCOME MICRO-CDN 1")]
    [InlineData("WELCOME MICRO-CDN 2 yes")]
    [InlineData("WELCOME")]
    [InlineData("ERROR 2")]
    [InlineData("REGISTER CS1 7001")]
    [InlineData("REGISTER CS1 7001 http=80")]
    [InlineData("REGISTER CS1 7001 7002 7003")]
    [InlineData("REGISTER CS1 7001 7002 http=80 7003")]
    [InlineData("REGISTER CS1 7001 7002 =80")]
    [InlineData("REGISTER CS1 7001 7002 http=")]
    [InlineData("REGISTER CS1 7001 7002 http=0")]
    [InlineData("REGISTER CS1 7001 7002 http=65536")]
    [InlineData("REGISTER CS1 7001 7002 https=-1")]
    [InlineData("REGISTER CS1 7001 7002 https=+1")]
    [InlineData("REGISTER CS1 7001 7002 host=")]
    [InlineData("REGISTER CS1 7001 7002 host=two%20words")]
    [InlineData("REGISTER CS1 7001 7002 host=a/b")]
    [InlineData("REGISTER CS1 7001 7002 host=a%0D%0Ab")]
    [InlineData("REGISTER CS1 7001 7002 host=user@a")]
    [InlineData("REGISTER CS1 7001 7002 host=a:80")]
    [InlineData("REGISTER CS1 7001 7002 url=files.example.org")]
    [InlineData("REGISTER CS1 7001 7002 url=ftp://a/")]
    [InlineData("REGISTER CS1 7001 7002 url=https://")]
    [InlineData("REGISTER CS1 7001 7002 url=https://a/?b")]
    [InlineData("REGISTER CS1 7001 7002 url=https://a/%23b")]
    [InlineData("REGISTER CS1 7001 7002 url=https://u:p@a/")]
    [InlineData("REGISTER CS1 7001 7002 url=https://a/%0D%0AX:%20y")]
    [InlineData("REGISTER CS1 7001 7002 url=https://a/<b>")]
    [InlineData("REGISTER CS1 7001 7002 zone=")]
    [InlineData("REGISTER CS1 7001 7002 zone=a%0Ab")]
    [InlineData("REGISTER CS1 7001 7002 zone=%20a")]
    [InlineData("REGISTER CS1 7001 7002 zone=%ff")]
    [InlineData("REGISTER CS1 7001 7002 country=D")]
    [InlineData("REGISTER CS1 7001 7002 country=DEU")]
    [InlineData("REGISTER CS1 7001 7002 country=d1")]
    [InlineData("REGISTER CS1 7001 7002 weight=0")]
    [InlineData("REGISTER CS1 7001 7002 weight=1001")]
    [InlineData("REGISTER CS1 7001 7002 pull=")]
    [InlineData("REGISTER CS1 7001 7002 pull=a/")]
    [InlineData("REGISTER CS1 7001 7002 pull=/a%20b")]
    [InlineData("REGISTER CS1 7001 7002 pull=/a?b")]
    [InlineData("REGISTER CS1 7001 7002 pull=/a%0D%0A")]
    [InlineData("REGISTER CS1 7001 7002 pull=/ñ")]
    [InlineData("ADD_FILE CS1 two words 5")]
    [InlineData("ADD_FILE CS1 a")]
    [InlineData("ADD_FILE CS1 a 5 more")]
    [InlineData("ADD_FILE CS1 a 5 sha256=")]
    [InlineData("ADD_FILE CS1 a 5 sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0")]
    [InlineData("ADD_FILE CS1 a 5 sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0g")]
    [InlineData("ADD_FILE CS1 a 5 sha256=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ADD_FILE CS1 a 5 time=-1")]
    [InlineData("ADD_FILE CS1 a 5 time=253402300800")]
    [InlineData("ADD_FILE CS1 a 5 time=1.5")]
    [InlineData("REMOVE_FILE CS1")]
    [InlineData("REMOVE_FILE CS1 a b")]
    public void A_bad_line_is_none(string line) => Assert.Null(Read(line.Utf8()));

    [Fact]
    public void Values_have_their_bounds()
    {
        string host = string.Join('.', Enumerable.Repeat(new string('h', 49), 5)) + ".hhh";
        Assert.Equal(Limits.HostBytes, host.Length);
        string url = $"http://a/{new string('u', Limits.UrlBytes - 9)}", zone = new('z', Limits.ZoneBytes);
        Assert.NotNull(Read($"REGISTER CS1 1 2 host={host} url={url} zone={zone}".Utf8()));
        Assert.Null(Read($"REGISTER CS1 1 2 host={host}h".Utf8()));
        Assert.Null(Read($"REGISTER CS1 1 2 url={url}u".Utf8()));
        Assert.Null(Read($"REGISTER CS1 1 2 zone={zone}z".Utf8()));
        string prefix = "/" + new string('p', Limits.PrefixBytes - 1);
        Assert.NotNull(Read($"REGISTER CS1 1 2 pull={prefix}".Utf8()));
        Assert.Null(Read($"REGISTER CS1 1 2 pull={prefix}p".Utf8()));
        string many = string.Concat(Enumerable.Range(1, Limits.Prefixes).Select(number => $" pull=/{number}"));
        Assert.NotNull(Read($"REGISTER CS1 1 2{many}".Utf8()));
        Assert.Null(Read($"REGISTER CS1 1 2{many} pull=/0".Utf8()));
        Assert.Null(Read($"REGISTER CS1 1 2 zone={new string('z', 4_000)}".Utf8()));
    }

    [Fact]
    public void A_server_reads_back_what_it_writes_of_itself()
    {
        ServerFacts facts = new()
        {
            HttpPort = 7003,
            HttpsPort = 7004,
            Host = "cs1.example.org",
            Url = Files + "100%25=1,",
            Zone = "a 100% zone=1",
            Country = "NZ",
            Weight = 7,
            Pulls = ["/", "/100%25/"],
        };
        ArrayBufferWriter<byte> line = new();
        facts.Write(line);
        Assert.True(ServerFacts.TryParse(new Words(line.WrittenSpan), out ServerFacts read));
        Assert.Equal(facts.Pulls, read.Pulls);
        Assert.Equal(facts with { Pulls = [] }, read with { Pulls = [] });
        facts = facts with
        {
            Host = new string('h', Limits.HostBytes), Url = new string('%', Limits.UrlBytes),
            Zone = new string(' ', Limits.ZoneBytes),
            Pulls = [.. Enumerable.Repeat(new string('%', Limits.PrefixBytes), Limits.Prefixes)],
        };
        line.ResetWrittenCount();
        facts.Write(line);
        Assert.InRange(line.WrittenCount, 0, 2 * Limits.LineBytes);
        line.ResetWrittenCount();
        ServerFacts.None.Write(line);
        Assert.Equal(0, line.WrittenCount);
    }

    [Fact]
    public void A_digest_is_the_same_as_bytes_and_as_text()
    {
        Gen.Byte.Array[FileDigest.Length].Sample(bytes =>
        {
            FileDigest digest = new(bytes);
            ArrayBufferWriter<byte> hex = new();
            digest.WriteHex(hex);
            byte[] copy = new byte[FileDigest.Length];
            digest.CopyTo(copy);
            return copy.SequenceEqual(bytes) && hex.WrittenSpan.SequenceEqual(digest.ToString().Utf8())
                && FileDigest.TryParse(hex.WrittenSpan, out FileDigest read) && read == digest
                && digest.ToString() == Convert.ToHexStringLower(bytes);
        }, iter: 500);
        Assert.True(FileDigest.None.IsNone);
    }

    [Fact]
    public void Random_words_never_throw() =>
        Gen.Select(Gen.OneOf("HELLO 2", "REGISTER CS1 1 2", "ADD_FILE CS1 a 1", "REMOVE_FILE CS1 a"),
            Gen.OneOf("", "http", "host", "url", "zone", "country", "weight", "sha256", "time", "x"),
            Gen.OneOf(Gen.Byte, Gen.OneOf<byte>((byte)' ', (byte)'1', (byte)'%', (byte)'=', 0xFF)).Array[0, 70])
        .Sample((head, key, bytes) => Read([.. $"{head} {key}=".Utf8(), .. bytes]), iter: 20_000);

    private static string? Read(ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        switch (Encoding.UTF8.GetString(verb))
        {
            case "HELLO":
                return Greeting.TryParse(words, out int version) ? $"{version}" : null;
            case "REGISTER":
                return Registration.TryParse(words, out Registration r, out ServerFacts f)
                    ? $"{r.Id.Text()}|{r.TcpPort}|{r.UdpPort}|{f.HttpPort}|{f.HttpsPort}|{f.Host}|{f.Url}|{f.Zone}|"
                        + $"{f.Country}|{f.Weight}{(f.Pulls.Count > 0 ? "|" : "")}{string.Join(' ', f.Pulls)}" : null;
            case "ADD_FILE":
                return FileAnnouncement.TryParse2(words, out FileAnnouncement a)
                    ? $"{a.Id.Text()}|{a.Name.Text()}|{a.Size}|{(a.Digest.IsNone ? "" : a.Digest)}|{a.UnixSeconds}"
                    : null;
            case "REMOVE_FILE":
                return FileRemoval.TryParse(words, out FileRemoval m) ? $"{m.Id.Text()}|{m.Name.Text()}" : null;
            default:
                return Greeting.IsWelcome2(line) ? "welcome" : null;
        }
    }
}
