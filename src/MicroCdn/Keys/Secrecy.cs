using System.Runtime.InteropServices;

namespace MicroCdn.Keys;

/// <summary>Keeps what a process that holds a key has in memory out of files and debuggers.</summary>
/// <remarks>The key stands in memory as long as the process runs, and a crash would write all of it to the disk, or
/// hand it to a collector of crash reports. The price is that a crash of such a process leaves nothing to look at but
/// its log.</remarks>
internal static unsafe partial class Secrecy
{
    // prctl(2), setrlimit(2).
    private const int SetDumpable = 4, CoreBytes = 4;

    /// <summary>No core is written from now on, and no other process of the same user reads this one's memory; what the
    /// kernel does not grant stays as it was.</summary>
    public static void Keep()
    {
        if (!OperatingSystem.IsLinux()) return;
        _ = prctl(SetDumpable, 0, 0, 0, 0);
        nuint* none = stackalloc nuint[] { 0, 0 };
        _ = setrlimit(CoreBytes, none);
    }

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, nuint* limits);
}
