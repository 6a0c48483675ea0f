using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

// Releases by seed: staged, activated, taken back and moved, and whoever looks sees whole changes or none.
internal sealed partial class PublishingPlay
{
    private const int ReleaseSteps = 12;

    private readonly PossibleWorlds _worlds = new();
    private readonly PlayedRound _round;

    // The index was killed when the book was written and the servers were not told: nobody heals yet in this play.
    private bool _isUntold;

    /// <summary>Plays one seed of releases.</summary>
    public static Task RunReleasesAsync(int seed) => FakeCluster.RunAsync(seed, async cluster =>
    {
        PublishingPlay play = new(cluster, heals: false);
        await play.PlayReleasesAsync();
    });

    private async Task PlayReleasesAsync()
    {
        await _cluster.StartAsync([.. _machines.Ids]);
        _indexes++;
        await World.AdvanceAsync(TimeSpan.FromSeconds(2));
        for (int step = 1; step <= ReleaseSteps; step++)
        {
            Tell($"\n{step}:");
            await ReleaseStepAsync();
            await LookAtReleasesAsync(isQuiet: false);
            if (step % 6 == 0) await QuietReleasesAsync();
        }
        _story.Show();
    }

    // Now and then at rest, so that there is something to activate and to take back; else while something fails, and
    // sometimes two at once.
    private async Task ReleaseStepAsync()
    {
        string release = _acts.Release();
        if (_chance.Next(2) == 0)
        {
            Mend(isAll: true);
            await World.AdvanceAsync(TimeSpan.FromSeconds(40));
            for (int files = _chance.Next(1, 4); files > 0; files--)
            {
                await _round.AskAsync([_acts.Stage(release, _acts.File())], null);
            }
        }
        if (_chance.Next(3) > 0) Disturb();
        PlayedAct[] acts =
            _chance.Next(3) > 0 ? [_acts.Choose(release)] : [_acts.Choose(release), _acts.Choose(release)];
        long written = _store.Traps.Written;
        await _round.AskAsync(acts, () => FailAsync(written));
    }

    private async Task FailAsync(long written)
    {
        await CrashAsync(written);
        if (_chance.Next(2) == 0) await LookAtBookAsync();
        await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(40)));
        if (_chance.Next(3) > 0) Mend();
    }

    // At some moment; or right after the book was written, before anybody is told.
    private async Task CrashAsync(long written)
    {
        int kind = _chance.Next(6);
        if (kind == 0)
        {
            for (int wait = 0; wait < 20 && _store.Traps.Written == written; wait++)
            {
                await World.AdvanceAsync(TimeSpan.FromMilliseconds(5));
            }
        }
        else await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(3)));
        if (_store.Traps.IsStopped && _chance.Next(3) > 0) KillInRelease("index");
        else if (kind < 3) KillInRelease(kind == 0 ? "index" : OneServer());
    }

    private void KillInRelease(string who)
    {
        bool isIndex = who == "index" && !_machines.IsDown(who);
        _isUntold |= isIndex && _round.Waited.Count > 0;
        _machines.Kill(who);
        if (isIndex) _worlds.Kill(_round.Waited);
    }

    private async Task QuietReleasesAsync()
    {
        Tell("\nquiet:");
        Mend(isAll: true);
        await World.AdvanceAsync(TimeSpan.FromSeconds(75));
        await _cluster.UntilAllAlive([.. _machines.Ids]);
        // What was given up is over by now.
        _worlds.Kill([]);
        await LookAtReleasesAsync(isQuiet: true);
    }

    private async Task LookAtReleasesAsync(bool isQuiet)
    {
        World.Check(await LookAtBookAsync() || !isQuiet, "the index answers", "it does not");
        foreach (string name in PlayedActs.Files.OrderBy(_ => _chance.Next()).ToArray())
        {
            (bool isAnswer, byte[]? got) = await _clients.DownloadAsync(name, isQuiet);
            World.Check(isAnswer || !isQuiet, $"{name} can be had", "it cannot");
            bool counts = got is not null || (isQuiet && !_isUntold);
            if (isAnswer && counts) See(name, PublishedModel.HashOf(got), "is downloaded as");
            foreach (string id in _machines.Up.ToArray()) await LookInReleasesAtAsync(id, name, isQuiet);
        }
    }

    private void See(string name, string hash, string how)
    {
        string expected = _worlds.ExpectedOf(name);
        World.Check(_worlds.See(world => world.HashOf(name) == hash),
            $"{name} {how} {expected}, with what was seen before", hash);
    }

    // What is staged is not to be had of any server by name.
    private async Task LookInReleasesAtAsync(string id, string name, bool isQuiet)
    {
        if (await _clients.FetchAsync(id, name) is not { } got) return;
        string hash = PublishedModel.HashOf(got);
        World.Check(isQuiet ? _worlds.See(world => world.HashOf(name) == hash) : _worlds.Showed(name, hash),
            $"{id} shows {_worlds.ExpectedOf(name)} under {name}", hash);
    }

    private Task<bool> LookAtBookAsync() =>
        new BookLook(World, _clients).AtAsync("index", _worlds.See, _worlds.ExpectedOf);
}
