using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>The fleet, and what is done with a server.</summary>
/// <param name="fleet">The fleet.</param>
/// <param name="publisher">Tells the index that writes.</param>
/// <param name="monitors">The monitors that this index goes by.</param>
internal sealed class ServerRoutes(FleetDesk fleet, Publisher publisher, IReadOnlyList<MonitorClient> monitors)
{
    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/overview", "What is wrong, and what the fleet does now",
            _ => Task.FromResult(ApiAnswer.Ok(fleet.Overview(), ApiJson.Default.Overview)))
        {
            Gives = ApiJson.Default.Overview,
        },
        new("GET", "/figures", "The last hour of the fleet, a value for every five seconds",
            _ => Task.FromResult(ApiAnswer.Ok(fleet.History(), ApiJson.Default.History)))
        {
            Gives = ApiJson.Default.History,
        },
        new("GET", "/origins", "What origins were asked, by server and origin", call => Task.FromResult(ApiAnswer.Ok(
            Pages.Of(fleet.Origins(), one => $"{one.Server} {one.Origin}", call), ApiJson.Default.ListingOriginView)))
        {
            Query = [QueryKey.Limit, QueryKey.After], Gives = ApiJson.Default.ListingOriginView,
        },
        new("GET", "/servers", "Every content server", ListAsync)
        {
            Query = [QueryKey.Limit, QueryKey.After], Gives = ApiJson.Default.ListingServerView,
        },
        new("GET", "/servers/{id}", "One content server", async call => ApiAnswer.Ok(
            await FindAsync(call).ConfigureAwait(false), ApiJson.Default.ServerView))
        {
            Gives = ApiJson.Default.ServerView,
        },
        Act("drain", "Send nobody to a server any more, until it is resumed",
            (call, token) => TellMonitorsAsync(monitor => monitor.DrainAsync(call.Server, token))),
        Act("resume", "Let a drained server come back",
            (call, token) => TellMonitorsAsync(monitor => monitor.ResumeAsync(call.Server, token))),
        Act("retire", "Have a server's files made safe elsewhere, so that it can be switched off for good",
            (call, token) => publisher.OrderAsync($"RETIRE {call.Server}", token)),
        Act("reinstate", "Take a retired server back into use",
            (call, token) => publisher.OrderAsync($"RESUME {call.Server}", token)),
    ];

    private ApiRoute Act(string verb, string summary, Func<ApiCall, CancellationToken, Task> act) =>
        new("POST", $"/servers/{{id}}/{verb}", summary, async call =>
        {
            await FindAsync(call).ConfigureAwait(false);
            await act(call, CancellationToken.None).ConfigureAwait(false);
            return ApiAnswer.Begun(await FindAsync(call).ConfigureAwait(false), ApiJson.Default.ServerView,
                $"/servers/{Uri.EscapeDataString(call.Server.Value)}");
        })
        {
            Scopes = TokenScopes.Admin, Gives = ApiJson.Default.ServerView, Status = 202,
        };

    private async Task<ApiAnswer> ListAsync(ApiCall call)
    {
        IReadOnlyList<ServerView> servers = await fleet.ServersAsync(call.Reached).ConfigureAwait(false);
        return ApiAnswer.Ok(Pages.Of(servers, server => server.Id, call), ApiJson.Default.ListingServerView);
    }

    private async Task<ServerView> FindAsync(ApiCall call)
    {
        IReadOnlyList<ServerView> servers = await fleet.ServersAsync(call.Reached).ConfigureAwait(false);
        string id = call.Server.Value;
        if (servers.FirstOrDefault(server => server.Id == id) is { } found) return found;
        string near = NearWord.Of(id, servers.Select(server => server.Id)) is { } word ? $"; did you mean '{word}'?"
            : ".";
        throw new ProblemException(HttpStatus.NotFound, $"No server '{Quote.Of(id)}' is known{near}");
    }

    // One that does not know it, or is away, is no reason not to tell the others.
    private async Task TellMonitorsAsync(Func<MonitorClient, Task> tell)
    {
        CdnException? trouble = null;
        bool isTold = false;
        foreach (MonitorClient monitor in monitors)
        {
            try
            {
                await tell(monitor).ConfigureAwait(false);
                isTold = true;
            }
            catch (CdnException exception)
            {
                trouble = exception;
            }
        }
        if (trouble is null) return;
        throw isTold ? new CdnException(trouble.Failure, $"Not every monitor was told: {trouble.Message}") : trouble;
    }
}
