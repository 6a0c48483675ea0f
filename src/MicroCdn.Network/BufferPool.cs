namespace MicroCdn.Network;

/// <summary>A few spare buffers of one event loop; what exceeds them is left to the garbage collector after a
/// burst.</summary>
/// <remarks>Used by one thread at a time.</remarks>
internal sealed class BufferPool
{
    /// <summary>The size of each buffer in bytes: sixteen pipelined answers with long names, or a small file
    /// whole.</summary>
    public const int Size = 64 * 1024;

    private const int MostSpare = 16;
    private readonly Stack<byte[]> _spare = new();

    public byte[] Rent() => _spare.TryPop(out byte[]? buffer) ? buffer : GC.AllocateUninitializedArray<byte>(Size);

    public void Return(byte[] buffer)
    {
        if (_spare.Count < MostSpare) _spare.Push(buffer);
    }

    /// <summary>Leaves what is spare to the collector.</summary>
    public void Release() => _spare.Clear();
}
