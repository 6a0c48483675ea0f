using System.Globalization;
using MicroCdn.Client;

namespace MicroCdn.ClusterTests.FakeNetwork;

// What an operator does meanwhile: servers come, and are to go; and what is lost is made anew.
internal sealed partial class PublishingPlay
{
    private const int MostServers = 5;
    private static readonly TimeSpan HealAfter = TimeSpan.FromSeconds(2);

    private readonly bool _heals;
    private string? _retired;

    private async Task OperateAsync()
    {
        switch (_chance.Next(5))
        {
            case 0 when _machines.Ids.Count < MostServers:
                string id = $"CS{_machines.Ids.Count + 1}";
                Tell($"({id} is new)");
                _machines.Ids.Add(id);
                _cluster.StartContent(id);
                break;
            case 1 when _retired is null:
                string gone = OneServer();
                if (await OrderAsync($"RETIRE {gone}")) _retired = gone;
                break;
            case 2 when _retired is { } back:
                if (await OrderAsync($"RESUME {back}")) _retired = null;
                break;
        }
    }

    private async Task<bool> OrderAsync(string line)
    {
        Tell($"({line}");
        using CancellationTokenSource impatience = new();
        Task<IReadOnlyList<string>> order = Task.Run(() => _clients.Publisher().OrderAsync(line, impatience.Token));
        for (int wait = 0; wait < 20 && !order.IsCompleted; wait++) await World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        await impatience.CancelAsync();
        await World.UntilAsync(() => order.IsCompleted, "the order ends", TimeSpan.FromSeconds(5));
        try
        {
            await order;
            Tell("-> done)");
            return true;
        }
        catch (Exception exception) when (exception is CdnException or OperationCanceledException)
        {
            Tell($"-> {exception.Message})");
            return false;
        }
    }

    // All that is published has two copies again, whoever was away, and a retired server may go.
    private async Task UntilHealedAsync()
    {
        string status = "";
        await World.UntilAsync(async () =>
        {
            Task<IReadOnlyList<string>> asking = Task.Run(() => _clients.Publisher().OrderAsync("STATUS", CancellationToken.None));
            IReadOnlyList<string> lines = await World.ResultAsync(asking, "the index tells its status");
            status = string.Join('\n', lines);
            return lines[0].Contains(" missing=0 ", StringComparison.Ordinal)
                && lines.Where(line => line.Contains(" left=", StringComparison.Ordinal)).Skip(1)
                    .All(line => line.Contains(" left=0", StringComparison.Ordinal));
        }, "all is healed", TimeSpan.FromMinutes(6), () => status);
        await World.AdvanceAsync(TimeSpan.FromSeconds(30));
        _machines.IsWiped = false;
        foreach (PublishedModel model in _names.Where(model => model.IsSure && model.IsThere))
        {
            int copies = 0;
            foreach (string id in _machines.Ids)
            {
                if (id != _retired && await _clients.FetchAsync(id, model.Name) is { } got && model.Allows(got)) copies++;
            }
            World.Check(copies == 2, $"{model.Name} has two copies", copies.ToString(CultureInfo.InvariantCulture));
        }
    }
}
