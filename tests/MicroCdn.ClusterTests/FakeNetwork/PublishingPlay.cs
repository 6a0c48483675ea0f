using MicroCdn.Client;
using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>One play of a seed: somebody publishes while machines, links and disks fail, and what clients get is held
/// against what they may get.</summary>
internal sealed partial class PublishingPlay
{
    private const int Steps = 8;
    private static readonly string[] Hosts = ["client", "index", "cs1", "cs2", "cs3"];

    private readonly FakeCluster _cluster;
    private readonly Random _chance;
    private readonly MemoryRecordStore _rows = new();
    private readonly PublishedModel[] _names = [new("a"), new("dir/b c"), new("z")];
    private readonly PlayStory _story;
    private readonly PlayedMachines _machines;
    private readonly PlayedClients _clients;
    private readonly PlayedActs _acts;
    private SurvivingStore _store = null!;
    private int _indexes;

    private PublishingPlay(FakeCluster cluster, bool heals)
    {
        (_cluster, _chance, _heals) = (cluster, cluster.World.Chance, heals);
        if (heals) cluster.HealAfter = HealAfter;
        cluster.RecordsOfIndex = () => _store = new SurvivingStore(_rows);
        _story = new PlayStory(cluster.World);
        _machines = new PlayedMachines(cluster, _story) { StartOther = _ => StartIndex() };
        _clients = new PlayedClients(cluster, "index");
        _acts = new PlayedActs(_clients, _chance);
        _round = new PlayedRound(cluster.World, _story, _worlds, _clients, () => _indexes);
    }

    /// <summary>Plays one seed; whatever fails says the seed and what was done.</summary>
    public static Task RunAsync(int seed, bool heals = false) => FakeCluster.RunAsync(seed, async cluster =>
    {
        PublishingPlay play = new(cluster, heals);
        await play.PlayAsync();
    });

    private FakeWorld World => _cluster.World;

    private async Task PlayAsync()
    {
        await _cluster.StartAsync([.. _machines.Ids]);
        _indexes++;
        // Until the servers have asked for orders.
        await World.AdvanceAsync(TimeSpan.FromSeconds(2));
        for (int step = 1; step <= Steps; step++)
        {
            Tell($"\n{step}:");
            if (_heals) await OperateAsync();
            await StepAsync();
            await LookAsync(isQuiet: false);
            if (step % 4 == 0) await QuietAsync();
        }
        _story.Show();
    }

    private async Task StepAsync()
    {
        if (_chance.Next(3) > 0) Disturb();
        PublishedModel model = _names[_chance.Next(_names.Length)];
        byte[]? bytes = _chance.Next(4) == 0 ? null : _acts.Bytes();
        bool isNew = bytes is not null && _chance.Next(6) == 0;
        Tell($"{(bytes is null ? "remove" : isNew ? "put as new" : "put")} {model.Name} {PublishedModel.HashOf(bytes)}");
        using CancellationTokenSource impatience = new();
        model.Try(bytes, _indexes);
        int index = _indexes;
        Task work = bytes is null ? Task.Run(() => _clients.RemoveAsync(model.Name, impatience.Token))
            : Task.Run(() => _clients.PutAsync(model.Name, bytes, isNew, impatience.Token));
        await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(3)));
        if (_store.Traps.IsStopped && _chance.Next(3) > 0) _machines.Kill("index");
        else if (_chance.Next(2) == 0) KillOne();
        await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(40)));
        if (_chance.Next(3) > 0) Mend();
        for (int wait = 0; wait < 100 && !work.IsCompleted; wait++)
        {
            await World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        }
        await impatience.CancelAsync();
        await World.UntilAsync(() => work.IsCompleted, "who publishes gives up", TimeSpan.FromSeconds(5));
        try
        {
            await work;
            Tell("-> done");
            model.Acknowledge(bytes, index);
        }
        catch (Exception exception) when (exception is CdnException or OperationCanceledException)
        {
            Tell($"-> {exception.Message}");
            // It was refused by name before anything was written.
            CdnFailure? failure = (exception as CdnException)?.Failure;
            if (failure is CdnFailure.NoRoom or CdnFailure.NotFound
                || exception.Message.Contains("not to be replaced", StringComparison.Ordinal)) model.Refuse(bytes);
        }
    }

    // Something stops or breaks while the change is under way.
    private void Disturb()
    {
        string id = OneServer();
        switch (_chance.Next(6))
        {
            case 0 or 1:
                Tell($"(book {_store.Traps.Trap = (StoreTrap)_chance.Next(1, 6)})");
                break;
            case 2 or 3:
                _machines.StopDiskOf(id);
                break;
            default:
                _machines.BreakLink(Hosts);
                break;
        }
    }

    private void KillOne() => _machines.Kill(_chance.Next(3) == 0 ? "index" : OneServer());

    private string OneServer() => _machines.Ids[_chance.Next(_machines.Ids.Count)];

    private void Mend(bool isAll = false)
    {
        _store.Traps.Release();
        _machines.Mend(isAll);
    }

    private void StartIndex()
    {
        _indexes++;
        _cluster.StartIndex();
    }

    private async Task QuietAsync()
    {
        Tell("\nquiet:");
        Mend(isAll: true);
        // A registration that did not last is made again after half a minute; and a minute after its start the index
        // has what nobody shows looked for, such as after a change that was written and never told.
        await World.AdvanceAsync(TimeSpan.FromSeconds(75));
        await _cluster.UntilAllAlive([.. _machines.Ids]);
        if (_heals) await UntilHealedAsync();
        await LookAsync(isQuiet: true);
    }

    private async Task LookAsync(bool isQuiet)
    {
        foreach (PublishedModel model in _names)
        {
            (bool isAnswer, byte[]? got) = await _clients.DownloadAsync(model.Name, isQuiet);
            World.Check(!isAnswer || model.Allows(got) || (got is null && !isQuiet),
                $"{model.Name} is {model.Expected}", PublishedModel.HashOf(got));
            World.Check(isAnswer || !isQuiet, $"{model.Name} can be had", "it cannot");
            if (isQuiet) model.Settle(got);
            foreach (string id in _machines.Up.ToArray()) await LookAtAsync(id, model, isQuiet);
        }
    }

    // Whoever asks a server itself gets what is or was published, whole; when all is quiet what is, or nothing.
    private async Task LookAtAsync(string id, PublishedModel model, bool isQuiet)
    {
        byte[]? got = await _clients.FetchAsync(id, model.Name);
        World.Check(got is null || (isQuiet ? model.Allows(got) : model.Knows(got)),
            $"{id} shows {model.Expected} under {model.Name}", PublishedModel.HashOf(got));
    }

    private void Tell(string what) => _story.Tell(what);
}
