using MicroCdn.Protocol;
using MicroCdn.Tests.Index;

namespace MicroCdn.Tests.Gateway;

// RFC 9110, section 15.4.3; RFC 6249; RFC 9530.
public sealed class RedirectTests
{
    private readonly GatewayWorld _world = new();
    private readonly FileDigest _digest = Lists.Digest("x");

    [Theory]
    [InlineData("http=7003", false, "http://10.0.0.1:7003/a.txt")]
    [InlineData("http=7003", true, "http://10.0.0.1:7003/a.txt")]
    [InlineData("https=7443", false, "https://10.0.0.1:7443/a.txt")]
    [InlineData("http=7003 https=7443", false, "http://10.0.0.1:7003/a.txt")]
    [InlineData("http=7003 https=7443", true, "https://10.0.0.1:7443/a.txt")]
    [InlineData("http=7003 host=cs1.example.org", false, "http://cs1.example.org:7003/a.txt")]
    [InlineData("http=7003 host=2001:db8::1", false, "http://[2001:db8::1]:7003/a.txt")]
    [InlineData("http=7003 host=cs1 url=https://cdn.example/files/", false, "https://cdn.example/files/a.txt")]
    [InlineData("url=http://cdn.example", true, "http://cdn.example/a.txt")]
    public void The_client_is_sent_to_the_server_as_that_is_reached(string facts, bool secure, string location)
    {
        _world.Register("CS1", "10.0.0.1", facts, "a.txt 5");
        Reply reply = _world.Ask("/a.txt", secure: secure);
        Assert.Equal(302, reply.Status);
        Assert.Equal(location, reply["Location"]);
        Assert.Equal("no-store", reply["Cache-Control"]);
        Assert.Equal("Accept", reply["Vary"]);
        Assert.Equal("0", reply["Content-Length"]);
        Assert.Empty(reply.Body);
    }

    [Theory]
    [InlineData("198.51.100.1", "http://198.51.100.1:7003/a.txt")]
    [InlineData("2001:db8::7", "http://[2001:db8::7]:7003/a.txt")]
    public void A_server_on_this_machine_is_where_the_client_found_us(string local, string location)
    {
        _world.Register("CS1", "127.0.0.1", "http=7003", "a.txt 5");
        Assert.Equal(location, _world.Ask("/a.txt", local: local)["Location"]);
    }

