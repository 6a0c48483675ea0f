using System.Net;
using System.Text;
using MicroCdn.Access;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Access;

public sealed class AccessTableTests
{
    [Fact]
    public void The_first_rule_that_decides_ends_the_table()
    {
        AccessTable table = AccessRules.Table("/ from=10.1.0.0/16 deny", "/ from=10.0.0.0/8 allow", "/a/ deny");
        Assert.Equal(0, Judge(table, "/a/x", "10.1.2.3").Rule);
        Assert.True(Judge(table, "/a/x", "10.2.2.3").IsAdmitted);
        Assert.Equal(new Verdict(2, RuleAction.Deny), Judge(table, "/a/x", "192.0.2.1"));
        Assert.Equal(Verdict.Through, Judge(table, "/b", "192.0.2.1"));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.255.255", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "192.0.2.8", false)]
    [InlineData("2001:db8::/32", "2001:db8:ffff::1", true)]
    [InlineData("2001:db8::/32", "2001:db9::1", false)]
    [InlineData("0.0.0.0/0", "255.255.255.255", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::/0", "10.0.0.1", true)]
    [InlineData("10.0.0.0/9,10.128.0.0/9,9.0.0.0/8", "10.200.0.1", true)]
    [InlineData("10.0.0.0/9,10.128.0.0/9,9.0.0.0/8", "8.255.255.255", false)]
    public void Networks_hold_their_addresses(string networks, string client, bool isIn) =>
        Assert.Equal(!isIn, Judge(AccessRules.Table($"/ from={networks} deny"), "/x", client).IsAdmitted);

    [Theory]
    [InlineData("https://example.org/page", true)]
    [InlineData("https://EXAMPLE.org:8443/page", true)]
    [InlineData("http://example.org", true)]
    [InlineData("https://a.b.parts.example/x?y", true)]
    [InlineData("", true)]
    [InlineData("https://parts.example/", false)]
    [InlineData("https://evilparts.example/", false)]
    [InlineData("https://example.org.evil.example/", false)]
    [InlineData("https://evil.example/example.org", false)]
    [InlineData("https://example.org@evil.example/", false)]
    [InlineData("example.org", false)]
    [InlineData("https://", false)]
    public void Pages_may_lead_here_by_their_host(string referrer, bool isIn)
    {
        AccessTable table = AccessRules.Table("/img/ referrer=example.org,*.parts.example,none allow", "/img/ deny");
        Assert.Equal(isIn, table.Judge(new Visit
        {
            Path = "/img/x.png"u8, Client = IPAddress.Loopback, Referrer = Encoding.UTF8.GetBytes(referrer),
        }).IsAdmitted);
    }

    [Fact]
    public void Countries_are_asked_for_where_a_rule_wants_to_know()
    {
        int asked = 0;
        AccessRule[] rules = [AccessRules.Rule("/film/ country=DE,FR allow"), AccessRules.Rule("/film/ deny")];
        AccessTable table = new(rules, null, address =>
        {
            asked++;
            return address.Equals(IPAddress.Loopback) ? "FR" : null;
        }, 1);
        Assert.True(Judge(table, "/other", "127.0.0.1").IsAdmitted);
        Assert.Equal(0, asked);
        Assert.True(Judge(table, "/film/x", "127.0.0.1").IsAdmitted);
        Assert.False(Judge(table, "/film/x", "192.0.2.1").IsAdmitted);
        Assert.Equal(2, asked);
    }

    [Fact]
    public void A_signed_link_lets_through_to_the_next_rule_alone()
    {
        AccessTable table = AccessRules.Table("/private/ signed", "/private/secret/ deny");
        string query = SignedLink.Sign(AccessRules.Keys, "/private/", true, 1_800_000_000);
        Assert.True(Judge(table, "/private/x", query: query).IsAdmitted);
        Assert.Equal(1, Judge(table, "/private/secret/x", query: query).Rule);
        Assert.Equal(new Verdict(0, RuleAction.Signed, LinkFault.Missing), Judge(table, "/private/x"));
        Assert.Equal(LinkFault.Expired, Judge(table, "/private/x", query: query, now: 1_800_000_000).Fault);
        Assert.True(Judge(table, "/public").IsAdmitted);
    }

    [Fact]
    public void A_path_that_is_too_long_to_be_signed_is_not_signed()
    {
        string query = SignedLink.Sign(AccessRules.Keys, "/private/", true, 1_800_000_000);
        Assert.Equal(LinkFault.Missing, AccessRules.Table("/ signed").Judge(new Visit
        {
            Path = "/private/x"u8, IsCut = true, Query = Encoding.UTF8.GetBytes(query), Client = IPAddress.Loopback,
        }).Fault);
    }

    [Fact]
    public void A_rate_lets_a_burst_through_and_then_one_at_a_time()
    {
        AccessTable table = AccessRules.Table("/ rate=10/s burst=3");
        long second = TimeSpan.TicksPerSecond;
        for (int count = 0; count < 3; count++) Assert.True(Rate(table, second).IsAdmitted);
        Verdict refused = Rate(table, second);
        Assert.Equal((0, RuleAction.Rate, second / 10), (refused.Rule, refused.Action, refused.Wait));
        // Asking again costs nothing, and others are not concerned.
        Assert.Equal(second / 10, Rate(table, second).Wait);
        Assert.True(Rate(table, second, "192.0.2.2").IsAdmitted);
        Assert.False(Rate(table, second + (second / 10) - 1).IsAdmitted);
        Assert.True(Rate(table, second + (second / 10)).IsAdmitted);
        Assert.False(Rate(table, second + (second / 10)).IsAdmitted);
    }

    [Theory]
    [InlineData("client", "2001:db8::1", "2001:db8::2", true)]
    [InlineData("client", "2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("client", "192.0.2.1", "192.0.2.2", false)]
    [InlineData("network", "192.0.2.1", "192.0.2.2", true)]
    [InlineData("network", "192.0.2.1", "192.0.3.1", false)]
    [InlineData("network", "2001:db8::1", "2001:db8:0:1::1", true)]
    [InlineData("network", "2001:db8::1", "2001:db8:1::1", false)]
    [InlineData("all", "192.0.2.1", "2001:db8::1", true)]
    public void Some_are_counted_together(string per, string one, string other, bool areTogether)
    {
        AccessTable table = AccessRules.Table($"/ rate=1/s per={per}");
        Assert.True(Rate(table, 1, one).IsAdmitted);
        Assert.Equal(!areTogether, Rate(table, 1, other).IsAdmitted);
    }

    [Fact]
    public void To_ask_only_counts_nothing()
    {
        AccessTable table = AccessRules.Table("/ rate=1/s");
        for (int count = 0; count < 3; count++)
        {
            Assert.True(table.Judge(new Visit { Path = "/"u8, Client = IPAddress.Loopback }, counts: false).IsAdmitted);
        }
        Assert.True(Rate(table, 0, "127.0.0.1").IsAdmitted);
        Assert.False(Rate(table, 0, "127.0.0.1").IsAdmitted);
    }

    [Fact]
    public void A_million_strangers_do_not_make_it_larger_and_an_honest_client_is_let_in()
    {
        RateLimit limit = new(TimeSpan.FromSeconds(1), 2, Share.Client, seed: 12345, clients: 1024);
        UInt128 honest = AddressBits.Of(IPAddress.Parse("198.51.100.7"));
        int refused = 0;
        for (uint stranger = 0; stranger < 1_000_000; stranger++)
        {
            // Each comes once: none of them is ever over its rate.
            if (limit.Take(((UInt128)0x2001_0db8 << 96) | ((UInt128)stranger << 64), stranger) != 0) refused++;
            if (stranger % 100_000 == 0 && limit.Take(honest, stranger * 200L) != 0) refused++;
        }
        Assert.Equal(0, refused);
    }

    [Fact]
    public void Strangers_crowd_out_one_another_and_not_who_is_over_his_rate()
    {
        // One set of eight.
        RateLimit limit = new(TimeSpan.FromTicks(100), 5, Share.Client, seed: 99, clients: 8);
        UInt128 greedy = Client(1000);
        for (int count = 0; count < 5; count++) Assert.Equal(0, limit.Take(greedy, 0));
        Assert.NotEqual(0, limit.Take(greedy, 0));
        for (int stranger = 1; stranger <= 100; stranger++) Assert.Equal(0, limit.Take(Client(stranger), 0));
        Assert.NotEqual(0, limit.Take(greedy, 0));
        Assert.Equal(0, limit.Take(greedy, 100));

        static UInt128 Client(int number) =>
            AddressBits.Of(new IPAddress([10, 0, (byte)(number >> 8), (byte)number]));
    }

    [Fact]
    public void A_decision_allocates_nothing()
    {
        AccessTable table = AccessRules.Table("/ from=10.0.0.0/8 deny", "/img/ referrer=example.org allow",
            "/ rate=1000000/s burst=1000000");
        long before = 0;
        for (int round = 0; round < 200; round++)
        {
            if (round == 100) before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(table.Judge(new Visit
            {
                Path = "/file.bin"u8, Client = IPAddress.Loopback, Referrer = "https://a.example/"u8, Ticks = round,
            }).IsAdmitted);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static Verdict Rate(AccessTable table, long ticks, string client = "192.0.2.1") => table.Judge(
        new Visit { Path = "/x"u8, Client = IPAddress.Parse(client), Ticks = ticks });

    private static Verdict Judge(
        AccessTable table, string path, string client = "192.0.2.1", string query = "", long now = 1_700_000_000) =>
        table.Judge(new Visit
        {
            Path = Encoding.UTF8.GetBytes(path), Query = Encoding.UTF8.GetBytes(query),
            Client = IPAddress.Parse(client), Now = now,
        });
}
