using System.Net.Sockets;
using System.Threading.Channels;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>Looks for the index itself whether a server answers: one connection to its line port, one line, one
/// answer.</summary>
/// <remarks>It is asked when somebody's word speaks against a server and when a server's registration ends. A stopped
/// process still accepts connections, so only an answer counts; which one does not matter, since HELLO is no word of
/// some foreign servers.</remarks>
internal sealed class Witness(Fleet fleet, IDialer dialer, TimeProvider time)
{
    // As many strangers as may be dialed at once; the others wait their turn.
    private const int AtOnce = 16;

    // A lost first packet is sent again after one second.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMilliseconds(1_500);

    private readonly Channel<Server> _wanted = Channel.CreateBounded<Server>(
        new BoundedChannelOptions(Limits.Servers) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Wants one look at a server, if none is wanted or under way; returns at once.</summary>
    public void Look(Server server)
    {
        if (server.Contact is not null && server.TryLook() && !_wanted.Writer.TryWrite(server)) server.Looked();
    }

    /// <summary>Looks until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Tasks.UntilFirstFailure(
        [.. Enumerable.Range(0, AtOnce).Select(_ => WorkAsync(cancellationToken))]);

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        await foreach (Server server in _wanted.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            Contact contact = server.Contact!;
            bool? answers = await AnswersAsync(contact, cancellationToken).ConfigureAwait(false);
            // The place is given back first: what is learned may ask for the next look.
            server.Looked();
            if (answers is { } known) fleet.Looked(server, contact, known);
        }
    }

    // Null when it is our own fault that nothing was learned.
    private async Task<bool?> AnswersAsync(Contact contact, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await using LineConnection connection = await dialer
                .DialAsync(contact.Address.ToString(), contact.TcpPort, either.Token).ConfigureAwait(false);
            await connection.SendAsync("HELLO\n"u8.ToArray(), either.Token).ConfigureAwait(false);
            // Some foreign servers close at a word that they do not know: somebody did that.
            await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (InvalidDataException)
        {
            // A line that is too long is an answer of sorts.
            return true;
        }
        catch (IOException exception)
        {
            return exception.InnerException is SocketException { SocketErrorCode: SocketError.TooManyOpenSockets }
                ? null : false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
