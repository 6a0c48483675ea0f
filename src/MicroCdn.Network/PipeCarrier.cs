using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MicroCdn.Network;

/// <summary>Carries a conversation over a stream that somebody else accepted, such as a decrypted one.</summary>
/// <remarks>
/// What an event loop does with a socket is done here with a pipe: files are read and copied, since encrypted bytes
/// cannot come from sendfile. Calls of one conversation never overlap: one task runs it, and whoever has news (a
/// postponed answer, a deadline) wakes that task. Only while it waits for a flush, whoever watches deadlines judges in
/// its place: a flush must never be interrupted and begun anew, for then an encrypted stream sends its bytes twice.
/// </remarks>
public sealed class PipeCarrier : IDisposable
{
    // Blocks of this size become whole TLS records; smaller ones cost a record and a system call each.
    private const int BlockBytes = 64 * 1024;
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMilliseconds(500);

    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private readonly Lock _lock = new();
    private readonly HashSet<Run> _running = [];

    /// <summary>Starts to watch deadlines.</summary>
    public PipeCarrier(TimeProvider time)
    {
        _time = time;
        _sweep = time.CreateTimer(_ => Sweep(), null, SweepInterval, SweepInterval);
    }

    private long Now => _time.GetTimestamp() / (_time.TimestampFrequency / 1000);

    /// <summary>Carries one conversation to its end; the caller closes the stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="service">Begins the conversation.</param>
    /// <param name="peer">The other end.</param>
    /// <param name="socket">What the stream travels through, which knows what the peer took; null when there is
    /// none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when something announced was not delivered: the stream must be cut, not closed in
    /// order.</returns>
    public async Task<bool> RunAsync(IDuplexPipe stream, IConversations service, IPeer peer, Socket? socket,
        CancellationToken cancellationToken)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Run run = new(this, stream, socket, cut);
        run.Begin(service, peer);
        lock (_lock) _running.Add(run);
        try
        {
            await run.CarryAsync().ConfigureAwait(false);
            return run.IsWhole;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The peer is gone or does not read, or the server is ending.
            return false;
        }
        finally
        {
            lock (_lock) _running.Remove(run);
            run.End();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sweep.Dispose();

    /// <summary>Writes what an answer holds, as far as it can be had now.</summary>
    /// <returns>False when the peer takes no more.</returns>
    public static async ValueTask<bool> SendAsync(
        Answer answer, PipeWriter output, CancellationToken cancellationToken)
    {
        while (answer.HasText || answer.File is not null)
        {
            Write(answer, output);
            FlushResult flush = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (flush.IsCompleted || flush.IsCanceled) return false;
            answer.Refill();
        }
        return true;
    }

    // Fills one block: a head and the file behind it leave together, in as few records and system calls as they can.
    private static int Write(Answer answer, PipeWriter output)
    {
        long whole = answer.UnsentBytes + (answer.File is null ? 0 : answer.FileLeft);
        int size = (int)Math.Min(BlockBytes, whole);
        Span<byte> block = output.GetSpan(size)[..size];
        int used = Math.Min(answer.Unsent.Length, block.Length);
        answer.Unsent[..used].CopyTo(block);
        answer.TextSent(used);
        while (!answer.HasText && answer.File is { } file && used < block.Length)
        {
            int most = (int)Math.Min(block.Length - used, answer.FileLeft);
            int read = file.Read(block.Slice(used, most), answer.FileOffset);
            used += read;
            if (read > 0) answer.FileSent(read);
            else answer.EndFile(broken: true);
        }
        output.Advance(used);
        return used;
    }

    private void Sweep()
    {
        long now = Now;
        lock (_lock)
        {
            foreach (Run run in _running) run.Sweep(now);
        }
    }

    private sealed class Run(PipeCarrier carrier, IDuplexPipe stream, Socket? socket, CancellationTokenSource cut)
    {
        private readonly Lock _flush = new();
        private readonly Channel<bool> _woken = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

        private Conversation _conversation = null!;
        private volatile bool _expires;
        private long _deadline;
        private bool _flushing;

        public void Begin(IConversations service, IPeer peer) =>
            _conversation = service.Begin(peer, new Answer(BufferPool.Shared, Wake), carrier.Now);

        public bool IsWhole => _conversation is { IsOver: true, Answer.Broken: false };

        public async Task CarryAsync()
        {
            while (!_conversation.IsOver)
            {
                long now = carrier.Now;
                if (_expires)
                {
                    _expires = false;
                    _conversation.Expire(now);
                }
                _conversation.Continue(now);
                Volatile.Write(ref _deadline, _conversation.DueAt);
                if (!await SendAsync().ConfigureAwait(false)) return;
                if (_conversation.IsOver) return;
                if (_conversation.Answer.IsReady || _conversation.HasMore) continue;
                Volatile.Write(ref _deadline, _conversation.DueAt);
                if (!_conversation.IsPaused) await ReadAsync().ConfigureAwait(false);
                else await _woken.Reader.ReadAsync(cut.Token).ConfigureAwait(false);
            }
        }

        public void End() => _conversation.End();

        // Wakes the task that carries, wherever it waits, for the conversation to judge the deadline; or judges itself.
        public void Sweep(long now)
        {
            lock (_flush)
            {
                if (_flushing)
                {
                    JudgeReader(now);
                    return;
                }
            }
            if (now < Volatile.Read(ref _deadline)) return;
            Volatile.Write(ref _deadline, long.MaxValue);
            _expires = true;
            Wake();
        }

        // The task waits for a flush and touches nothing. What was handed over last may be all that is left of the
        // answer: then nothing is pending any more, and who takes none of it is idle.
        private void JudgeReader(long now)
        {
            if (OperatingSystem.IsLinux() && socket is not null
                && Libc.Unacknowledged((int)socket.Handle) is >= 0 and var left)
            {
                _conversation.Unacknowledged(left, now);
            }
            if (_conversation.Expire(now) && (_conversation.Answer.Broken || !_conversation.Answer.IsPending))
            {
                _ = cut.CancelAsync();
            }
        }

        private void Wake()
        {
            _woken.Writer.TryWrite(true);
            stream.Input.CancelPendingRead();
        }

        // False when the peer takes no more.
        private async ValueTask<bool> SendAsync()
        {
            Answer answer = _conversation.Answer;
            while (answer.HasText || answer.File is not null)
            {
                int sent = Write(answer, stream.Output);
                if (socket is not null) _conversation.Handed(sent, carrier.Now);
                if (!await FlushAsync().ConfigureAwait(false)) return false;
                if (socket is null) _conversation.Progress(sent, carrier.Now);
                Volatile.Write(ref _deadline, _conversation.DueAt);
                answer.Refill();
            }
            return true;
        }

        private async ValueTask<bool> FlushAsync()
        {
            lock (_flush) _flushing = true;
            try
            {
                FlushResult flush = await stream.Output.FlushAsync(cut.Token).ConfigureAwait(false);
                return !flush.IsCompleted && !flush.IsCanceled;
            }
            finally
            {
                lock (_flush) _flushing = false;
            }
        }

        private async ValueTask ReadAsync()
        {
            ReadResult result = await stream.Input.ReadAsync(cut.Token).ConfigureAwait(false);
            foreach (ReadOnlyMemory<byte> part in result.Buffer) _conversation.Receive(part.Span, carrier.Now);
            stream.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) _conversation.EndInput();
        }
    }
}
