using MicroCdn.Client;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Gateway.Api;

public sealed class ApiHandlerTests : IDisposable
{
    private readonly ApiWorld _world;
    private int _done;
    private bool _away;

    public ApiHandlerTests() => _world = new ApiWorld(
        new ApiRoute("GET", "/servers", "", _ => Task.FromResult(ApiAnswer.Done())),
        new ApiRoute("GET", "/servers/{id}", "", call => Task.FromResult(Named(call.Values["id"]))),
        new ApiRoute("POST", "/servers/{id}/drain", "", _ =>
        {
            if (_away) throw new CdnException(CdnFailure.Unreachable, "the monitor is away.");
            _done++;
            return Task.FromResult(ApiAnswer.Done($"drained {_done}"));
        })
        {
            Scopes = TokenScopes.Admin,
        },
        new ApiRoute("GET", "/files/{name}", "", call => Task.FromResult(Named(call.NameOf(call.Values["name"]).Value)))
        {
            KnowsPrefixes = true, Query = [new("from", "An address."), QueryKey.Limit],
        },
        new ApiRoute("POST", "/purges", "", call =>
        {
            string kind = call.Read(ApiJson.Default.PurgeWish).Kind;
            return Task.FromResult(Named($"{kind} {++_done}"));
        })
        {
            Scopes = TokenScopes.Purge, Takes = ApiJson.Default.PurgeWish,
        },
        new ApiRoute("POST", "/open", "", _ => Task.FromResult(Named("open"))) { Scopes = TokenScopes.None },
        new ApiRoute("GET", "/tokens", "", _ => Task.FromResult(ApiAnswer.Done())) { Scopes = TokenScopes.Admin },
        new ApiRoute("GET", "/broken", "", _ => throw new InvalidOperationException("secret things")),
        new ApiRoute("GET", "/away", "", _ => throw new CdnException(CdnFailure.Unreachable, "the index is away.")));

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("GET", "/api/v1/server", 404, "There is no /api/v1/server; did you mean /api/v1/servers?")]
    [InlineData("GET", "/api/v1/zebra", 404, "There is no /api/v1/zebra; see /api/v1/openapi.json.")]
    [InlineData("GET", "/api/v2/servers", 404, "The API begins with /api/v1.")]
    [InlineData("DELETE", "/api/v1/servers", 405, "Only GET here.")]
    [InlineData("GET", "/api/v1/servers/CS1?x=1", 400, "Nothing may stand behind the question mark here, not 'x'.")]
    [InlineData("GET", "/api/v1/files/a?form=1", 400,
        "There is no 'form' behind the question mark here, only 'from', 'limit'; did you mean 'from'?")]
    [InlineData("GET", "/api/v1/files/a?from=1&from=2", 400, "'from' stands in the query twice.")]
    [InlineData("GET", "/api/v1/files/..%2Fetc", 400, "'../etc' is no file's name: a relative path without '..', empty "
        + "parts or control characters, at most 1,024 bytes.")]
    [InlineData("GET", "/api/v1/away", 503, "the index is away.")]
    [InlineData("GET", "/api/v1/broken", 500, "This failed by a fault of ours; the index's log says more.")]
    public void What_is_wrong_is_said_in_one_sentence(string method, string path, int status, string detail)
    {
        Reply reply = _world.Ask(method, path, _world.Everything);
        Assert.Equal((status, "application/problem+json"), (reply.Status, reply["Content-Type"]));
        Assert.Equal(detail, ApiWorld.DetailOf(reply));
    }

    [Theory]
    [InlineData("", "A body is missing: a JSON object.")]
    [InlineData("[]", "The body must be a JSON object.")]
    [InlineData("{\"kind\":\"all\"", "The body is no JSON (line 1, byte 13).")]
    [InlineData("{\"kind\":\"all\",\"kind\":\"url\"}", "A key stands in the body twice.")]
    [InlineData("{\"\\ud800\":1}", "Some text in the body is no Unicode.")]
    [InlineData("{\"kind\":7}", "'kind' must be text.")]
    [InlineData("{\"kind\":null}", "'kind' must be text.")]
    [InlineData("{\"kind\":\"all\",\"soft\":\"yes\"}", "'soft' must be true or false.")]
    [InlineData("{\"value\":\"/a\"}", "Of 'kind' one is missing.")]
    [InlineData("{\"kind\":\"all\",\"sof\":true}",
        "There is no key 'sof' here, only 'kind', 'value', 'soft'; did you mean 'soft'?")]
    public void A_wrong_body_is_told_from_a_right_one(string body, string detail)
    {
        string fields = body.Length == 0 ? "Content-Type: application/json\r\nContent-Length: 0\r\n" : "";
        Reply reply = _world.Ask("POST", "/api/v1/purges", _world.Everything, body, fields);
        Assert.Equal((400, 0), (reply.Status, _done));
        Assert.Equal(detail, ApiWorld.DetailOf(reply));
    }

    [Fact]
    public void A_body_that_is_too_long_or_no_JSON_is_not_looked_at()
    {
        string body = new(' ', ApiBody.Most + 1);
        Assert.Equal(413, _world.Ask("POST", "/api/v1/purges", _world.Everything, body).Status);
        Assert.Equal(415, _world.Ask("POST", "/api/v1/purges", _world.Everything, "{}",
            "Content-Type: text/plain\r\n").Status);
        Assert.Equal(0, _done);
    }

    [Fact]
    public void A_token_does_what_its_scopes_allow()
    {
        AccessToken reader = _world.Add(2, TokenScopes.Read), purger = _world.Add(3, TokenScopes.Purge);
        Assert.Equal(401, _world.Ask("GET", "/api/v1/servers", null).Status);
        Assert.Equal(204, _world.Ask("GET", "/api/v1/servers", reader).Status);
        Assert.Equal(204, _world.Ask("GET", "/api/v1/servers", purger).Status);
        Reply refused = _world.Ask("POST", "/api/v1/servers/CS1/drain", reader);
        Assert.Equal(403, refused.Status);
        Assert.Equal("This token is for read; this needs admin.", ApiWorld.DetailOf(refused));
        Assert.Equal("This token is for read; this needs admin.",
            ApiWorld.DetailOf(_world.Ask("GET", "/api/v1/tokens", reader)));
        Assert.Equal(403, _world.Ask("POST", "/api/v1/purges", reader, "{\"kind\":\"all\"}").Status);
        Assert.Equal(0, _done);
        Assert.Equal(200, _world.Ask("POST", "/api/v1/purges", purger, "{\"kind\":\"all\"}").Status);
        Assert.Equal(204, _world.Ask("POST", "/api/v1/servers/CS1/drain", _world.Everything).Status);
    }

    [Fact]
    public void A_token_for_a_prefix_sees_names_below_it_and_nothing_else()
    {
        AccessToken narrow = _world.Add(2, TokenScopes.Read, "iso/");
        Assert.Equal("iso/a", _world.Ask("GET", "/api/v1/files/iso/a", narrow).Body);
        Assert.Equal(403, _world.Ask("GET", "/api/v1/files/deb/a", narrow).Status);
        Assert.Equal(403, _world.Ask("GET", "/api/v1/servers", narrow).Status);
    }

    [Fact]
    public void A_page_of_another_address_is_refused_whatever_it_shows()
    {
        string token = $"Authorization: Bearer {_world.Everything.Reveal()}\r\n", cookie = CookieField(out string csrf);
        foreach (string origin in (string[])["http://evil.example", "http://cdn.example", "http://cdn.example:80810",
            "null", "https://cdn.example:8081.evil.example"])
        {
            string fields = $"Origin: {origin}\r\nX-CSRF-Token: {csrf}\r\n";
            Assert.Equal(403, _world.Send("POST", "/api/v1/servers/CS1/drain", cookie + fields).Status);
            Assert.Equal(403, _world.Send("POST", "/api/v1/servers/CS1/drain", token + fields).Status);
        }
        Assert.Equal(0, _done);
        Assert.Equal(204, _world.Send("POST", "/api/v1/servers/CS1/drain",
            $"{cookie}Origin: http://cdn.example:8081\r\nX-CSRF-Token: {csrf}\r\n").Status);
    }

    [Fact]
    public void A_cookie_alone_reads_and_changes_nothing()
    {
        string cookie = CookieField(out string csrf);
        Assert.Equal(204, _world.Send("GET", "/api/v1/servers", cookie).Status);
        Assert.Equal(403, _world.Send("POST", "/api/v1/servers/CS1/drain", cookie).Status);
        Assert.Equal(403, _world.Send("POST", "/api/v1/servers/CS1/drain",
            $"{cookie}X-CSRF-Token: {csrf[..^1]}\r\n").Status);
        Assert.Equal(0, _done);
    }

    [Fact]
    public void What_has_a_key_is_done_once()
    {
        const string key = "Idempotency-Key: a-1\r\n";
        Reply first = _world.Ask("POST", "/api/v1/purges", _world.Everything, "{\"kind\":\"all\"}", key);
        Reply second = _world.Ask("POST", "/api/v1/purges", _world.Everything, "{\"kind\":\"all\"}", key);
        Assert.Equal(("all 1", "all 1", 1), (first.Body, second.Body, _done));
        Reply other = _world.Ask("POST", "/api/v1/purges", _world.Everything, "{\"kind\":\"tag\"}", key);
        Assert.Equal((422, 1), (other.Status, _done));
        Assert.Equal(422, _world.Ask("POST", "/api/v1/servers/CS1/drain", _world.Everything, fields: key).Status);
        AccessToken purger = _world.Add(3, TokenScopes.Purge);
        Assert.Equal("all 2", _world.Ask("POST", "/api/v1/purges", purger, "{\"kind\":\"all\"}", key).Body);
        Assert.Equal(400, _world.Ask("POST", "/api/v1/purges", purger, "{\"kind\":\"all\"}",
            "Idempotency-Key: a b\r\n").Status);
        _world.Time.Advance(Repeats.Memory);
        Assert.Equal("all 3", _world.Ask("POST", "/api/v1/purges", purger, "{\"kind\":\"all\"}", key).Body);
    }

    [Fact]
    public void What_failed_is_tried_again_with_the_same_key()
    {
        const string key = "Idempotency-Key: a-1\r\n";
        _away = true;
        Assert.Equal(503, _world.Ask("POST", "/api/v1/servers/CS1/drain", _world.Everything, fields: key).Status);
        _away = false;
        Assert.Equal(204, _world.Ask("POST", "/api/v1/servers/CS1/drain", _world.Everything, fields: key).Status);
        Assert.Equal(204, _world.Ask("POST", "/api/v1/servers/CS1/drain", _world.Everything, fields: key).Status);
        Assert.Equal(1, _done);
    }

    [Fact]
    public void What_strangers_try_pushes_nothing_out_of_the_audit_log()
    {
        Assert.Equal(401, _world.Ask("POST", "/api/v1/servers/CS1/drain", null).Status);
        Assert.Equal(200, _world.Ask("POST", "/api/v1/open", null).Status);
        Assert.Empty(_world.Audit.Newest);
    }

    [Fact]
    public void Names_beyond_ASCII_are_the_same_raw_and_encoded()
    {
        Assert.Equal("grüße", _world.Ask("GET", "/api/v1/files/gr%C3%BC%C3%9Fe", _world.Everything).Body);
        Assert.Equal("grüße", _world.Ask("GET", "/api/v1/files/grüße", _world.Everything).Body);
    }

    [Fact]
    public void Every_change_is_in_the_audit_log_be_it_refused_by_what_it_says()
    {
        _world.Ask("GET", "/api/v1/servers", _world.Everything);
        _world.Ask("POST", "/api/v1/servers/CS1/drain", _world.Everything);
        _world.Ask("POST", "/api/v1/purges", _world.Everything, "{}");
        AuditEntry[] entries = _world.Audit.Newest;
        Assert.Equal([("POST /purges", 400), ("POST /servers/CS1/drain", 204)],
            entries.Select(one => (one.Action, one.Status)));
        Assert.Equal((_world.Everything.Id, "drained 1"), (entries[1].Token, entries[1].Detail));
    }

    [Fact]
    public void HEAD_is_GET_without_the_body()
    {
        Reply reply = _world.Ask("HEAD", "/api/v1/servers/CS1", _world.Everything);
        Assert.Equal((200, "3", 0), (reply.Status, reply["Content-Length"], reply.BodyBytes.Length));
    }

    [Fact]
    public void A_fault_of_ours_tells_nobody_what_is_inside()
    {
        Reply reply = _world.Ask("GET", "/api/v1/broken", _world.Everything);
        Assert.DoesNotContain("secret", reply.Body, StringComparison.Ordinal);
        Assert.Contains(_world.Log.Lines, line => line.Contains("/broken", StringComparison.Ordinal));
    }

    private string CookieField(out string csrf)
    {
        string cookie = _world.Sessions.Begin(_world.Tokens.Find(_world.Everything.Id)!);
        csrf = _world.Sessions.Find(cookie)!.Csrf;
        return $"Cookie: a=b; microcdn_8081={cookie}\r\n";
    }

    private static ApiAnswer Named(string text) =>
        new(HttpStatus.Ok, System.Text.Encoding.UTF8.GetBytes(text));
}
