using System.Text;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>A browser comes, asks whether it is known, and goes.</summary>
internal sealed class SessionRoutes(Doorkeeper doorkeeper, Sessions sessions)
{
    public IEnumerable<ApiRoute> All =>
    [
        new("POST", "/session", "Begin a session: a cookie for a token", BeginAsync)
        {
            Scopes = TokenScopes.None, Takes = ApiJson.Default.SessionWish, Gives = ApiJson.Default.SessionView,
        },
        new("GET", "/session", "The session of the cookie; with a token that is null when there is none",
            call => Task.FromResult(Tell(call)))
        {
            Scopes = TokenScopes.None, Gives = ApiJson.Default.SessionView,
        },
        new("DELETE", "/session", "End the session",
            call => Task.FromResult(new ApiAnswer(HttpStatus.NoContent, null, sessions.EndField)
            {
                By = call.Cookie is { } cookie && sessions.Find(cookie) is { } session ? session.Grant.Id : "",
            }))
        {
            Scopes = TokenScopes.None, Status = 204,
        },
    ];

    private async Task<ApiAnswer> BeginAsync(ApiCall call)
    {
        string token = call.Read(ApiJson.Default.SessionWish).Token.Trim();
        if (doorkeeper.Check(Encoding.UTF8.GetBytes(token)) is not { } grant)
        {
            Problem problem = await doorkeeper.RefuseAsync(call.From).ConfigureAwait(false);
            throw new ProblemException(problem.Status, problem.Detail, problem.Fields);
        }
        string cookie = sessions.Begin(grant);
        return ApiAnswer.Ok(ViewOf(sessions.Find(cookie)!), ApiJson.Default.SessionView, sessions.FieldOf(cookie))
            with { By = grant.Id };
    }

    // That nobody is signed in is an answer: a browser would note a 401 as a fault at each first visit.
    private ApiAnswer Tell(ApiCall call)
    {
        Session? session = call.Cookie is { } cookie ? sessions.Find(cookie) : null;
        return ApiAnswer.Ok(session is null ? SessionView.Nobody : ViewOf(session), ApiJson.Default.SessionView);
    }

    private static SessionView ViewOf(Session session) => new(session.Grant.Id,
        TokenGrant.TextOf(session.Grant.Scopes).Split(','), session.Csrf, session.Ends);
}
