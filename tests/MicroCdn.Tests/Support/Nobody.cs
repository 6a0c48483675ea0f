using System.Runtime.InteropServices;

namespace MicroCdn.Tests.Support;

/// <summary>Touches the disk as a user without rights, also when the tests run as root.</summary>
internal static class Nobody
{
    private const uint Id = 65534;

    public static void Does(Action action)
    {
        Exception? failure = null;
        // The kernel keeps this identity for each thread: one that ends takes it along.
        Thread thread = new(() =>
        {
            _ = setfsuid(Id);
            try
            {
                action();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) throw new InvalidOperationException($"as nobody: {failure.Message}", failure);
    }

    [DllImport("libc")]
    private static extern int setfsuid(uint id);
}
