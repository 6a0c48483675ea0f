using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>The target cannot be written.</summary>
public sealed class TargetException(Exception inner) : IOException(inner.Message, inner)
{
    // Trouble with our own disk is not the server's fault, and no other server would help.
    internal static T Guard<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception exception)
            when (exception is IOException and not DiskFullException or UnauthorizedAccessException)
        {
            throw new TargetException(exception);
        }
    }

    internal static void Guard(Action action) => Guard(() =>
    {
        action();
        return true;
    });
}
