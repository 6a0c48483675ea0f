using System.Buffers;

namespace MicroCdn.Network;

/// <summary>Buffers for unfinished lines, and for lines that wait for an answer to be sent; all loops share
/// them.</summary>
/// <remarks>Not the pool that all of .NET shares: that one would keep what a burst left behind for ever.</remarks>
internal static class HeldBuffers
{
    // A line and what one read may bring behind it; larger ones are not kept.
    private const int LargestBytes = 32 * 1024;
    private const int MostOfEachSize = 32;
    private static volatile ArrayPool<byte> _pool = Create();

    public static byte[] Rent(int length) => _pool.Rent(length);

    public static void Return(byte[] buffer) => _pool.Return(buffer);

    /// <summary>Leaves what is spare to the collector; what is rented may still be returned.</summary>
    public static void Release() => _pool = Create();

    private static ArrayPool<byte> Create() => ArrayPool<byte>.Create(LargestBytes, MostOfEachSize);
}
