namespace MicroCdn.Index;

/// <summary>Lets the fleet forget, once a second: recent answers, reports, monitors that fell silent.</summary>
internal sealed class Tide(Fleet fleet, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Interval, time, cancellationToken).ConfigureAwait(false);
            fleet.Forget();
        }
    }
}
