using Microsoft.Extensions.Logging;

namespace MicroCdn.Network;

/// <summary>How many connections may be open at once: as many as there are file descriptors, less a reserve for
/// files.</summary>
internal sealed class ConnectionBudget(int most, ILogger logger, TimeProvider time)
{
    // Descriptors kept for the library's open files, logs, dialed connections and the runtime itself.
    private const int Reserve = 256;
    private readonly Complaints _complaints = new(logger, time);
    private int _open;

    public int Open => Volatile.Read(ref _open);

    public static int FromDescriptorLimit(long descriptors) =>
        (int)Math.Clamp(descriptors - Math.Min(Reserve, descriptors / 4), 16, 1_000_000);

    public bool TryTake()
    {
        if (Interlocked.Increment(ref _open) <= most) return true;
        Release();
        return false;
    }

    public void Release() => Interlocked.Decrement(ref _open);

    public void Complain(string limit) =>
        _complaints.Add($"{limit} is reached with {Open} connections open: new ones wait until others end");
}
