using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Keys;

/// <summary>Fetches a new server's keys from an index, for a token.</summary>
internal sealed class JoinClient(IDialer dialer, TimeProvider time, RandomBytes chance)
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>Asks the index.</summary>
    /// <exception cref="IOException">It is not reached, refused, or does not prove itself.</exception>
    public async Task<Keyring> JoinAsync(
        string host, int port, JoinToken token, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await AskAsync(host, port, token, either.Token);
        }
        catch (InvalidDataException exception)
        {
            throw new IOException($"{host}:{port} is no index: {exception.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{host}:{port} did not answer within {AnswerTime.TotalSeconds} s");
        }
    }

    private async Task<Keyring> AskAsync(
        string host, int port, JoinToken token, CancellationToken cancellationToken)
    {
        await using LineConnection connection = await dialer.DialAsync(host, port, cancellationToken);
        await connection.SendAsync(Greeting.Hello2, cancellationToken);
        ReadOnlyMemory<byte>? welcome = await connection.ReadLineAsync(cancellationToken);
        Nonce? told = null;
        if (welcome is not { } greeting || !Greeting.IsWelcome2(greeting.Span, out told) || told is not { } theirs)
        {
            throw new IOException($"{host}:{port} is no index that has a key: start it with --key-file");
        }
        Nonce own = Nonce.Draw(chance);
        await connection.SendAsync(Joining.Request(token, theirs, own), cancellationToken);
        ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(cancellationToken);
        if (answer is not { } line) throw new IOException($"{host}:{port} closed without an answer");
        if (Joining.Open(token, theirs, own, line.Span) is { } keys) return keys;
        if (!line.Span.StartsWith("ERROR "u8))
        {
            throw new IOException($"{host}:{port} does not prove itself: its answer was not made with this token");
        }
        throw new IOException($"{host}:{port} refused {token}: {System.Text.Encoding.UTF8.GetString(line.Span)}; it "
            + "was used before, has ended, or is of another cluster, and the index's log says which. "
            + "Issue a new one with 'microcdn key token'");
    }
}
