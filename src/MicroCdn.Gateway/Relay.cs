using System.Buffers;
using System.IO.Pipelines;
using MicroCdn.Client;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Network;

namespace MicroCdn.Gateway;

/// <summary>One file on its way from a line server, through a bounded buffer, to an HTTP client.</summary>
/// <remarks>
/// One task reads from the server into the buffer and waits while it is full; the client's connection takes from it and
/// sleeps while it is empty. So neither side can fill our memory, and neither waits on a thread. Until a server has
/// answered another one is tried; after that the response has begun, and a failure cuts it short.
/// </remarks>
internal sealed class Relay(RelayOrder order, IDialer dialer, TimeProvider time) : ILineSource, IDisposable
{
    private const int BufferBytes = 64 * 1024;
    private const int ReadBytes = 16 * 1024;

    /// <summary>How long a server may send nothing while there is room.</summary>
    public static readonly TimeSpan StallTime = TimeSpan.FromSeconds(10);

    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: BufferBytes,
        resumeWriterThreshold: BufferBytes / 2, minimumSegmentSize: ReadBytes, useSynchronizationContext: false));

    private readonly CancellationTokenSource _unwanted = new();
    private long _left = order.Size;
    private Answer? _answer;
    private int _asleep;

    /// <summary>Fetches, and gives the response.</summary>
    /// <returns>Why it failed, or null.</returns>
    public async Task<string?> RunAsync(Response response)
    {
        string? failure = null;
        bool given = false;
        try
        {
            foreach (Server server in order.Servers)
            {
                failure = await TryAsync(server, () =>
                {
                    given = true;
                    response.Give(Begin);
                }).ConfigureAwait(false);
                if (failure is null || given) return failure;
            }
            return failure;
        }
        finally
        {
            if (!given)
            {
                response.Give(later => Sentences.Explain(later, HttpStatus.BadGateway,
                    $"This file could not be passed on: {failure ?? "a failure of our own"}."));
            }
            await _pipe.Writer.CompleteAsync().ConfigureAwait(false);
            Wake();
        }
    }

    /// <inheritdoc/>
    public bool Write(Answer answer)
    {
        if (_left == 0) return false;
        // Said before looking: what comes in between then wakes us.
        _answer = answer;
        Interlocked.Exchange(ref _asleep, 1);
        if (!_pipe.Reader.TryRead(out ReadResult result)) return true;
        Interlocked.Exchange(ref _asleep, 0);

        ReadOnlySequence<byte> piece = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, Answer.PieceBytes));
        foreach (ReadOnlyMemory<byte> part in piece) answer.Write(part.Span);
        _left -= piece.Length;
        bool ended = result.IsCompleted && piece.Length == result.Buffer.Length;
        _pipe.Reader.AdvanceTo(piece.End);
        if (_left == 0) return false;
        if (!ended) return true;
        // Cut, so that nobody takes what came for the whole.
        answer.Discard();
        return false;
    }

    /// <summary>Nobody wants it any more, or it has all arrived.</summary>
    public void Dispose()
    {
        _pipe.Reader.Complete();
        // What is cancelled must not run on the thread that serves everyone.
        _ = _unwanted.CancelAsync();
    }

    // Null when the file was passed on, or is not wanted any more; else why not.
    private async Task<string?> TryAsync(Server server, Action begin)
    {
        using CancellationTokenSource stall = new(StallTime, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(stall.Token, _unwanted.Token);
        try
        {
            await using LineConnection connection = await AskAsync(server, either.Token).ConfigureAwait(false);
            server.CountAnswer();
            begin();
            await PumpAsync(server, connection, stall, either.Token).ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException)
        {
            return _unwanted.IsCancellationRequested ? null
                : $"{server.Id} sent nothing for {StallTime.TotalSeconds} s";
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return exception.Message;
        }
    }

    private async Task<LineConnection> AskAsync(Server server, CancellationToken cancellationToken)
    {
        Contact contact = server.Contact!;
        LineConnection connection = await dialer
            .DialAsync(contact.Address.ToString(), contact.TcpPort, cancellationToken).ConfigureAwait(false);
        try
        {
            long? size = await FileRequest.SendAsync(connection, order.Name, server.Id.Value, cancellationToken)
                .ConfigureAwait(false);
            if (size == order.Size) return connection;
            throw new IOException(size is null ? $"{server.Id} has no such file"
                : $"{server.Id} offers {size} bytes where the index says {order.Size}");
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task PumpAsync(
        Server server, LineConnection connection, CancellationTokenSource stall, CancellationToken cancellationToken)
    {
        for (long left = order.Size; left > 0;)
        {
            stall.CancelAfter(StallTime);
            Memory<byte> target = _pipe.Writer.GetMemory(ReadBytes);
            target = target[..(int)Math.Min(Math.Min(target.Length, ReadBytes), left)];
            int read = await connection.ReadAsync(target, cancellationToken).ConfigureAwait(false);
            if (read == 0) throw new IOException($"{server.Id} ended {left} bytes short");
            // While the client is what we wait for, the server is not to blame.
            stall.CancelAfter(Timeout.InfiniteTimeSpan);
            left -= read;
            _pipe.Writer.Advance(read);
            ValueTask<FlushResult> flush = _pipe.Writer.FlushAsync(cancellationToken);
            Wake();
            if ((await flush.ConfigureAwait(false)).IsCompleted) return;
        }
    }

    private void Begin(Response response)
    {
        Relays.WriteHead(response, order.Digest);
        response.EndWithPieces(this, order.Size);
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _asleep, 0) == 1) _answer!.Wake();
    }
}
