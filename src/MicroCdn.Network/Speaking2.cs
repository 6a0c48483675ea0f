using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>Dials a peer and opens the conversation in version 2 of the line protocol.</summary>
public static class Speaking2
{
    // Whoever closes at HELLO 2 may be on its way down; a breath lets it be gone before it is dialed again.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);

    /// <summary>Dials and greets.</summary>
    /// <param name="dialer">Opens the connection.</param>
    /// <param name="host">The peer's host name or address.</param>
    /// <param name="port">Its line port.</param>
    /// <param name="time">Bounds the wait for WELCOME by <see cref="Limits.GreetingTime"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A connection of version 2, or null when the peer speaks version 1: it refused, closed, gave the bare
    /// WELCOME or was silent.</returns>
    /// <exception cref="IOException">Nobody answers there.</exception>
    public static async Task<LineConnection?> TryDialAsync(
        IDialer dialer, string host, int port, TimeProvider time, CancellationToken cancellationToken)
    {
        LineConnection connection = await dialer.DialAsync(host, port, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource late = new(Limits.GreetingTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        bool closed = false;
        try
        {
            await connection.SendAsync(Greeting.Hello2, either.Token).ConfigureAwait(false);
            ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
            if (answer is { } line && Greeting.IsWelcome2(line.Span)) return connection;
            closed = answer is null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            closed = true;
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
        if (closed) await Task.Delay(Breath, time, cancellationToken).ConfigureAwait(false);
        return null;
    }
}
