using Microsoft.Extensions.Logging;

namespace MicroCdn.Network;

/// <summary>How many connections may be open at once: as many as there are file descriptors, less a reserve for
/// files.</summary>
internal sealed class ConnectionBudget(int most, ILogger logger, TimeProvider time)
{
    // What the runtime holds itself, about two for each assembly (150 in a content server that does nothing yet), and
    // a few dialed connections. Without one left when it needs one, the runtime ends the process.
    private const int ForRuntime = 224;

    // What is kept open of files: a quarter, up to what a few content servers keep.
    private const int MostForFiles = 1536;
    private readonly Complaints _complaints = new(logger, time);
    private int _open;

    public int Open => Volatile.Read(ref _open);

    public static int FromDescriptorLimit(long descriptors) =>
        (int)Math.Clamp(descriptors - ForRuntime - Math.Min(MostForFiles, descriptors / 4), 16, 1_000_000);

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
