using System.Text;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index.Events;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>Tokens: listed, made and taken back. The secret is told once, to who makes it.</summary>
internal sealed class TokenRoutes(Publisher publisher, EventLog events, RandomBytes chance, TimeProvider time)
{
    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/tokens", "Every token, without its secret", async call => ApiAnswer.Ok(
            Pages.Of(await ListAsync().ConfigureAwait(false), one => one.Id, call), ApiJson.Default.ListingTokenView))
        {
            Scopes = TokenScopes.Admin, Query = [QueryKey.Limit, QueryKey.After],
            Gives = ApiJson.Default.ListingTokenView,
        },
        new("POST", "/tokens", "Make a token", AddAsync)
        {
            Scopes = TokenScopes.Admin, Takes = ApiJson.Default.TokenWish, Gives = ApiJson.Default.TokenView,
            Status = 201,
        },
        new("DELETE", "/tokens/{id}", "Take a token back", RemoveAsync) { Scopes = TokenScopes.Admin, Status = 204 },
    ];

    private async Task<List<TokenView>> ListAsync()
    {
        List<TokenView> tokens = [];
        foreach (string line in await publisher.OrderAsync("TOKENS", CancellationToken.None).ConfigureAwait(false))
        {
            byte[] words = Encoding.UTF8.GetBytes(line);
            if (words.AsSpan().StartsWith("TOKEN "u8) && TokenGrant.Read(new Words(words.AsSpan(6))) is { } grant)
            {
                tokens.Add(ViewOf(grant));
            }
        }
        return tokens;
    }

    private async Task<ApiAnswer> AddAsync(ApiCall call)
    {
        TokenWish wish = call.Read(ApiJson.Default.TokenWish);
        TokenScopes scopes = TokenGrant.ReadScopes(string.Join(',', wish.Scopes));
        if (scopes == TokenScopes.None)
        {
            throw Wrong("'scopes' are some of 'read', 'publish', 'purge' and 'admin', at least one.");
        }
        if (!TokenGrant.IsPrefix(wish.Prefix ?? "")) throw Wrong("'prefix' is the beginning of names, such as 'iso/'.");
        if (Encoding.UTF8.GetByteCount(wish.Note ?? "") > TokenGrant.NoteBytes)
        {
            throw Wrong($"'note' has at most {TokenGrant.NoteBytes} bytes.");
        }
        AccessToken token = AccessToken.Draw(chance);
        TokenGrant grant = new(token.Id, token.Hash, scopes, wish.Prefix ?? "", time.GetUtcNow().ToUnixTimeSeconds(),
            wish.Note ?? "");
        await publisher.OrderAsync($"TOKEN_ADD {(grant with { UnixSeconds = -1 }).ToWords()}", CancellationToken.None)
            .ConfigureAwait(false);
        string made = $"token {grant.Id} for {TokenGrant.TextOf(scopes)}";
        events.Add(EventKind.Token, Severity.Info, grant.Id, $"{made} is made");
        return ApiAnswer.Made(ViewOf(grant) with { Token = token.Reveal() }, ApiJson.Default.TokenView,
            $"/tokens/{grant.Id}") with { Detail = made };
    }

    private async Task<ApiAnswer> RemoveAsync(ApiCall call)
    {
        string id = call.Values["id"];
        if (!AccessToken.IsId(Encoding.UTF8.GetBytes(id))) throw Wrong("A token's id has 12 hexadecimal digits.");
        await publisher.OrderAsync($"TOKEN_REMOVE {id}", CancellationToken.None).ConfigureAwait(false);
        events.Add(EventKind.Token, Severity.Info, id, $"token {id} is taken back");
        return ApiAnswer.Done();
    }

    private static TokenView ViewOf(TokenGrant grant) => new(grant.Id, TokenGrant.TextOf(grant.Scopes).Split(','),
        grant.Prefix, DateTimeOffset.FromUnixTimeSeconds(Math.Max(0, grant.UnixSeconds)), grant.Note);

    private static ProblemException Wrong(string sentence) => new(HttpStatus.BadRequest, sentence);
}
