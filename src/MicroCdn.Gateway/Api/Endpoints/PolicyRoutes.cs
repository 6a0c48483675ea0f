using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index.Events;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>How many copies there are to be of what lies below a prefix, and where.</summary>
/// <remarks>A change with an entity tag names the policy that it is to replace, and the index that writes looks at
/// that in one step with the write: of two pages, or a page and the command line, one is refused.</remarks>
internal sealed class PolicyRoutes(Publisher publisher, EventLog events)
{
    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/policies", "Every policy, the longest prefix first", async call => ApiAnswer.Ok(
            Pages.Of<PolicyView>(
                [.. (await ListAsync().ConfigureAwait(false)).Select(ViewOf)], one => one.Prefix, call),
            ApiJson.Default.ListingPolicyView))
        {
            Query = [QueryKey.Limit, QueryKey.After], Gives = ApiJson.Default.ListingPolicyView,
        },
        new("GET", "/policies/{prefix}", "The policy of a prefix; '%2F' is that of every name",
            async call => Show(await FindAsync(call).ConfigureAwait(false) ?? throw Unknown(call)))
        {
            Gives = ApiJson.Default.PolicyView, HasEntityTag = true,
        },
        new("PUT", "/policies/{prefix}", "Set the policy of a prefix", PutAsync)
        {
            Scopes = TokenScopes.Admin, Takes = ApiJson.Default.PolicyWish, Gives = ApiJson.Default.PolicyView,
            HasEntityTag = true,
        },
        new("DELETE", "/policies/{prefix}", "Take the policy of a prefix out", RemoveAsync)
        {
            Scopes = TokenScopes.Admin, HasEntityTag = true, Status = 204,
        },
    ];

    private async Task<ApiAnswer> PutAsync(ApiCall call)
    {
        PolicyWords policy = Read(call);
        await ChangeAsync(call, policy).ConfigureAwait(false);
        events.Add(EventKind.Policy, Severity.Info, policy.Prefix,
            $"the policy of '{policy.Prefix}' is now: {policy.Rule}");
        return Show(policy) with { Detail = policy.Rule };
    }

    private async Task<ApiAnswer> RemoveAsync(ApiCall call)
    {
        PolicyWords none = new(call.Values["prefix"], 0, false, []);
        if (!PolicyWords.IsPrefix(none.Prefix)) throw Unknown(call);
        await ChangeAsync(call, none).ConfigureAwait(false);
        events.Add(EventKind.Policy, Severity.Info, none.Prefix, $"the policy of '{none.Prefix}' is taken out");
        return ApiAnswer.Done();
    }

    private static PolicyWords Read(ApiCall call)
    {
        PolicyWish wish = call.Read(ApiJson.Default.PolicyWish);
        string prefix = call.Values["prefix"];
        if (wish.Replicas is < 1 or > Limits.Replicas)
        {
            throw Wrong(string.Create(CultureInfo.InvariantCulture,
                $"'replicas' is a number from 1 to {Limits.Replicas}, not {wish.Replicas}."));
        }
        if (!PolicyWords.IsPrefix(prefix))
        {
            throw Wrong($"'{Quote.Of(prefix)}' is no prefix: the beginning of names, such as 'iso/', or '/' for all.");
        }
        List<ServerId> servers = [];
        foreach (string id in wish.Servers ?? [])
        {
            if (!ServerId.TryCreate(id, out ServerId server))
            {
                throw Wrong($"'{Quote.Of(id)}' is no server's id: one word of at most 64 bytes.");
            }
            servers.Add(server);
        }
        if (servers.Count > PolicyWords.MostServers) throw Wrong($"'servers' are at most {PolicyWords.MostServers}.");
        return new PolicyWords(prefix, wish.Replicas, wish.ZoneSpread, servers);
    }

    private async Task ChangeAsync(ApiCall call, PolicyWords policy)
    {
        try
        {
            string? match = call.IfMatch.Length > 0 ? await MatchAsync(call).ConfigureAwait(false) : null;
            await publisher.SetPolicyAsync(policy with { Match = match }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.Changed)
        {
            throw Changed(await FindAsync(call).ConfigureAwait(false));
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.NotFound)
        {
            throw Unknown(call);
        }
    }

    // Of the tags that the caller goes by, the one that there is; the writer looks once more.
    private async Task<string> MatchAsync(ApiCall call)
    {
        PolicyWords? there = await FindAsync(call).ConfigureAwait(false);
        bool holds = there is not null && (call.IfMatch == PolicyWords.Any
            || call.IfMatch.Split(',', StringSplitOptions.TrimEntries).Contains(ViewOf(there).Etag));
        return !holds ? throw Changed(there) : call.IfMatch == PolicyWords.Any ? PolicyWords.Any : there!.Tag;
    }

    private async Task<PolicyWords?> FindAsync(ApiCall call)
    {
        string prefix = call.Values["prefix"];
        return (await ListAsync().ConfigureAwait(false)).FirstOrDefault(one => one.Prefix == prefix);
    }

    private Task<IReadOnlyList<PolicyWords>> ListAsync() => publisher.PoliciesAsync(CancellationToken.None);

    private static PolicyView ViewOf(PolicyWords policy) => new(policy.Prefix, policy.Replicas, policy.IsSpread,
        [.. policy.Servers.Select(server => server.Value)], $"\"{policy.Tag}\"");

    private static ApiAnswer Show(PolicyWords policy)
    {
        PolicyView view = ViewOf(policy);
        return ApiAnswer.Ok(view, ApiJson.Default.PolicyView, ApiAnswer.FieldOf(view.Etag));
    }

    private static ProblemException Changed(PolicyWords? there) => new(HttpStatus.PreconditionFailed, there is null
        ? "There is no policy for this prefix any more." : "It was changed meanwhile; look at it anew.",
        there is null ? "" : ApiAnswer.FieldOf(ViewOf(there).Etag));

    private static ProblemException Unknown(ApiCall call) =>
        new(HttpStatus.NotFound, $"There is no policy for '{Quote.Of(call.Values["prefix"])}'.");

    private static ProblemException Wrong(string sentence) => new(HttpStatus.BadRequest, sentence);
}
