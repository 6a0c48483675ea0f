using System.Buffers;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>Asks content servers for a sign of life: by datagrams, and by connections to their data ports.</summary>
internal sealed class Prober(IDatagramPort port, IDialer dialer, TimeProvider time)
{
    // A whole rack may be suspect at once; its other servers are probed at the next turn.
    private const int MostConnections = 64;
    private const int PingBytes = Limits.ServerIdBytes + 64 + DatagramSeal.Length;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMilliseconds(300);
    // Any answer will do; a content server of any version has one.
    private static readonly ReadOnlyMemory<byte> Question = "HELLO\n"u8.ToArray();
    private int _connections;

    /// <summary>Sends a PING; its answer comes to the same port. Called by the thread that looks, and by no
    /// other.</summary>
    public void Ping(Watched server, ulong nonce)
    {
        ArrayBufferWriter<byte> datagram = new(PingBytes);
        DatagramSeal? seal = server.Seal;
        datagram.WritePing(server.Id, nonce, seal is null ? null : ++server.SealedPings);
        seal?.Append(datagram);
        port.Send(datagram.WrittenSpan, server.Probes);
    }

    /// <summary>Connects to the data port and asks something.</summary>
    public async Task<ProbeOutcome> AskAsync(Watched server, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _connections) > MostConnections)
        {
            Interlocked.Decrement(ref _connections);
            return ProbeOutcome.Silent;
        }
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await using LineConnection connection = await dialer
                .DialAsync(WireAddress.Format(server.Address), server.TcpPort, either.Token).ConfigureAwait(false);
            await connection.SendAsync(Question, either.Token).ConfigureAwait(false);
            return await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is null
                ? ProbeOutcome.Silent : ProbeOutcome.Answered;
        }
        catch (ConnectionRefusedException)
        {
            return ProbeOutcome.Refused;
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or OperationCanceledException)
        {
            return ProbeOutcome.Silent;
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }
}
