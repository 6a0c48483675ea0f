using System.Text;
using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway.Api;

/// <summary>Answers the API: what is wanted first, then who wants it, then it is done, off the event loop.</summary>
/// <remarks>A program shows a token with each request. A browser has a cookie, which it sends whoever made the page
/// that asks; so what comes from a page of another address is refused (Origin, RFC 6454), and what changes something
/// has to carry what only our page could read.</remarks>
internal sealed partial class ApiHandler(ApiPaths paths, Doorkeeper doorkeeper, Sessions sessions, AuditLog audit,
    TimeProvider time, ILogger logger)
{
    private readonly Repeats _repeats = new(time);

    /// <summary>True for a path of the API.</summary>
    public static bool IsFor(ReadOnlySpan<byte> path) => path.StartsWith("/api/"u8);

    /// <summary>Answers, now or later.</summary>
    public void Handle(in Request request, Response response, IPeer peer)
    {
        try
        {
            Begin(request, response, peer);
        }
        catch (ProblemException exception)
        {
            UnreadBody.AnswerBehind(request, response, exception.Problem.Write);
        }
    }

    private void Begin(in Request request, Response response, IPeer peer)
    {
        if (!request.Path.StartsWith("/api/v1"u8))
        {
            throw new ProblemException(HttpStatus.NotFound, $"The API begins with {ApiRoute.Root}.");
        }
        if (request.Has(Field.Origin) && !IsOwn(request[Field.Origin], request.Authority))
        {
            throw new ProblemException(HttpStatus.Forbidden, "Nothing is taken from pages of other addresses.");
        }
        string method = request.Method == Method.Head ? "GET" : Encoding.ASCII.GetString(request.MethodName);
        ApiRoute route = paths.Find(method, request.Path["/api/v1".Length..], out Dictionary<string, string> values);
        string? cookie = sessions.ValueIn(request.Lines.Joined("Cookie"u8));
        TokenGrant? grant = null;
        DateTimeOffset? ends = null;
        if (route.Scopes != TokenScopes.None
            && !TryAdmit(request, response, peer, route, cookie, out grant, out ends)) return;
        ApiCall call = new()
        {
            Route = route,
            Values = values,
            Query = ApiPaths.ReadQuery(route, request.Query),
            Grant = grant,
            Ends = ends,
            From = peer.Remote,
            Reached = peer.Local,
            Cookie = cookie,
            IfMatch = Encoding.ASCII.GetString(request[Field.IfMatch]),
            LastEvent = Text(request, "Last-Event-ID"u8),
            Accept = Encoding.ASCII.GetString(request[Field.Accept]),
        };
        if (route.Upload is { } upload)
        {
            if (upload(request, response, call) is not { } problem) return;
            UnreadBody.AnswerBehind(request, response, problem.Write);
            return;
        }
        string key = Text(request, "Idempotency-Key"u8);
        if (key.Length > 0 && !Repeats.IsKey(key))
        {
            throw new ProblemException(HttpStatus.BadRequest,
                "Idempotency-Key is 1 to 64 letters, digits, '-' and '_'.");
        }
        if (route.Takes is not null && !IsJson(Text(request, "Content-Type"u8)))
        {
            throw new ProblemException(HttpStatus.UnsupportedMediaType,
                "The body must be JSON: 'Content-Type: application/json'.");
        }
        if (request.BodyLength > ApiBody.Most) throw TooLarge();
        RequestBody? body = request.TakeBody();
        response.Later(body);
        _ = Task.Run(async () =>
        {
            Action<Response> write = await AnswerAsync(call, body, key).ConfigureAwait(false);
            body?.Dispose();
            response.Give(write);
        });
    }

    // False when it is answered.
    private bool TryAdmit(in Request request, Response response, IPeer peer, ApiRoute route, string? cookie,
        out TokenGrant? grant, out DateTimeOffset? ends)
    {
        ReadOnlySpan<byte> shown = request.Lines.Joined("Authorization"u8);
        (grant, ends) = (null, null);
        if (!shown.IsEmpty)
        {
            grant = doorkeeper.CheckField(shown);
            if (grant is null)
            {
                doorkeeper.Refuse(response, peer);
                return false;
            }
        }
        else if (cookie is not null && sessions.Find(cookie) is { } session)
        {
            (grant, ends) = (session.Grant, session.Ends);
            if (route.IsChange && !Sessions.IsSame(session.Csrf, Text(request, "X-CSRF-Token"u8)))
            {
                throw new ProblemException(HttpStatus.Forbidden,
                    "X-CSRF-Token is not the one of this session: load the page anew.");
            }
        }
        if (grant is null)
        {
            throw new ProblemException(HttpStatus.Unauthorized, "Say who you are: 'Authorization: Bearer TOKEN'.",
                Doorkeeper.Challenge);
        }
        if ((grant.Scopes & (route.Scopes | TokenScopes.Admin)) == 0)
        {
            throw NotAllowed($"This token is for {TokenGrant.TextOf(grant.Scopes)}; this needs "
                + $"{TokenGrant.TextOf(route.Scopes.HasFlag(TokenScopes.Read) ? TokenScopes.Read : route.Scopes)}.");
        }
        if (grant.Prefix.Length > 0 && !route.KnowsPrefixes)
        {
            throw NotAllowed($"This token is for names that begin with '{grant.Prefix}' alone.");
        }
        return true;
    }

    private async Task<Action<Response>> AnswerAsync(ApiCall call, RequestBody? body, string key)
    {
        Problem problem;
        try
        {
            if (body is not null) call.Body = await ReadAsync(body).ConfigureAwait(false);
            Task<ApiAnswer> work = key.Length == 0 || call.Grant is null || call.Route.Method != "POST"
                ? call.Route.Answer(call) : _repeats.OnceAsync(call.Grant.Id, key,
                    [.. Encoding.UTF8.GetBytes(call.Place), .. call.Body], () => call.Route.Answer(call));
            ApiAnswer answer = await work.ConfigureAwait(false);
            Note(call, answer.Status.Code, answer.Detail, answer.By);
            return answer.Write;
        }
        catch (ProblemException exception)
        {
            problem = exception.Problem;
        }
        catch (CdnException exception)
        {
            problem = ProblemOf(exception);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException && body is not null)
        {
            problem = new Problem(HttpStatus.BadRequest, "The body did not come to its end.");
        }
        catch (Exception exception)
        {
            LogFailed(call.Route.Method, call.Place, exception);
            problem = new Problem(HttpStatus.InternalServerError, "This failed by a fault of ours; the index's log "
                + "says more.");
        }
        Note(call, problem.Status.Code, problem.Detail);
        return problem.Write;
    }

    // What strangers ask for is nobody's change, and would push out what is.
    private void Note(ApiCall call, int status, string detail, string by = "")
    {
        if (!call.Route.IsChange || (call.Grant?.Id ?? by) is not { Length: > 0 } token) return;
        audit.Add(token, call.From, call.Action, status, detail);
    }

    private static async Task<byte[]> ReadAsync(RequestBody body)
    {
        byte[] all = new byte[ApiBody.Most + 1];
        int length = 0;
        while (await body.ReadAsync(all.AsMemory(length), CancellationToken.None).ConfigureAwait(false) is > 0 and var
            read)
        {
            length += read;
            if (length > ApiBody.Most) throw TooLarge();
        }
        return all[..length];
    }

    /// <summary>What an index or a monitor could not do.</summary>
    public static Problem ProblemOf(CdnException exception) => exception.Failure switch
    {
        CdnFailure.NotFound => new Problem(HttpStatus.NotFound, exception.Message),
        CdnFailure.Changed => new Problem(HttpStatus.PreconditionFailed, exception.Message),
        CdnFailure.Refused => new Problem(HttpStatus.Conflict, exception.Message),
        CdnFailure.NoRoom => new Problem(HttpStatus.InsufficientStorage, exception.Message),
        _ => Problem.Later(HttpStatus.ServiceUnavailable, exception.Message),
    };

    // Behind a proxy that speaks TLS the scheme is another one; the host and port are what was asked for.
    private static bool IsOwn(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> authority)
    {
        int scheme = origin.StartsWith("http://"u8) ? 7 : origin.StartsWith("https://"u8) ? 8 : -1;
        return scheme > 0 && authority.Length > 0 && Ascii.EqualsIgnoreCase(origin[scheme..], authority);
    }

    private static bool IsJson(string type) =>
        type.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase);

    private static string Text(in Request request, ReadOnlySpan<byte> field) =>
        Encoding.ASCII.GetString(request.Lines.Joined(field));

    private static ProblemException TooLarge() =>
        new(HttpStatus.ContentTooLarge, $"A body here has at most {ApiBody.Most / 1024} KiB.");

    private static ProblemException NotAllowed(string sentence) => new(HttpStatus.Forbidden, sentence,
        "WWW-Authenticate: Bearer realm=\"microcdn\", error=\"insufficient_scope\"\r\n");

    [LoggerMessage(5121, LogLevel.Error, "{Method} {Path} of the API failed")]
    private partial void LogFailed(string method, string path, Exception exception);
}
