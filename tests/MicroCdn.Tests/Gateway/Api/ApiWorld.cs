using System.Text.Json;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Index.Events;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Api;

/// <summary>The API without sockets, with routes of a test's own.</summary>
internal sealed class ApiWorld : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Book _book = new(new Catalog(1), 1);
    private readonly HttpService _service;
    private long _change;

    public ApiWorld(params IReadOnlyList<ApiRoute> routes)
    {
        Applied applied = new(new Router(new Catalog(1), new Fleet(Time), new Chance(1)), Log);
        Tokens = new TokenDesk(_book.Tokens, new Scribe(new MemoryRecordStore(), _book, applied, Log), Time, Log);
        Complaints complaints = new(Log, Time);
        Sessions = new Sessions(new byte[32], Tokens, 8081, Time);
        Audit = new AuditLog(_folder.Path, Time, Log);
        Doorkeeper doorkeeper = new(Tokens, complaints, Time);
        ApiHandler handler = new(new ApiPaths(routes), doorkeeper, Sessions, Audit, Time, Log);
        _service = new HttpService(new Whole(handler), new TrustedNetworks([]), complaints, Time);
        Everything = Add(1, TokenScopes.Admin);
    }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddYears(50));

    public LogBook Log { get; } = new();

    public EventLog Events => field ??= new EventLog(Time);

    public TokenDesk Tokens { get; }

    public Sessions Sessions { get; }

    public AuditLog Audit { get; }

    /// <summary>A token that allows everything.</summary>
    public AccessToken Everything { get; }

    /// <summary>Adds a token.</summary>
    public AccessToken Add(byte number, TokenScopes scopes, string prefix = "")
    {
        AccessToken token = AccessToken.Draw(bytes => bytes.Fill(number));
        TokenGrant grant = new(token.Id, token.Hash, scopes, prefix, 5, "");
        _book.Apply(new RecordChange(++_change, [TokenTable.RowOf(grant)]));
        return token;
    }

    /// <summary>Takes a token back.</summary>
    public void Remove(AccessToken token)
    {
        RecordRow row = new((byte)BookKind.Token, TokenTable.KeyOf(token.Id), null);
        _book.Apply(new RecordChange(++_change, [row]));
    }

    /// <summary>Asks with a token.</summary>
    public Reply Ask(string method, string path, AccessToken? token, string body = "", string fields = "") =>
        Send(method, path, (token is null ? "" : $"Authorization: Bearer {token.Reveal()}\r\n") + fields, body);

    /// <summary>Asks as a browser does.</summary>
    public Reply Send(string method, string path, string fields, string body = "")
    {
        Wire wire = Open(method, path, fields, body);
        // It is made on the pool, and given on the connection.
        Assert.True(SpinWait.SpinUntil(() => wire.Turn().SentLength > 0, TimeSpan.FromSeconds(30)));
        return new Reply(wire.SentBytes);
    }

    /// <summary>Asks, and leaves the connection open.</summary>
    public Wire Open(string method, string path, string fields, string body = "")
    {
        string type = body.Length == 0 || fields.Contains("Content-Type", StringComparison.Ordinal) ? ""
            : "Content-Type: application/json\r\n";
        string length = body.Length == 0 ? "" : $"Content-Length: {body.Length}\r\n";
        return new Wire(_service).Receive(
            $"{method} {path} HTTP/1.1\r\nHost: cdn.example:8081\r\n{type}{length}{fields}\r\n{body}");
    }

    /// <summary>The sentence of a problem.</summary>
    public static string DetailOf(Reply reply)
    {
        using JsonDocument problem = JsonDocument.Parse(reply.Body);
        return problem.RootElement.GetProperty("detail").GetString()!;
    }

    public void Dispose() => _folder.Dispose();

    // The admin port takes every method.
    private sealed class Whole(ApiHandler api) : IHttpHandler
    {
        public bool Takes(in Request request) => true;

        public void Handle(in Request request, Response response, IPeer peer) => api.Handle(request, response, peer);
    }
}
