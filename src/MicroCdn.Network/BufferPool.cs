using System.Buffers;

namespace MicroCdn.Network;

/// <summary>A few spare buffers of one event loop; what exceeds them is left to the garbage collector after a
/// burst.</summary>
/// <remarks>Used by one thread at a time, but for the shared one.</remarks>
internal sealed class BufferPool
{
    /// <summary>The size of each buffer in bytes: sixteen pipelined answers with long names, or a small file
    /// whole.</summary>
    public const int Size = 64 * 1024;

    private const int MostSpare = 16;
    private readonly Stack<byte[]>? _spare;

    public BufferPool() => _spare = new();

    private BufferPool(Stack<byte[]>? spare) => _spare = spare;

    /// <summary>For connections that no single thread serves; the runtime's own pool stands behind it.</summary>
    public static BufferPool Shared { get; } = new(null);

    public byte[] Rent()
    {
        if (_spare is null) return ArrayPool<byte>.Shared.Rent(Size);
        return _spare.TryPop(out byte[]? buffer) ? buffer : GC.AllocateUninitializedArray<byte>(Size);
    }

    public void Return(byte[] buffer)
    {
        if (_spare is null) ArrayPool<byte>.Shared.Return(buffer);
        else if (_spare.Count < MostSpare) _spare.Push(buffer);
    }

    /// <summary>Leaves what is spare to the collector.</summary>
    public void Release() => _spare?.Clear();
}
