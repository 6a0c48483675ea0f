using System.Net;
using System.Text;
using MicroCdn.Access;
using MicroCdn.Tests.HouseRules;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Access;

public sealed class SignedLinkTests
{
    private const string First = "Se7zl0p0On1Vvbfra9zAhEicsDBWcLcFTWey2vjP4OQ";
    private const string Second = "wRhRsIKB8INHQ5jjEDX1ry40hBRV8WGH1h84lXZDpQs";
    private const string Third = "sHv9kN7ZO1moVyURIByL59wl49vkm5rOFjpppcIQmus";
    private const string Fourth = "nprofI1IAPq5rVeGfaoJuuf0w8UNsnrkhqi1gtEuQxU";

    private const long End = 1_800_000_000;
    private const string FirstKey = AccessRules.Key;
    private const string OtherKey = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    private static readonly IPAddress Client = IPAddress.Parse("203.0.113.9");
    private static readonly LinkKeys Keys = AccessRules.Keys;

    // docs/access.md has these; the signatures are those of Python's hmac module.
    [Fact]
    public void The_test_vectors_of_the_document_hold()
    {
        const string head = "expires=1800000000&token=HS256-";
        Assert.Equal($"{head}{First}", Sign("/private/film.mp4"));
        Assert.Equal($"{head}{Second}&token_path=%2Fprivate%2F", Sign("/private/", isFolder: true));
        Assert.Equal($"{head}{Third}&token_net=203.0.113.0%2F24",
            Sign("/private/film.mp4", network: "203.0.113.0/24"));
        Assert.Equal($"part=1&{head}{Fourth}", Sign("/private/film.mp4", rest: "part=1"));
        string document = Repository.Text("docs/access.md");
        Assert.All([FirstKey, First, Second, Third, Fourth], text =>
            Assert.Contains(text, document, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/private/film.mp4", "")]
    [InlineData("/private/a b ü.mp4", "")]
    [InlineData("/private/film.mp4", "part=1&lang=de")]
    [InlineData("/", "")]
    public void A_link_is_good_for_its_path_and_query_until_it_ends(string path, string rest)
    {
        string query = Sign(path, rest: rest);
        Assert.Equal(LinkFault.None, Check(path, query));
        Assert.Equal(LinkFault.None, Check(path, query, now: End - 1));
        Assert.Equal(LinkFault.Expired, Check(path, query, now: End));
        Assert.Equal(LinkFault.Wrong, Check(path + "x", query));
        Assert.Equal(LinkFault.Wrong, Check(path, query + "&more=1"));
        Assert.Equal(LinkFault.Wrong, Check(path, "less&" + query));
    }

    [Fact]
    public void Every_altered_letter_and_every_truncation_is_refused()
    {
        const string path = "/private/film.mp4";
        string query = Sign(path, network: "203.0.113.0/24", rest: "part=1");
        for (int at = 0; at < query.Length; at++)
        {
            foreach (char letter in "A1&%=-")
            {
                if (query[at] == letter) continue;
                string altered = $"{query[..at]}{letter}{query[(at + 1)..]}";
                Assert.NotEqual(LinkFault.None, Check(path, altered));
            }
            Assert.NotEqual(LinkFault.None, Check(path, query[..at]));
        }
    }

    [Fact]
    public void A_folders_link_is_good_below_it_and_nowhere_else()
    {
        string query = Sign("/private/", isFolder: true);
        Assert.Equal(LinkFault.None, Check("/private/film.mp4", query));
        Assert.Equal(LinkFault.None, Check("/private/more/film.mp4", $"part=1&{query}"));
        Assert.Equal(LinkFault.Wrong, Check("/private", query));
        Assert.Equal(LinkFault.Wrong, Check("/privates/film.mp4", query));
        Assert.Equal(LinkFault.Wrong, Check("/film.mp4", query));
    }

    [Fact]
    public void A_link_for_a_folders_page_is_none_for_the_folder()
    {
        string query = Sign("/private/");
        Assert.Equal(LinkFault.None, Check("/private/", query));
        Assert.Equal(LinkFault.Wrong, Check("/private/film.mp4", $"{query}&token_path=%2Fprivate%2F"));
        Assert.Equal(LinkFault.Wrong, Check("/private/", $"{query}&token_path=%2Fprivate%2F"));
    }

    [Theory]
    [InlineData("203.0.113.0/24", "203.0.113.200", LinkFault.None)]
    [InlineData("203.0.113.0/24", "203.0.114.9", LinkFault.Elsewhere)]
    [InlineData("2001:db8:1:2::/64", "2001:db8:1:2::9", LinkFault.None)]
    [InlineData("2001:db8:1:2::/64", "2001:db8:1:3::9", LinkFault.Elsewhere)]
    public void A_link_may_be_bound_to_a_network(string network, string client, LinkFault fault)
    {
        const string path = "/private/film.mp4";
        string query = Sign(path, network: network);
        Assert.Equal(fault, SignedLink.Check(
            Keys, Bytes(path), Bytes(query), IPAddress.Parse(client), End - 1));
        string unbound = query[..query.IndexOf("&token_net", StringComparison.Ordinal)];
        Assert.Equal(LinkFault.Wrong, Check(path, unbound));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a=b")]
    [InlineData("expires=1800000000")]
    [InlineData("token=HS256-AAAA")]
    [InlineData("expires=&token=")]
    public void No_signature_is_missing(string query) => Assert.Equal(LinkFault.Missing, Check("/private/x", query));

    [Fact]
    public void No_part_may_stand_there_twice()
    {
        string query = Sign("/private/x");
        Assert.Equal(LinkFault.Missing, Check("/private/x", $"{query}&{query}"));
        Assert.Equal(LinkFault.Missing, Check("/private/x", $"{query}&expires=1900000000"));
    }

    [Fact]
    public void The_time_cannot_be_put_off()
    {
        string query = Sign("/private/x").Replace("1800000000", "1900000000", StringComparison.Ordinal);
        Assert.Equal(LinkFault.Wrong, Check("/private/x", query));
        Assert.Equal(LinkFault.Expired, Check("/private/x",
            SignedLink.Sign(Keys, "/private/x", false, long.MaxValue)));
    }

    [Fact]
    public void The_key_before_is_good_too_until_it_is_taken_away()
    {
        const string path = "/private/x";
        string old = Sign(path);
        Assert.Equal(LinkFault.None, SignedLink.Check(
            AccessRules.Read($"{OtherKey}\n{FirstKey}\n"), Bytes(path), Bytes(old), Client, End - 1));
        Assert.Equal(LinkFault.Wrong,
            SignedLink.Check(AccessRules.Read(OtherKey), Bytes(path), Bytes(old), Client, End - 1));
    }

    [Theory]
    [InlineData("", "it holds no key")]
    [InlineData("# nothing\n\n", "it holds no key")]
    [InlineData("short", "a key is a line of 32 to 256 letters without a space")]
    [InlineData("with a space in it, and long enough for one", "a key is a line of 32 to 256 letters without a space")]
    [InlineData(FirstKey + "\n" + FirstKey, "it holds the same key twice")]
    [InlineData(FirstKey + "\n" + OtherKey + "\n" + FirstKey + "0", "it holds more than two keys")]
    public void A_file_that_holds_no_keys_is_told_so(string text, string sentence)
    {
        Assert.False(LinkKeys.TryParse(text, out _, out string wrong));
        Assert.Equal(sentence, wrong);
    }

    [Fact]
    public void What_is_too_long_is_no_link()
    {
        string path = "/" + new string('a', SignedLink.MostBytes);
        Assert.Throws<ArgumentException>(() => Sign(path));
        Assert.Equal(LinkFault.Missing, Check(path, Sign("/a")));
        Assert.Equal(LinkFault.Missing, Check("/a", Sign("/a") + new string('&', SignedLink.MostBytes)));
    }

    [Theory]
    [InlineData("token=1")]
    [InlineData("a=1&expires=5")]
    [InlineData("&a")]
    public void A_query_that_would_not_be_read_as_it_was_signed_is_not_signed(string rest) =>
        Assert.Throws<ArgumentException>(() => Sign("/a", rest: rest));

    [Fact]
    public void A_check_allocates_nothing()
    {
        byte[] path = Bytes("/private/film.mp4"), query = Bytes(Sign("/private/film.mp4", rest: "part=1"));
        long before = 0;
        for (int round = 0; round < 200; round++)
        {
            if (round == 100) before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(SignedLink.Check(Keys, path, query, Client, End - 1) == LinkFault.None);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static string Sign(string path, bool isFolder = false, string? network = null, string rest = "") =>
        SignedLink.Sign(Keys, path, isFolder, End, network is null ? null : IPNetwork.Parse(network), rest);

    private static LinkFault Check(string path, string query, long now = End - 1) =>
        SignedLink.Check(Keys, Bytes(path), Bytes(query), Client, now);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
