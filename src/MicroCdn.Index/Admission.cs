using System.Net;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>Hands a new server its key for a token, once.</summary>
/// <remarks>Asked by strangers: a JOIN that proves nothing costs two hashes and the connection. Only a token that was
/// issued with our key reaches the disk.</remarks>
internal sealed partial class Admission(
    Credentials credentials, UsedTokens used, TimeProvider time, Complaints complaints, ILogger logger)
{
    /// <summary>Takes JOIN; the answer comes when the token is remembered as used.</summary>
    /// <param name="words">The words after the verb.</param>
    /// <param name="nonce">The nonce that this connection was told, or null.</param>
    /// <param name="peer">Who asks.</param>
    /// <param name="answer">Where it is answered.</param>
    public WireError? HandleJoin(Words words, Nonce? nonce, IPAddress peer, Answer answer)
    {
        if (credentials.Keys is not { } keys) return WireErrors.UnknownCommand;
        if (!JoinMessage.TryParse(words, out JoinMessage message)) return WireErrors.Malformed;
        ClusterKey? cluster = keys.Cluster(message.Key);
        JoinToken? token = cluster is null || nonce is null ? null : Joining.Check(cluster, nonce.Value, message);
        string? why = nonce is null ? "it did not ask for a nonce by HELLO 2"
            : cluster is null ? $"its token's key {message.Key} is none of ours"
            : token is null ? "its token is not one of ours"
            : token.Expires <= Now ? $"{token} has ended" : null;
        if (why is not null)
        {
            Refuse(peer, why);
            answer.WriteError(WireErrors.NotAuthenticated);
            answer.Close();
            return null;
        }
        Nonce theirs = message.Nonce;
        answer.Later();
        // The disk is waited for off the loop's thread.
        _ = Task.Run(() => answer.Complete(Admit(token!, nonce!.Value, theirs, keys, peer)));
        return null;
    }

    private long Now => time.GetUtcNow().ToUnixTimeSeconds();

    private byte[] Admit(JoinToken token, Nonce own, Nonce theirs, Keyring keys, IPAddress peer)
    {
        try
        {
            if (!used.TryTake(token, Now))
            {
                Refuse(peer, $"{token} was used before");
                return WireErrors.NotAuthenticated.Line.ToArray();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Refuse(peer, $"{token} cannot be remembered as used: {exception.Message}");
            return WireErrors.Unavailable.Line.ToArray();
        }
        LogJoined(token.Role.Word(), token.Server, peer, token.Id);
        return Joining.Answer(token, own, theirs, Joining.KeysFor(token, keys), credentials.Draw);
    }

    private void Refuse(IPAddress peer, string why) => complaints.Add($"refused a JOIN from {peer}: {why}");

    [LoggerMessage(2030, LogLevel.Information, "{Role} {Id} at {Peer} got its key for token {Token}")]
    private partial void LogJoined(string role, ServerId id, IPAddress peer, TokenId token);
}
