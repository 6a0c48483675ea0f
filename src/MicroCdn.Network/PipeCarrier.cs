using System.IO.Pipelines;
using System.Threading.Channels;

namespace MicroCdn.Network;

/// <summary>Carries a conversation over a stream that somebody else accepted, such as a decrypted one.</summary>
/// <remarks>
/// What an event loop does with a socket is done here with a pipe: files are read and copied, since encrypted bytes
/// cannot come from sendfile. Calls of one conversation never overlap: one task runs it, and whoever has news (a
/// postponed answer, a deadline) wakes that task.
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
    /// <returns>False when something announced was not delivered: the stream must be cut, not closed in
    /// order.</returns>
    public async Task<bool> RunAsync(
        IDuplexPipe stream, IConversations service, IPeer peer, CancellationToken cancellationToken)
    {
        Run run = new(this, stream);
        run.Begin(service, peer);
        lock (_lock) _running.Add(run);
        try
        {
            await run.CarryAsync(cancellationToken).ConfigureAwait(false);
            return run.IsWhole;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The peer is gone, or the server is ending.
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
    public static async ValueTask<Sending> SendAsync(
        Answer answer, PipeWriter output, Action<long> progress, CancellationToken cancellationToken)
    {
        while (answer.HasText || answer.File is not null)
        {
            int sent = Write(answer, output);
            FlushResult flush = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (flush.IsCompleted) return Sending.Gone;
            progress(sent);
            if (flush.IsCanceled) return Sending.Interrupted;
            answer.Refill();
        }
        return Sending.Done;
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

    private sealed class Run(PipeCarrier carrier, IDuplexPipe stream)
    {
        private readonly Channel<bool> _woken = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

        private Conversation _conversation = null!;
        private volatile bool _expires;
        private long _deadline;

        public void Begin(IConversations service, IPeer peer) =>
            _conversation = service.Begin(peer, new Answer(BufferPool.Shared, Wake), carrier.Now);

        public bool IsWhole => _conversation is { IsOver: true, Answer.Broken: false };

        public async Task CarryAsync(CancellationToken cancellationToken)
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
                if (!await FlushAsync(cancellationToken).ConfigureAwait(false)) return;
                if (_conversation.IsOver) return;
                if (_conversation.Answer.IsReady || _conversation.HasMore) continue;
                Volatile.Write(ref _deadline, _conversation.DueAt);
                if (!_conversation.IsPaused) await ReadAsync(cancellationToken).ConfigureAwait(false);
                else await _woken.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        public void End() => _conversation.End();

        // Wakes the task that carries, wherever it waits; the deadline itself is for the conversation to judge.
        public void Sweep(long now)
        {
            if (now < Volatile.Read(ref _deadline)) return;
            Volatile.Write(ref _deadline, long.MaxValue);
            _expires = true;
            stream.Output.CancelPendingFlush();
            Wake();
        }

        private void Wake()
        {
            _woken.Writer.TryWrite(true);
            stream.Input.CancelPendingRead();
        }

        // A flush that was interrupted for the deadline's sake is judged, and gone on with.
        private async ValueTask<bool> FlushAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                Sending sending = await SendAsync(_conversation.Answer, stream.Output, Progress, cancellationToken)
                    .ConfigureAwait(false);
                if (sending != Sending.Interrupted) return sending == Sending.Done;
                _conversation.Expire(carrier.Now);
                if (_conversation.Answer.Broken) return false;
            }
        }

        private void Progress(long bytes)
        {
            _conversation.Progress(bytes, carrier.Now);
            Volatile.Write(ref _deadline, _conversation.DueAt);
        }

        private async ValueTask ReadAsync(CancellationToken cancellationToken)
        {
            ReadResult result = await stream.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            foreach (ReadOnlyMemory<byte> part in result.Buffer) _conversation.Receive(part.Span, carrier.Now);
            stream.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) _conversation.EndInput();
        }
    }
}

/// <summary>How far sending went.</summary>
public enum Sending
{
    /// <summary>Everything that can be had now is sent.</summary>
    Done,

    /// <summary>Somebody wants a word in between.</summary>
    Interrupted,

    /// <summary>The peer takes no more.</summary>
    Gone,
}