    [Theory]
    [InlineData("/a%20b/%C3%BC.txt", "a%20b/%C3%BC.txt", "/a%20b/%C3%BC.txt")]
    [InlineData("/%3Cimg%20src=x%20onerror=alert(1)%3E", "<img%20src=x%20onerror=alert(1)>",
        "/%3Cimg%20src=x%20onerror=alert(1)%3E")]
    [InlineData("/%22quoted%22;'x'", "\"quoted\";'x'", "/%22quoted%22;'x'")]
    [InlineData("/x%2500%250D", "x%2500%250D", "/x%2500%250D")]
    [InlineData("/a.txt?x=1&y=<%22>", "a.txt", "/a.txt?x=1&y=%3C%22%3E")]
    [InlineData("/a.txt?", "a.txt", "/a.txt")]
    public void Name_and_query_are_kept_and_never_leave_the_url(string target, string word, string path)
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", $"{word} 5");
        _world.Register("CS2", "10.0.0.2", "http=7003", $"{word} 5");
        Reply reply = _world.Ask(target);
        Assert.EndsWith($":7003{path}", reply["Location"], StringComparison.Ordinal);
        Assert.All(reply.All("Link"), link => Assert.Matches("^<[^<>\" ?]+>; rel=(describedby|duplicate); ", link));
    }

    [Theory]
    [InlineData("/a.txt%0D%0ASet-Cookie:%20x=1")]
    [InlineData("/a.txt%00")]
    [InlineData("/..%2fa.txt")]
    [InlineData("/a.txt/")]
    [InlineData("/")]
    [InlineData("/b.txt")]
    [InlineData("/b.txt.meta4")]
    [InlineData("/.sha256")]
    public void What_is_no_name_or_nobodys_is_not_found(string target)
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", "a.txt 5");
        Reply reply = _world.Ask(target);
        Assert.Equal(404, reply.Status);
        Assert.Equal("No server has a file of this name.\n", reply.Body);
        Assert.Empty(reply.All("Set-Cookie"));
    }

    [Fact]
    public void The_other_live_copies_follow_in_order_with_their_country()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 country=DE", "a.txt 5");
        _world.Register("CS2", "10.0.0.2", "http=7003 country=FR", "a.txt 5");
        _world.Register("CS3", "10.0.0.3", "http=7003", "a.txt 5");
        _world.Index.Ask("UPDATE_LOAD CS1 1\nUPDATE_LOAD CS2 2\n");
        _world.Kill("CS3");
        Assert.Equal("http://10.0.0.1:7003/a.txt", _world.Ask("/a.txt")["Location"]);
        Assert.Equal(
        [
            "</a.txt.meta4>; rel=describedby; type=\"application/metalink4+xml\"",
            "<http://10.0.0.2:7003/a.txt>; rel=duplicate; pri=2; geo=fr",
        ], _world.Ask("/a.txt", method: "HEAD").All("Link"));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("Want-Repr-Digest: sha-256=1\r\n", true)]
    [InlineData("Want-Repr-Digest: sha-256=0\r\n", false)]
    [InlineData("Want-Repr-Digest: sha-512=10\r\n", false)]
    public void The_digest_is_told_in_both_fields_where_it_is_wanted(string fields, bool told)
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", $"a.txt 5 sha256={_digest}", "b.txt 5");
        string base64 = Convert.ToBase64String(Convert.FromHexString(_digest.ToString()));
        Reply reply = _world.Ask("/a.txt", fields);
        Assert.Equal(told ? $"sha-256=:{base64}:" : null, reply["Repr-Digest"]);
        Assert.Equal(told ? $"SHA-256={base64}" : null, reply["Digest"]);
        Assert.Null(_world.Ask("/b.txt", fields)["Digest"]);
    }

    [Fact]
    public void A_head_stays_below_4_KiB_however_many_servers_there_are()
    {
        for (int number = 0; number < 100; number++)
        {
            _world.Register($"CS{number}", $"10.0.1.{number}", $"http=7003 url=http://{new string('a', 50)}.org/",
                $"a.txt 5 sha256={_digest}");
        }
        Reply reply = _world.Ask("/a.txt?" + new string('q', 1000));
        Assert.InRange(reply.HeadBytes, 3500, 4096);
        Assert.InRange(reply.All("Link").Length, 10, 40);
    }

    [Fact]
    public void The_longest_name_under_the_longest_url_has_a_redirect_and_a_longer_query_is_refused()
    {
        string name = string.Concat(Enumerable.Repeat("ü", 512));
        string encoded = string.Concat(Enumerable.Repeat("%C3%BC", 512));
        string url = "http://cdn.example/" + new string('u', Limits.UrlBytes - 19);
        _world.Register("CS1", "10.0.0.1", $"url={url}", $"{name} 5");
        Reply reply = _world.Ask($"/{encoded}?{new string('q', 2048)}");
        Assert.Equal($"{url}/{encoded}?{new string('q', 2048)}", reply["Location"]);
        Assert.Empty(reply.All("Link"));
        Assert.Equal(414, _world.Ask($"/{encoded}?{new string('q', 2049)}").Status);
    }

    [Fact]
    public void Clients_spread_over_servers_and_a_look_counts_as_none()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", "a.txt 5");
        _world.Register("CS2", "10.0.0.2", "http=7003", "a.txt 5");
        string first = _world.Ask("/a.txt", method: "HEAD")["Location"]!;
        Assert.Equal(first, _world.Ask("/a.txt", method: "HEAD")["Location"]);
        Assert.Equal(first, _world.Ask("/a.txt")["Location"]);
        Assert.NotEqual(first, _world.Ask("/a.txt")["Location"]);
    }

    [Fact]
    public void A_redirect_allocates_nothing()
    {
        for (int number = 1; number < 5; number++)
        {
            _world.Register($"CS{number}", $"10.0.0.{number}", "http=7003 country=DE", $"a.txt 5 sha256={_digest}");
        }
        MicroCdn.Tests.Support.Wire wire = _world.Connect();
        byte[] request = System.Text.Encoding.UTF8.GetBytes(GatewayWorld.Request("/a.txt", "Accept: */*\r\n"));
        for (int warm = 0; warm < 100; warm++) Ask();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int times = 0; times < 100; times++) Ask();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100);

        void Ask()
        {
            wire.Conversation.Receive(request, wire.Now);
            wire.Answer.TextSent(wire.Answer.UnsentBytes);
        }
    }

    [Theory]
    [InlineData("*", "https://a.example", "*")]
    [InlineData("https://a.example", "https://a.example", "https://a.example")]
    [InlineData("https://a.example", "https://b.example", null)]
    [InlineData("", "https://a.example", null)]
    public void Pages_of_other_origins_follow_a_redirect_where_the_settings_allow_it(
        string allowed, string origin, string? answer)
    {
        GatewayWorld world = new(cors: allowed.Length == 0 ? [] : [allowed]);
        world.Register("CS1", "10.0.0.1", "http=7003", "a.txt 1");
        foreach (string path in (string[])["/a.txt", "/a.txt?json", "/missing"])
        {
            Assert.Equal(answer, world.Ask(path, $"Origin: {origin}\r\n")["Access-Control-Allow-Origin"]);
        }
        Reply preflight = world.Ask("/a.txt", $"Origin: {origin}\r\n", "OPTIONS");
        Assert.Equal((204, answer), (preflight.Status, preflight["Access-Control-Allow-Origin"]));
    }
}
