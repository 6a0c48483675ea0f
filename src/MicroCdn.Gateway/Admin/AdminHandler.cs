using System.Text;
using MicroCdn.Admin;
using MicroCdn.Client;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Admin;

/// <summary>Answers whoever publishes by HTTP: looks at the token first, then at what is wanted.</summary>
/// <remarks>Browsers are of no use to anybody here: a token travels in a field that no page of a stranger's can set,
/// there are no cookies, and what says that a page sent it (Origin) is refused whatever else it says.</remarks>
internal sealed class AdminHandler(TokenDesk tokens, FileDirectory directory, Uploading uploading, Publisher publisher,
    IHttpHandler gateway, Complaints complaints, TimeProvider time) : IHttpHandler
{
    private const string Challenge = "WWW-Authenticate: Bearer realm=\"microcdn\"\r\n";
    private readonly WrongTokens _wrong = new(time);

    /// <summary>What those are answered who look after the process.</summary>
    public required WatchPages Pages { private get; init; }

    /// <summary>Whether they need no token for the metrics: whoever reaches the port is on this machine.</summary>
    public required bool AreMetricsOpen { private get; init; }

    /// <summary>Every method: the token counts first.</summary>
    public bool Takes(in Request request) => true;

    public void Handle(in Request request, Response response, IPeer peer)
    {
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
                "Say who you are: 'Authorization: Bearer TOKEN'.", Challenge));
            return;
        }
        if (Check(shown) is not { } grant) HoldUp(response, peer);
        else if (isWatching) Pages.Answer(request, response);
        else if (Answer(request, response, peer, grant) is { } problem) Refuse(request, response, problem);
    }

    private TokenGrant? Check(ReadOnlySpan<byte> shown)
    {
        if (shown.Length < 8 || !Ascii.EqualsIgnoreCase(shown[..7], "Bearer "u8)) return null;
        return AccessToken.Read(shown[7..].Trim((byte)' ')) is { } token ? tokens.Check(token) : null;
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
        if (isPut) return uploading.Begin(request, response, name, grant.Id);
        if (request.BodyLength != 0) return new Problem(HttpStatus.ContentTooLarge, "This method takes no body.");
        if (isDelete) return Remove(request, response, name);
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

    private Problem? Remove(in Request request, Response response, FileName name)
    {
        if (PutHead.Read(request.ToFields(), request.Query, 0, out Problem? problem) is not { } head) return problem;
        if (Stays(name, head, out PublishedEntry now) is { } stays) return stays;
        response.Later();
        _ = Task.Run(async () => response.Give(await RemoveAsync(name, head, now).ConfigureAwait(false)));
        return null;
    }

    private Problem? Stays(FileName name, PutHead head, out PublishedEntry now)
    {
        directory.TryFindPublished(Encoding.UTF8.GetBytes(name.Value), out now);
        if (now.Digest.IsNone) return new Problem(HttpStatus.NotFound, "Nothing is published under this name.");
        return head.Holds(now.Digest) ? null : new Problem(HttpStatus.PreconditionFailed,
            $"What is published under this name is \"{now.Digest}\", revision {now.Revision}; it stays.");
    }

    private async Task<Action<Response>> RemoveAsync(FileName name, PutHead head, PublishedEntry now)
    {
        try
        {
            long match = head.IfMatch.Length > 0 ? now.Revision : 0;
            long revision = await publisher.RemoveAsync(name, match, CancellationToken.None).ConfigureAwait(false);
            return response => Sentences.Explain(response, HttpStatus.Ok, $"removed {name} (revision {revision})");
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.NotFound)
        {
            return new Problem(HttpStatus.NotFound, "Nothing is published under this name.").Write;
        }
        catch (CdnException exception)
        {
            // Somebody else was quicker.
            if (exception.Failure == CdnFailure.Refused && Stays(name, head, out _) is { } stays) return stays.Write;
            return Problem.Later(HttpStatus.ServiceUnavailable, exception.Message).Write;
        }
    }

    // Who shows a wrong token guesses, or has one that was taken back: there is no hurry to tell.
    private void HoldUp(Response response, IPeer peer)
    {
        complaints.Add($"refused a token of {peer.Remote}: it is none of ours (see 'microcdn token list')");
        if (_wrong.Hold(peer.Remote) is not { } wait)
        {
            Problem.Later(HttpStatus.TooManyRequests, "Too many wrong tokens; try again soon.").Write(response);
            return;
        }
        response.Later();
        _ = Task.Run(async () =>
        {
            await Task.Delay(wait, time, CancellationToken.None).ConfigureAwait(false);
            _wrong.Release();
            response.Give(new Problem(HttpStatus.Unauthorized, "This token is none of ours.",
                "WWW-Authenticate: Bearer realm=\"microcdn\", error=\"invalid_token\"\r\n").Write);
        });
    }

    private static void Refuse(in Request request, Response response, Problem problem) =>
        UnreadBody.AnswerBehind(request, response, problem.Write);
}
