using System.Net;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Caches that are to be deceived or poisoned: by paths that look like public ones, and by fields of a request
/// that no key has.</summary>
public sealed class PulledPrivacyTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";

    // All ways known to us of making a page that is one's own look like a file that everybody gets.
    private static readonly string[] Tricks =
    [
        "/account.php/x.css", "/account/x.css", "/account%2Fx.css", "/account;x.css", "/account;/x.css",
        "/account%3Bx.css", "/account%00.css", "/account%00/x.css", "/account%0A.css", "/account%0D%0A.css",
        "/account%09x.css", "/account%20.css", "/account%23x.css", "/account%3Fx.css", "/account?x.css",
        "/account?/x.css", "/account/.css", "/account.css", "//account/x.css", "/account//x.css", "//account",
        "/static/..%2faccount", "/static/%2e%2e/account", "/static/../account", "/static/..;/account",
        "/static/..%5caccount", "/static/..\\account", "/static/%2e%2e%2faccount", "/static/.%2e/account",
        "/account/..%2fstatic/x.css", "/account/%2e%2e/static/x.css", "/x.css/..%2faccount", "/%61ccount/x.css",
        "/ACCOUNT/x.css", "/account\\x.css", "/account%5Cx.css", "/account%2500.css", "/account%252Fx.css",
        "/account%E2%80%AE.css", "/account%C0%AFx.css", "/account~x.css", "/account!x.css", "/account@x.css",
        "/account:x.css", "/account,x.css", "/account$x.css", "/account&x.css", "/account%26x.css", "/account=x.css",
        "/robots.txt/..%2faccount", "/static/js/..%2f..%2faccount%3fx.js", "/account/index.html%00.jpg",
    ];

    // Fields by which frameworks change host, scheme, path or method of what they were asked, or who asked.
    private static readonly string[] Poisons =
    [
        "Forwarded", "X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-Port", "X-Forwarded-Proto",
        "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Prefix", "X-Forwarded-Path",
        "X-Forwarded-Uri", "X-Forwarded-For", "X_Forwarded_Host", "X-Forwarded_For", "x-FORWARDED-host", "X-Host",
        "X-HTTP-Host-Override", "X-Original-Host", "X-Original-URL", "X-Original-URI", "X-Rewrite-URL",
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Url-Scheme", "Front-End-Https",
        "X-Real-IP", "X-Client-IP", "True-Client-IP", "Client-IP", "X-Cluster-Client-IP", "CF-Connecting-IP",
        "Fastly-Client-IP", "X-Scheme", "X-Script-Name", "X-Original-Forwarded-For", "X-Original-Method",
        "X-Original-Proto", "X-Original-Scheme", "X-Envoy-Original-Path", "CloudFront-Forwarded-Proto", "WL-Proxy-SSL",
        "X-ARR-SSL", "X-Forwarded", "X-Forwarded-By", "X-Base-URL", "X-Real-Host", "X-Proxy-Host",
        "X-Middleware-Subrequest", "X_Forwarded_Something_That_Nobody_Has_Heard_Of", "Transfer_Encoding",
        "Content_Length",
        // What belongs to a connection, and would frame the request otherwise.
        "TE", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Expect",
    ];

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData("Cache-Control: private\r\n")]
    [InlineData("Cache-Control: private, max-age=600\r\n")]
    [InlineData("Cache-Control: no-store\r\n")]
    [InlineData("Cache-Control: max-age=600\r\nCDN-Cache-Control: no-store\r\n")]
    [InlineData("Cache-Control: max-age=600\r\nSet-Cookie: session=1\r\n")]
    [InlineData("Cache-Control: max-age=600\r\nVary: Cookie\r\n")]
    [InlineData("Content-Type: text/css\r\n")]
    public async Task What_is_for_one_is_given_to_no_other_whatever_its_path_looks_like(string fields)
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync($"for {call.Field("Cookie")}", fields));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        await Parallel.ForEachAsync(Tricks, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (target, _) =>
        {
            int refused = 0;
            foreach (string who in (string[])["alice", "alice", "", "bob", "alice"])
            {
                RawResponse response = await cache.GetAsync(target, who.Length == 0 ? "" : $"Cookie: {who}\r\n");
                if (response.Status == 400) refused++;
                else Assert.Equal((target, 200, $"for {who}"), (target, response.Status, response.Body));
            }
            Assert.True(refused is 0 or 5, target);
        });
    }

    [Fact]
    public async Task No_two_spellings_of_a_path_share_a_copy()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Target, Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        for (int round = 0; round < 2; round++)
        {
            foreach (string target in Tricks)
            {
                RawResponse response = await cache.GetAsync(target);
                if (response.Status != 400) Assert.Equal(target, response.Body);
            }
        }
    }

    [Fact]
    public async Task What_changes_an_answer_without_being_in_its_key_reaches_neither_the_origin_nor_a_second_client()
    {
        // The worst origin: it builds everything from whatever it is told.
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Head, Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        foreach (string field in Poisons)
        {
            string target = $"/page/{field}";
            RawResponse poisoned = await cache.GetAsync(target, $"{field}: e=v;il\r\nX-Plain: passes\r\n");
            Assert.Contains("X-Plain: passes", poisoned.Body, StringComparison.Ordinal);
            Assert.DoesNotContain("e=v;il", poisoned.Body, StringComparison.Ordinal);
            Assert.Equal(poisoned.Body, (await cache.GetAsync(target)).Body);
            Assert.Equal(1, origin.CountOf(target));
        }
    }

    // RFC 9110, 7.6.2
    [Fact]
    public async Task Options_that_may_go_no_further_are_answered_here()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Head, Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        using RawConnection connection = await RawConnection.OpenAsync(cache.Port);
        await connection.SendAsync("OPTIONS /page HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n"
            + "OPTIONS /page HTTP/1.1\r\nHost: x\r\nMax-Forwards: 2\r\nConnection: close\r\n\r\n");
        List<RawResponse> responses = await connection.ReadAllAsync(TimeSpan.FromSeconds(20));
        Assert.Equal([204, 200], responses.Select(response => response.Status));
        Assert.Contains("Max-Forwards: 1\r\n", responses[1].Body, StringComparison.Ordinal);
        Assert.Equal(1, origin.CountOf("/page"));
    }

    [Fact]
    public async Task The_origin_hears_its_own_host_whatever_a_client_says()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Head, Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        foreach (string head in (string[])["GET /page HTTP/1.1\r\nHost: evil\r\n",
            "GET http://evil/page HTTP/1.1\r\nHost: evil\r\n", "GET /page HTTP/1.1\r\nHost: www.x:66\r\n"])
        {
            using RawConnection connection = await RawConnection.OpenAsync(cache.Port);
            await connection.SendAsync($"{head}Connection: close\r\n\r\n");
            RawResponse response = Assert.Single(await connection.ReadAllAsync(TimeSpan.FromSeconds(20)));
            Assert.StartsWith($"GET /page HTTP/1.1\r\nHost: 127.0.0.1:{origin.Port}\r\n", response.Body,
                StringComparison.Ordinal);
            Assert.DoesNotContain("evil", response.Body, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("PUT", "X-HTTP-Method-Override: DELETE\r\n")]
    [InlineData("POST", "X-Original-URL: /admin\r\n")]
    [InlineData("OPTIONS", "X-Forwarded-Host: DELETE\r\n")]
    public async Task Other_methods_carry_no_such_field_either(string method, string fields)
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(call.Head));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        string seen = (await cache.AskAsync(method, "/page", fields)).Body;
        Assert.StartsWith($"{method} /page HTTP/1.1\r\n", seen, StringComparison.Ordinal);
        Assert.DoesNotContain(fields.Split(": ")[1].Trim(), seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_that_one_client_caused_is_not_for_long_what_others_get()
    {
        // An origin that takes less than we do, and lets its refusals be kept.
        await using ScriptedOrigin origin = new(call => call.Head.Length > 8000
            ? call.AnswerAsync("too much", Keep, "431 Too Large") : call.AnswerAsync("fine", Keep));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        RawResponse refused = await cache.GetAsync("/page", $"X-Oversized: {new string('x', 9000)}\r\n");
        Assert.Equal((int)HttpStatusCode.RequestHeaderFieldsTooLarge, refused.Status);
        string told = "";
        await Stage.UntilAsync("it is a hit", TimeSpan.FromSeconds(20), async () =>
            (told = (await cache.GetAsync("/page")).Field("Cache-Status")!).Contains("; hit", StringComparison.Ordinal));
        Assert.InRange(int.Parse(told.Split("ttl=")[1], System.Globalization.CultureInfo.InvariantCulture), 0, 10);
    }
}
