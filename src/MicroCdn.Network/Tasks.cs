namespace MicroCdn.Network;

/// <summary>Runs a role's loops side by side.</summary>
public static class Tasks
{
    /// <summary>Waits for all, but fails as soon as one does: a role with a dead part must not look alive.</summary>
    public static async Task UntilFirstFailure(params Task[] tasks)
    {
        List<Task> open = [.. tasks];
        while (open.Count > 0)
        {
            Task first = await Task.WhenAny(open).ConfigureAwait(false);
            open.Remove(first);
            await first.ConfigureAwait(false);
        }
    }
}
