using MicroCdn.Index.Events;
using MicroCdn.Index.Publishing;

namespace MicroCdn.Index;

// What the index finds worth telling of the fleet.
public sealed partial class IndexRole
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly FleetWatch _watch;
    private readonly TimeProvider _time;

    /// <summary>What is wrong now, the worst first; at most 100.</summary>
    public IReadOnlyList<FleetConcern> Concerns => _watch.Concerns;

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        _watch.Begin();
        while (true)
        {
            await Task.Delay(LookInterval, _time, cancellationToken).ConfigureAwait(false);
            HealState? copies = _scribe.Leads && _healer.Progress.IsSure ? _healer.Progress.Now : null;
            _watch.Look(new FleetSituation
            {
                Servers = [.. Directory.Servers.Where(server => server.Contact is not null && !server.IsRetired)
                    .Select(server => (server.Id, server.State, server.Why))],
                Told = Figures.All(),
                Origins = Figures.Origins(),
                Copies = copies is null ? null : (copies.Missing, copies.Tally.Lost),
                Behind = Directory.Behind,
                Leads = _scribe.Leads,
            });
        }
    }
}
