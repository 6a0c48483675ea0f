using MicroCdn.Admin;
using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Page;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Storage;
using MicroCdn.Tests.Http;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Admin;

public sealed class AdminHandlerTests : IDisposable
{
    private static readonly AccessToken Token = AccessToken.Draw(bytes => bytes.Fill(7));
    private static readonly AccessToken Wrong = AccessToken.Draw(bytes => bytes.Fill(8));

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private readonly HttpService _service;
    private readonly WatchPages _pages;

    public AdminHandlerTests()
    {
        IndexWorld index = new();
        Book book = new(new Catalog(1), 1);
        Applied applied = new(new Router(new Catalog(1), new Fleet(_time), new Chance(1)), _log);
        Scribe scribe = new(new MemoryRecordStore(), book, applied, _log);
        TokenGrant grant = new(Token.Id, Token.Hash, TokenScopes.Publish, "releases/", 5, "");
        book.Apply(new RecordChange(1, [TokenTable.RowOf(grant)]));
        TokenDesk tokens = new(book.Tokens, scribe, _time, _log);
        Publisher publisher = new(new ClientOptions(), null, new Nowhere(), _time);
        AuditLog audit = new(_folder.Path, _time, _log);
        Uploading uploading = new(
            UploadFolder.Open(_folder.Path, 100, 0, _time), publisher, index.Directory, audit, _log);
        Complaints complaints = new(_log, _time);
        Doorkeeper doorkeeper = new(tokens, complaints, _time);
        ApiHandler api = new(new ApiPaths([]), doorkeeper, new Sessions(new byte[32], tokens, 8081, _time), audit,
            _time, _log);
        AdminHandler handler = new(doorkeeper, index.Directory, uploading, publisher, new Taker(), api, audit)
        {
            Page = new StaticPages(), Pages = _pages = new WatchPages([], _time), AreMetricsOpen = false,
        };
        _service = new HttpService(handler, new TrustedNetworks([]), complaints, _time);
    }

    public void Dispose()
    {
        _pages.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Where_others_can_reach_the_port_the_metrics_need_a_token_and_health_does_not()
    {
        Assert.Equal(401, Ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").Status);
        Assert.Equal(200, Ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").Status);
        Assert.Equal(200, Ask("HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n").Status);
        Assert.Equal(401, Ask("PUT /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").Status);

        Reply Ask(string request) => new(new Wire(_service).Receive(request).SentBytes);
    }

    [Fact]
    public void A_right_token_is_answered_at_once_be_it_beside_wrong_ones()
    {
        Wire wrong = Send("HEAD", "/releases/a", Wrong);
        Assert.Equal("", wrong.Sent);
        Reply right = new(Send("HEAD", "/releases/a", Token).SentBytes);
        Assert.Equal((404, "0"), (right.Status, right["Upload-Offset"]));
        Assert.Equal("", wrong.Turn().Sent);
        Assert.DoesNotContain(_log.Lines, line => line.Contains(Wrong.Reveal(), StringComparison.Ordinal)
            || line.Contains(Token.Reveal(), StringComparison.Ordinal));
    }

    [Fact]
    public void So_many_wrong_tokens_wait_and_one_more_is_refused_at_once()
    {
        for (int held = 0; held < WrongTokens.MostHeld; held++)
        {
            Assert.Equal("", Send("HEAD", "/releases/a", Wrong).Sent);
        }
        Reply reply = new(Send("HEAD", "/releases/a", Wrong).SentBytes);
        Assert.Equal((429, "5"), (reply.Status, reply["Retry-After"]));
    }

    [Theory]
    [InlineData("/other/a", "", 403)]
    [InlineData("/releases/a", "If-Match: *\r\n", 412)]
    [InlineData("/releases/a", "Content-Range: bytes 5-9/10\r\n", 409)]
    [InlineData("/releases/a", "Content-Encoding: gzip\r\n", 415)]
    [InlineData("/releases/a?x=1", "", 400)]
    [InlineData("/releases/", "", 400)]
    [InlineData("/releases/a", "Origin: http://evil.example\r\n", 403)]
    public void Who_will_be_refused_is_not_asked_for_the_bytes(string target, string fields, int status)
    {
        Wire wire = Send("PUT", target, Token, $"{fields}Content-Length: 5\r\nExpect: 100-continue\r\n");
        Assert.Equal(status, new Reply(wire.SentBytes).Status);
    }

    [Fact]
    public void Who_has_more_bytes_than_there_may_be_is_not_asked_for_them()
    {
        Wire wire = Send("PUT", "/releases/a", Token, "Content-Length: 101\r\nExpect: 100-continue\r\n");
        Assert.Equal(413, new Reply(wire.SentBytes).Status);
    }

    [Fact]
    public void Who_is_let_in_is_asked_and_keeps_others_of_the_name_out_meanwhile()
    {
        const string head = "Content-Length: 5\r\nExpect: 100-continue\r\n";
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Send("PUT", "/releases/a", Token, head).Sent);
        Reply other = new(Send("PUT", "/releases/a", Token, head).SentBytes);
        Assert.Equal((409, "application/problem+json"), (other.Status, other["Content-Type"]));
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Send("PUT", "/releases/b", Token, head).Sent);
        // Both wait for their bytes, with a file, before the folder goes.
        Assert.True(SpinWait.SpinUntil(() => _folder.Names().Length == 3, TimeSpan.FromSeconds(30)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Authorization: Basic Zm9vOmJhcg==\r\n")]
    public void Without_a_bearer_nothing_is_told(string fields)
    {
        Wire wire = new Wire(_service).Receive($"GET /releases/a HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        if (fields.Length > 0) Assert.Equal("", wire.Sent);
        else Assert.Equal("Bearer realm=\"microcdn\"", new Reply(wire.SentBytes)["WWW-Authenticate"]);
    }

    private Wire Send(string method, string target, AccessToken token, string fields = "") =>
        new Wire(_service).Receive(
        $"{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token.Reveal()}\r\n{fields}\r\n");

    private sealed class Nowhere : IDialer
    {
        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
            throw new IOException($"{host}:{port} cannot be reached");
    }
}
