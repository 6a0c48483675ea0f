using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index.Events;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>How many copies there are to be of what lies below a prefix, and where.</summary>
/// <remarks>A change looks at the entity tag and then changes: one at a time here, so that of two pages one is refused.
/// Another index, or the command line, may come in between.</remarks>
internal sealed class PolicyRoutes(Publisher publisher, EventLog events)
{
    // As many as a policy may name.
    private const int MostServers = 64;

    private static readonly SemaphoreSlim Turn = new(1);

    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/policies", "Every policy, the longest prefix first", async call => ApiAnswer.Ok(
            Pages.Of(await ListAsync().ConfigureAwait(false), one => one.Prefix, call),
            ApiJson.Default.ListingPolicyView))
        {
            Query = [QueryKey.Limit, QueryKey.After], Gives = ApiJson.Default.ListingPolicyView,
        },
        new("GET", "/policies/{prefix}", "The policy of a prefix; '%2F' is that of every name", async call =>
        {
            PolicyView policy = await FindAsync(call.Values["prefix"]).ConfigureAwait(false) ?? throw Unknown(call);
            return ApiAnswer.Ok(policy, ApiJson.Default.PolicyView, ApiAnswer.TagOf(TagOf(policy)));
        })
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
        PolicyWish wish = call.Read(ApiJson.Default.PolicyWish);
        string prefix = call.Values["prefix"];
        if (wish.Replicas is < 1 or > Limits.Replicas)
        {
            throw Wrong(string.Create(CultureInfo.InvariantCulture,
                $"'replicas' is a number from 1 to {Limits.Replicas}, not {wish.Replicas}."));
        }
        if (prefix != "/" && (prefix.Length == 0 || !TokenGrant.IsPrefix(prefix)))
        {
            throw Wrong($"'{Quote.Of(prefix)}' is no prefix: the beginning of names, such as 'iso/', or '/' for all.");
        }
        if (wish.Servers?.Count > MostServers) throw Wrong($"'servers' are at most {MostServers}.");
        if (wish.Servers?.FirstOrDefault(id => !ServerId.TryCreate(id, out _)) is { } id)
        {
            throw Wrong($"'{Quote.Of(id)}' is no server's id: one word of at most 64 bytes.");
        }
        await Turn.WaitAsync().ConfigureAwait(false);
        try
        {
            await CheckAsync(call).ConfigureAwait(false);
            string words = string.Create(CultureInfo.InvariantCulture, $"replicas={wish.Replicas}")
                + (wish.ZoneSpread ? " spread=1" : "")
                + string.Concat((wish.Servers ?? []).Select(server => $" server={server}"));
            await publisher.OrderAsync($"POLICY {PercentText.WordOf(prefix)} {words}", CancellationToken.None)
                .ConfigureAwait(false);
            events.Add(EventKind.Policy, Severity.Info, prefix, $"the policy of '{prefix}' is now: {words}");
            PolicyView policy = new(prefix, wish.Replicas, wish.ZoneSpread, wish.Servers ?? []);
            return ApiAnswer.Ok(policy, ApiJson.Default.PolicyView, ApiAnswer.TagOf(TagOf(policy))) with
            {
                Detail = words,
            };
        }
        finally
        {
            Turn.Release();
        }
    }

    private async Task<ApiAnswer> RemoveAsync(ApiCall call)
    {
        string prefix = call.Values["prefix"];
        await Turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (await CheckAsync(call).ConfigureAwait(false) is null) throw Unknown(call);
            await publisher.OrderAsync($"POLICY {PercentText.WordOf(prefix)}", CancellationToken.None)
                .ConfigureAwait(false);
            events.Add(EventKind.Policy, Severity.Info, prefix, $"the policy of '{prefix}' is taken out");
            return ApiAnswer.Done();
        }
        finally
        {
            Turn.Release();
        }
    }

    // What is there, when it is what the caller thinks.
    private async Task<PolicyView?> CheckAsync(ApiCall call)
    {
        PolicyView? now = await FindAsync(call.Values["prefix"]).ConfigureAwait(false);
        if (call.IfMatch.Length == 0) return now;
        bool holds = now is not null && (call.IfMatch == "*"
            || call.IfMatch.Split(',', StringSplitOptions.TrimEntries).Contains($"\"{TagOf(now)}\""));
        return holds ? now : throw new ProblemException(HttpStatus.PreconditionFailed, now is null
            ? "There is no policy for this prefix any more." : "It was changed meanwhile; look at it anew.",
            now is null ? "" : ApiAnswer.TagOf(TagOf(now)));
    }

    private async Task<PolicyView?> FindAsync(string prefix) =>
        (await ListAsync().ConfigureAwait(false)).Find(one => one.Prefix == prefix);

    private async Task<List<PolicyView>> ListAsync()
    {
        List<PolicyView> policies = [];
        foreach (string line in await publisher.OrderAsync("POLICIES", CancellationToken.None).ConfigureAwait(false))
        {
            if (Read(line) is { } policy) policies.Add(policy);
        }
        return policies;
    }

    private static PolicyView? Read(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not ["POLICY", { } prefix, .. var pairs]) return null;
        int replicas = 0;
        bool isSpread = false;
        List<string> servers = [];
        foreach (string pair in pairs)
        {
            if (pair.StartsWith("replicas=", StringComparison.Ordinal)) _ = int.TryParse(pair[9..], out replicas);
            else if (pair == "spread=1") isSpread = true;
            else if (pair.StartsWith("server=", StringComparison.Ordinal)) servers.Add(pair[7..]);
        }
        return new PolicyView(PercentText.TextOf(Encoding.UTF8.GetBytes(prefix)), replicas, isSpread, servers);
    }

    private static string TagOf(PolicyView policy) => Convert.ToHexStringLower(
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(policy, ApiJson.Default.PolicyView)).AsSpan(0, 8));

    private static ProblemException Unknown(ApiCall call) =>
        new(HttpStatus.NotFound, $"There is no policy for '{Quote.Of(call.Values["prefix"])}'.");

    private static ProblemException Wrong(string sentence) => new(HttpStatus.BadRequest, sentence);
}
