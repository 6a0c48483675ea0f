namespace MicroCdn.Testing;

/// <summary>One end of a fake connection as a stream: what a dialer, or a scripted foreign peer, holds.</summary>
internal sealed class FakeStream : Stream
{
    private readonly FakeNetwork _network;
    private readonly Flow _input;
    private readonly Flow _output;
    private TaskCompletionSource? _waiting;

    public FakeStream(FakeNetwork network, Flow input, Flow output)
    {
        (_network, _input, _output) = (network, input, output);
        input.Arrived = Wake;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task waiting;
            lock (_network.Gate)
            {
                _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting = _waiting.Task;
            }
            // Looked at after the wish to be woken is known, so that no arrival falls between the two.
            switch (_input.Take(buffer.Span, out int length))
            {
                case Arrival.Bytes:
                    return length;
                case Arrival.End:
                    return 0;
                case Arrival.Broken:
                    throw new IOException("the connection was reset");
            }
            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _output.Write(buffer.Span) ? ValueTask.CompletedTask
            : ValueTask.FromException(new IOException("the connection is broken"));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
        // Nothing is held back.
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _output.EndWriting();
            _input.EndReading();
        }
        base.Dispose(disposing);
    }

    private void Wake()
    {
        lock (_network.Gate) _waiting?.TrySetResult();
    }
}
