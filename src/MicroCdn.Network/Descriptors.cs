using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace MicroCdn.Network;

/// <summary>How many file descriptors this process may have open: connections and files share them.</summary>
[SupportedOSPlatform("linux")]
public static unsafe partial class Descriptors
{
    private const int OpenFiles = 7;

    /// <summary>The limit of the moment; what cannot be told is taken for 1,024, the usual one.</summary>
    public static int Limit
    {
        get
        {
            ulong* limit = stackalloc ulong[2];
            return getrlimit(OpenFiles, limit) == 0 ? (int)Math.Min(limit[0], int.MaxValue) : 1024;
        }
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limit);
}
