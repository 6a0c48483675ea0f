using System.Net;
using System.Text;
using MicroCdn.Admin;
using MicroCdn.Client;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Page;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Admin;

/// <summary>Answers whoever comes to the admin port: the API by its own rules, and who publishes by HTTP by the token
/// first, and then by what is wanted.</summary>
/// <remarks>For publishing, browsers are of no use to anybody: a token travels in a field that no page of a stranger's
/// can set, cookies do not count, and what says that a page sent it (Origin) is refused whatever it says.</remarks>
internal sealed class AdminHandler(Doorkeeper doorkeeper, FileDirectory directory, Uploading uploading,
    Publisher publisher, IHttpHandler gateway, ApiHandler api, AuditLog audit) : IHttpHandler
{
    /// <summary>The page for browsers.</summary>
    public required StaticPages Page { private get; init; }

    /// <summary>What those are answered who look after the process.</summary>
    public required WatchPages Pages { private get; init; }

    /// <summary>Whether they need no token for the metrics: whoever reaches the port is on this machine.</summary>
    public required bool AreMetricsOpen { private get; init; }

    /// <summary>Every method: the token counts first.</summary>
    public bool Takes(in Request request) => true;

    public void Handle(in Request request, Response response, IPeer peer)
    {
        if (ApiHandler.IsFor(request.Path))
        {
            api.Handle(request, response, peer);
            return;
        }
        if (request.Method is Method.Get or Method.Head && request.BodyLength == 0 && StaticPages.IsFor(request.Path))
        {
            Page.Answer(request, response);
            return;
        }
        if (request.Has(Field.Origin))
        {
            Refuse(request, response, new Problem(HttpStatus.Forbidden, "Nothing is taken from pages in browsers."));
            return;
        }
        bool isWatching = request.Method is Method.Get or Method.Head && request.BodyLength == 0
            && WatchPages.IsFor(request.Path);
        if (isWatching && (AreMetricsOpen || !request.Path.SequenceEqual("/metrics"u8)))
        {
            Pages.Answer(request, response);
            return;
        }
        ReadOnlySpan<byte> shown = request.Lines.Joined("Authorization"u8);
        if (shown.IsEmpty)
        {
            Refuse(request, response, new Problem(HttpStatus.Unauthorized,
                "Say who you are: 'Authorization: Bearer TOKEN'.", Doorkeeper.Challenge));
            return;
        }
        if (doorkeeper.CheckField(shown) is not { } grant) doorkeeper.Refuse(response, peer);
        else if (isWatching) Pages.Answer(request, response);
        else if (Answer(request, response, peer, grant) is { } problem) Refuse(request, response, problem);
    }

    // Null when it is answered, now or later.
    private Problem? Answer(in Request request, Response response, IPeer peer, TokenGrant grant)
    {
        Span<byte> decoded = stackalloc byte[Limits.NameBytes];
        if (!PathNames.TryRead(request.Path, decoded, out int length, out bool isFolder) || isFolder
            || !FileName.TryCreate(decoded[..length], out FileName name))
        {
            return new Problem(HttpStatus.BadRequest, "The path is no file's name: a relative path without '..', empty "
                + "parts or control characters, at most 1,024 bytes.");
        }
        bool isPut = request.MethodName.SequenceEqual("PUT"u8), isDelete = request.MethodName.SequenceEqual("DELETE"u8);
        bool isRead = request.Method is Method.Get or Method.Head;
        if (!isPut && !isDelete && !isRead)
        {
            return new Problem(HttpStatus.MethodNotAllowed, "Only GET, HEAD, PUT and DELETE here.",
                "Allow: GET, HEAD, PUT, DELETE\r\n");
        }
        TokenScopes wanted = isRead ? TokenScopes.Read | TokenScopes.Publish : TokenScopes.Publish;
        if (!grant.Allows(wanted, decoded[..length]))
        {
            return new Problem(HttpStatus.Forbidden, "This token does not allow this for this name.",
                "WWW-Authenticate: Bearer realm=\"microcdn\", error=\"insufficient_scope\"\r\n");
        }
        if (isPut) return uploading.Begin(request, response, new UploadWish(name, null, grant.Id, peer.Remote));
        if (request.BodyLength != 0) return new Problem(HttpStatus.ContentTooLarge, "This method takes no body.");
        if (isDelete) return Remove(request, response, name, grant, peer.Remote);
        if (request.Method == Method.Get) gateway.Handle(request, response, peer);
        else Tell(response, decoded[..length]);
        return null;
    }

    private void Tell(Response response, ReadOnlySpan<byte> name)
    {
        long offset = uploading.OffsetOf(name);
        if (directory.TryFindPublished(name, out PublishedEntry entry)) Facts.Answer(response, entry, offset);
        else
        {
            new Problem(HttpStatus.NotFound, "Nothing is published under this name.", $"Upload-Offset: {offset}\r\n")
                .Write(response);
        }
    }

    private Problem? Remove(
        in Request request, Response response, FileName name, TokenGrant grant, IPAddress from)
    {
        if (PutHead.Read(request.ToFields(), request.Query, 0, out Problem? problem) is not { } head) return problem;
        if (Stays(name, head, out PublishedEntry now) is { } stays) return stays;
        response.Later();
        _ = Task.Run(async () =>
        {
            (Action<Response> answer, int status, string detail) =
                await RemoveAsync(name, head, now).ConfigureAwait(false);
            audit.Add(grant.Id, from, $"DELETE /{name}", status, detail);
            response.Give(answer);
        });
        return null;
    }

    private Problem? Stays(FileName name, PutHead head, out PublishedEntry now)
    {
        directory.TryFindPublished(Encoding.UTF8.GetBytes(name.Value), out now);
        if (now.Digest.IsNone) return new Problem(HttpStatus.NotFound, "Nothing is published under this name.");
        return head.Holds(now.Digest) ? null : new Problem(HttpStatus.PreconditionFailed,
            $"What is published under this name is \"{now.Digest}\", revision {now.Revision}; it stays.");
    }

    private async Task<(Action<Response> Answer, int Status, string Detail)> RemoveAsync(
        FileName name, PutHead head, PublishedEntry now)
    {
        try
        {
            long match = head.IfMatch.Length > 0 ? now.Revision : 0;
            long revision = await publisher.RemoveAsync(name, match, CancellationToken.None).ConfigureAwait(false);
            string detail = $"removed {name} (revision {revision})";
            return (response => Sentences.Explain(response, HttpStatus.Ok, detail), 200, detail);
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.NotFound)
        {
            return Of(new Problem(HttpStatus.NotFound, "Nothing is published under this name."));
        }
        catch (CdnException exception)
        {
            // Somebody else was quicker.
            if (exception.Failure == CdnFailure.Refused && Stays(name, head, out _) is { } stays) return Of(stays);
            return Of(Problem.Later(HttpStatus.ServiceUnavailable, exception.Message));
        }
    }

    private static (Action<Response> Answer, int Status, string Detail) Of(Problem problem) =>
        (problem.Write, problem.Status.Code, problem.Detail);

    private static void Refuse(in Request request, Response response, Problem problem) =>
        UnreadBody.AnswerBehind(request, response, problem.Write);
}
