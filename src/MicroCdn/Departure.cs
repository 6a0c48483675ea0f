using MicroCdn.Network;

namespace MicroCdn;

/// <summary>The orderly end of a process that others are sent to: told first, then what is under way may end.</summary>
internal static class Departure
{
    // As long as an operator or a service manager waits without asking what is wrong.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>Lets the roles leave that leave in order; at once when there are none. Returns when no transfer is
    /// under way any more, at last after 30 s.</summary>
    public static async Task RunAsync(IReadOnlyList<IRole> roles, EventLoops loops, TimeProvider time)
    {
        ILeavingRole[] leaving = [.. roles.OfType<ILeavingRole>()];
        if (leaving.Length == 0) return;
        long began = time.GetTimestamp();
        await Task.WhenAll(leaving.Select(role => role.LeaveAsync(CancellationToken.None)));
        // What was handed to the kernel counts as under way until the peer has it.
        while (time.GetElapsedTime(began) < Longest
            && (leaving.Any(role => role.Transfers > 0) || await loops.CountSendingAsync() > 0))
        {
            await Task.Delay(Look, time);
        }
    }
}
