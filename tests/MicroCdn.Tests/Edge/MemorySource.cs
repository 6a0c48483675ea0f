using MicroCdn.Network;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Tests.Edge;

/// <summary>A file in memory that tells when it is read first, and may be made to wait there.</summary>
internal sealed class MemorySource(byte[] bytes, ManualResetEventSlim? gate = null) : IFileSource
{
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _released;

    /// <summary>Ends when somebody reads.</summary>
    public Task Begun => _begun.Task;

    public int Released => Volatile.Read(ref _released);

    public SafeFileHandle Handle => throw new NotSupportedException();

    public int Read(Span<byte> buffer, long offset)
    {
        Assert.Equal(0, Released);
        _begun.TrySetResult();
        if (gate is not null) Assert.True(gate.Wait(TimeSpan.FromSeconds(20)));
        int length = (int)Math.Clamp(bytes.Length - offset, 0, buffer.Length);
        bytes.AsSpan((int)offset, length).CopyTo(buffer);
        return length;
    }

    public bool Unchanged() => true;

    public void Release() => Interlocked.Increment(ref _released);
}
