using System.Net;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Admin;

/// <summary>Looks at tokens, and lets who shows a wrong one wait.</summary>
internal sealed class Doorkeeper(TokenDesk tokens, Complaints complaints, TimeProvider time)
{
    /// <summary>The field that says how to come in.</summary>
    public const string Challenge = "WWW-Authenticate: Bearer realm=\"microcdn\"\r\n";

    private readonly WrongTokens _wrong = new(time);

    /// <summary>What the token in an Authorization field allows; null when it is none of ours.</summary>
    public TokenGrant? CheckField(ReadOnlySpan<byte> shown) =>
        shown.Length < 8 || !Ascii.EqualsIgnoreCase(shown[..7], "Bearer "u8) ? null
            : Check(shown[7..].Trim((byte)' '));

    /// <summary>What a token allows; null when it is none of ours.</summary>
    public TokenGrant? Check(ReadOnlySpan<byte> text) =>
        AccessToken.Read(text) is { } token ? tokens.Check(token) : null;

    /// <summary>What who shows a wrong token is told, once there is no hurry any more: who does guesses, or has one
    /// that was taken back.</summary>
    public Task<Problem> RefuseAsync(IPAddress from) =>
        Hold(from) is { } wait ? WaitAsync(wait) : Task.FromResult(TooMany());

    /// <summary>The same as the answer of a request.</summary>
    public void Refuse(Response response, IPeer peer)
    {
        if (Hold(peer.Remote) is not { } wait)
        {
            TooMany().Write(response);
            return;
        }
        response.Later();
        _ = Task.Run(async () => response.Give((await WaitAsync(wait).ConfigureAwait(false)).Write));
    }

    private TimeSpan? Hold(IPAddress from)
    {
        complaints.Add($"refused a token of {from}: it is none of ours (see 'microcdn token list')");
        return _wrong.Hold(from);
    }

    private async Task<Problem> WaitAsync(TimeSpan wait)
    {
        await Task.Delay(wait, time, CancellationToken.None).ConfigureAwait(false);
        _wrong.Release();
        return new Problem(HttpStatus.Unauthorized, "This token is none of ours.",
            "WWW-Authenticate: Bearer realm=\"microcdn\", error=\"invalid_token\"\r\n");
    }

    private static Problem TooMany() =>
        Problem.Later(HttpStatus.TooManyRequests, "Too many wrong tokens; try again soon.");
}
