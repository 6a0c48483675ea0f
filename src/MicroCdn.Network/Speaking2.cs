using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>Dials a peer and opens the conversation in version 2 of the line protocol.</summary>
/// <remarks>With keys each side proves itself to the other before anything else is said. Where that is required,
/// nothing else counts as a peer: not one of version 1, not one that has no key, not silence. Falling back would let
/// whoever answers first decide that no proof is needed.</remarks>
public static class Speaking2
{
    // Whoever closes at HELLO 2 may be on its way down; a breath lets it be gone before it is dialed again.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);

    /// <summary>Dials and greets, without keys.</summary>
    /// <inheritdoc cref="TryDialAsync(IDialer, string, int, TimeProvider, Identity, CancellationToken)"/>
    public static Task<LineConnection?> TryDialAsync(
        IDialer dialer, string host, int port, TimeProvider time, CancellationToken cancellationToken) =>
        TryDialAsync(dialer, host, port, time, null, cancellationToken);

    /// <summary>Dials, greets, and where there are keys proves both sides to each other.</summary>
    /// <param name="dialer">Opens the connection.</param>
    /// <param name="host">The peer's host name or address.</param>
    /// <param name="port">Its line port.</param>
    /// <param name="time">Bounds the wait for WELCOME, and for the peer's proof, by
    /// <see cref="Limits.GreetingTime"/>.</param>
    /// <param name="self">Who we are; null to prove nothing and to ask for nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A connection of version 2, or null when the peer speaks version 1: it refused, closed, gave the bare
    /// WELCOME or was silent. Never null where proof is required.</returns>
    /// <exception cref="IOException">Nobody answers there.</exception>
    /// <exception cref="NotAuthenticatedException">The peer refused our proof, or did not prove itself.</exception>
    public static async Task<LineConnection?> TryDialAsync(IDialer dialer, string host, int port, TimeProvider time,
        Identity? self, CancellationToken cancellationToken) =>
        (await GreetAsync(dialer, host, port, time, self, cancellationToken).ConfigureAwait(false)).Connection;

    /// <summary>The same, and tells what the peer did where it did not welcome us.</summary>
    /// <inheritdoc cref="TryDialAsync(IDialer, string, int, TimeProvider, Identity, CancellationToken)"/>
    public static async Task<Greeted> GreetAsync(IDialer dialer, string host, int port, TimeProvider time,
        Identity? self, CancellationToken cancellationToken)
    {
        Greeted greeted = await OpenAsync(dialer, host, port, time, self, cancellationToken).ConfigureAwait(false);
        if (greeted.Connection is not null || self is not { IsRequired: true }) return greeted;
        throw new NotAuthenticatedException($"{host}:{port} does not prove itself: it speaks version 1, is silent or "
            + "closes; with --auth required nothing is said to it");
    }

    /// <summary>Dials and greets, without keys, and tells what the peer did where it did not welcome us.</summary>
    /// <inheritdoc cref="TryDialAsync(IDialer, string, int, TimeProvider, Identity, CancellationToken)"/>
    public static Task<Greeted> GreetAsync(
        IDialer dialer, string host, int port, TimeProvider time, CancellationToken cancellationToken) =>
        GreetAsync(dialer, host, port, time, null, cancellationToken);

    private static async Task<Greeted> OpenAsync(IDialer dialer, string host, int port, TimeProvider time,
        Identity? self, CancellationToken cancellationToken)
    {
        LineConnection connection = await dialer.DialAsync(host, port, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource late = new(Limits.GreetingTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        Welcome met = Welcome.Silence;
        try
        {
            await connection.SendAsync(Greeting.Hello2, either.Token).ConfigureAwait(false);
            ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
            if (answer is { } line && Greeting.IsWelcome2(line.Span, out Nonce? nonce))
            {
                if (self is { Credentials.AreThere: true })
                {
                    await ProveAsync(connection, self, nonce, $"{host}:{port}", either.Token).ConfigureAwait(false);
                }
                return new Greeted(connection, Welcome.Version2);
            }
            met = answer is null ? Welcome.Closed : Welcome.Refused;
        }
        catch (Exception exception)
            when (exception is IOException and not NotAuthenticatedException or InvalidDataException)
        {
            met = Welcome.Closed;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Silence is an answer too.
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        await connection.DisposeAsync().ConfigureAwait(false);
        if (met is Welcome.Closed) await Task.Delay(Breath, time, cancellationToken).ConfigureAwait(false);
        return new Greeted(null, met);
    }

    /// <summary>Dials; where there are keys both sides prove themselves, in version 2, and else nothing was said
    /// yet.</summary>
    /// <inheritdoc cref="TryDialAsync(IDialer, string, int, TimeProvider, Identity, CancellationToken)"/>
    public static async Task<LineConnection> DialAsync(IDialer dialer, string host, int port, TimeProvider time,
        Identity self, CancellationToken cancellationToken)
    {
        LineConnection? proved = !self.Credentials.AreThere ? null
            : await TryDialAsync(dialer, host, port, time, self, cancellationToken).ConfigureAwait(false);
        return proved ?? await dialer.DialAsync(host, port, cancellationToken).ConfigureAwait(false);
    }

    private static async Task ProveAsync(
        LineConnection connection, Identity self, Nonce? told, string peer, CancellationToken cancellationToken)
    {
        if (self.Key is not { } key)
        {
            throw new NotAuthenticatedException(
                $"the key file holds no key for {self.Role.Word()} {self.Id}, so nothing can be proved to {peer}");
        }
        if (told is not { } theirs)
        {
            if (!self.IsRequired) return;
            throw new NotAuthenticatedException($"{peer} has no key and proves nothing; give it one (--key-file), or "
                + "say --auth permissive here until all have one");
        }
        Nonce own = self.Credentials.Draw();
        ReadOnlyMemory<byte>? answer;
        try
        {
            await connection.SendAsync(Handshake.Auth(key, theirs, own), cancellationToken).ConfigureAwait(false);
            answer = await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new NotAuthenticatedException($"{peer} broke off when it was to prove itself: {exception.Message}");
        }
        if (answer is { } line && Handshake.IsAnswerProved(key, theirs, own, line.Span))
        {
            connection.Seal = Handshake.Seal(key, theirs, own);
            return;
        }
        throw new NotAuthenticatedException(answer is not { } said ? $"{peer} closed when it was to prove itself"
            : said.Span.StartsWith("ERROR "u8)
            ? $"{peer} does not take our {key}: {Encoding.UTF8.GetString(said.Span)}; is it the key of another cluster?"
            : $"{peer} does not prove itself: its answer was not made with our {key}");
    }
}

/// <summary>What became of a greeting in version 2.</summary>
/// <param name="Connection">The conversation; null unless the peer welcomed us in version 2.</param>
/// <param name="Welcome">What the peer did.</param>
public readonly record struct Greeted(LineConnection? Connection, Welcome Welcome);

/// <summary>What a peer did at HELLO 2.</summary>
public enum Welcome
{
    /// <summary>It welcomed us in version 2.</summary>
    Version2,

    /// <summary>It answered something else, as one of version 1 does.</summary>
    Refused,

    /// <summary>It closed, as some of version 1 do, and everyone who is on its way down.</summary>
    Closed,

    /// <summary>It said nothing within <see cref="Limits.GreetingTime"/>, as some of version 1 do, and everyone who is
    /// busy.</summary>
    Silence,
}
