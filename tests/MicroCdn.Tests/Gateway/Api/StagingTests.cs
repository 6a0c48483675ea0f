using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Api.Endpoints;
using MicroCdn.Index.Events;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Api;

/// <summary>Who may stage a file by the API, and who is not even asked for its bytes.</summary>
public sealed class StagingTests : IDisposable
{
    private const string Path = "/api/v1/releases/v2/files/site/a%20b.html";
    private const string Asked = "HTTP/1.1 100 Continue\r\n\r\n";

    private readonly TemporaryFolder _folder = new();
    private readonly Nowhere _index = new();
    private readonly ApiWorld _world;
    private readonly AccessToken _publisher;

    public StagingTests()
    {
        FakeTimeProvider time = new();
        LogBook log = new();
        Publisher publisher = new(new ClientOptions(), null, _index, time);
        AuditLog audit = new(_folder.Path, time, log);
        Uploading uploading = new(UploadFolder.Open(System.IO.Path.Combine(_folder.Path, "uploads"), 100, 0, time),
            publisher, new IndexWorld().Directory, audit, log);
        _world = new ApiWorld([.. new ReleaseRoutes(publisher, uploading, new EventLog(time), audit).All]);
        _publisher = _world.Add(2, TokenScopes.Publish, "site/");
    }

    public void Dispose()
    {
        _world.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("/api/v1/releases/v2/files/..%2Fetc", "", 400, "'../etc' is no file's name: a relative path without "
        + "'..', empty parts or control characters, at most 1,024 bytes.")]
    [InlineData("/api/v1/releases/v%202/files/site/a", "", 400,
        "'v 2' is no release's name: one word of at most 64 bytes.")]
    [InlineData("/api/v1/releases/v2/files/other/a", "", 403,
        "This token is for names that begin with 'site/' alone.")]
    [InlineData(Path + "?replica=2", "", 400,
        "There is no 'replica' behind the question mark here, only 'replicas'; did you mean 'replicas'?")]
    [InlineData(Path + "?replicas=none", "", 400, "The query takes 'replicas=N' alone, N from 1 to 64.")]
    [InlineData(Path, "Content-Range: bytes 5-9/10\r\n", 400, Whole)]
    [InlineData(Path, "If-None-Match: *\r\n", 400, Whole)]
    [InlineData(Path, "Repr-Digest: md5=:AAAA:\r\n", 400,
        "Repr-Digest and Content-Digest must hold 'sha-256=:BASE64:': no other digest is checked.")]
    [InlineData(Path, "Content-Encoding: gzip\r\n", 415,
        "Files are published as they are: send the bytes without a Content-Encoding.")]
    [InlineData(Path, "Origin: http://evil.example\r\n", 403, "Nothing is taken from pages of other addresses.")]
    public void Who_will_be_refused_is_not_asked_for_the_bytes(string path, string fields, int status, string detail)
    {
        Reply reply = new(Begin(path, Show(_publisher) + fields).SentBytes);
        Assert.Equal((status, "application/problem+json"), (reply.Status, reply["Content-Type"]));
        Assert.Equal(detail, ApiWorld.DetailOf(reply));
    }

    [Fact]
    public void Neither_is_who_has_no_right_to_publish_or_more_bytes_than_there_may_be()
    {
        Assert.Equal(401, new Reply(Begin(Path, "").SentBytes).Status);
        foreach (TokenScopes scope in (TokenScopes[])[TokenScopes.Read, TokenScopes.Purge])
        {
            Reply reply = new(Begin(Path, Show(_world.Add(3, scope))).SentBytes);
            Assert.Equal(403, reply.Status);
            Assert.Contains("this needs publish", ApiWorld.DetailOf(reply), StringComparison.Ordinal);
        }
        Assert.Equal(413, new Reply(Begin(Path, Show(_publisher), 101).SentBytes).Status);
    }

    [Fact]
    public void A_session_stages_with_what_only_our_page_can_read()
    {
        string cookie = _world.Sessions.Begin(_world.Tokens.Find(_publisher.Id)!);
        string field = $"Cookie: microcdn_8081={cookie}\r\n", csrf = _world.Sessions.Find(cookie)!.Csrf;
        Assert.Equal(403, new Reply(Begin(Path, field).SentBytes).Status);
        Assert.Equal(Asked, Begin(Path, $"{field}X-CSRF-Token: {csrf}\r\n").Sent);
    }

    [Fact]
    public void Two_releases_take_a_name_at_once_and_one_of_them_not_twice()
    {
        Assert.Equal(Asked, Begin(Path, Show(_publisher)).Sent);
        Assert.Equal(409, new Reply(Begin(Path, Show(_publisher)).SentBytes).Status);
        Assert.Equal(Asked, Begin(Path.Replace("v2", "v3", StringComparison.Ordinal), Show(_publisher)).Sent);
    }

    [Fact]
    public void An_index_that_is_away_is_told_and_nothing_of_the_file_is_kept()
    {
        _index.IsAway = true;
        Reply reply = _world.Ask("PUT", Path, _publisher, "bytes", "Content-Type: text/html\r\n");
        Assert.Equal((503, "5"), (reply.Status, reply["Retry-After"]));
        Assert.Empty(Directory.GetFiles(System.IO.Path.Combine(_folder.Path, "uploads"), "*.part"));
    }

    private const string Whole =
        "A file is staged whole, whatever is there: leave out Content-Range, If-Match and If-None-Match.";

    private Wire Begin(string path, string fields, int length = 5) =>
        _world.Open("PUT", path, $"{fields}Content-Length: {length}\r\nExpect: 100-continue\r\n");

    private static string Show(AccessToken token) => $"Authorization: Bearer {token.Reveal()}\r\n";

    // An index that never answers, or is away.
    private sealed class Nowhere : IDialer
    {
        public bool IsAway { get; set; }

        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) => IsAway
            ? throw new IOException($"{host}:{port} cannot be reached")
            : new(new TaskCompletionSource<LineConnection>().Task.WaitAsync(cancellationToken));
    }
}
