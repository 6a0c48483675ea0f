using MicroCdn.Network;

namespace MicroCdn.Client;

/// <summary>What every download of one client is given.</summary>
internal sealed record Surroundings(
    ClientOptions Options, IFinder Finder, IDialer Dialer, TimeProvider Time, ListMemory? Memory, HttpFiles Http)
{
    /// <summary>Whether what is downloaded is kept and not read soon: it then takes no memory from what is.</summary>
    public bool IsForKeeping { get; init; }

    /// <summary>Runs what waits for the disk; in place, where one download has it for itself.</summary>
    public Func<Action, Task> AtDisk { get; init; } = work =>
    {
        work();
        return Task.CompletedTask;
    };
}
