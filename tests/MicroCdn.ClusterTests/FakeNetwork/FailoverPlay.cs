using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>One play of a seed: two or three indexes share a log, and whoever writes dies, hangs or is cut off, between
/// any two steps of a change.</summary>
/// <remarks>
/// What each index shows has to be what all changes made until some moment, whole, and never an earlier moment than
/// before; what was acknowledged is at last on every index; and in the end each of them leads in turn and reads out the
/// same book, the last one after it read the log anew.
/// </remarks>
internal sealed partial class FailoverPlay
{
    private const int Steps = 8;

    private static readonly TimeSpan LongestHealing = TimeSpan.FromMinutes(3);

    private readonly FakeCluster _cluster;
    private readonly Random _chance;
    private readonly string[] _indexes;
    private readonly SharedLog _log = new();
    private readonly PossibleWorlds _worlds;
    private readonly PlayStory _story;
    private readonly PlayedMachines _machines;
    private readonly PlayedClients _clients;
    private readonly PlayedActs _acts;
    private readonly PlayedRound _round;
    private readonly BookLook _look;
    private int _starts;

    private FailoverPlay(FakeCluster cluster)
    {
        (_cluster, _chance) = (cluster, cluster.World.Chance);
        _indexes = [.. new[] { "index", "index2", "index3" }.Take(2 + _chance.Next(2))];
        _breaksServers = _chance.Next(2) == 0;
        (cluster.KnownIndexes, cluster.HealAfter) = (_indexes, TimeSpan.FromSeconds(2));
        _story = new PlayStory(World);
        _machines = new PlayedMachines(cluster, _story) { StartOther = StartIndex };
        _clients = new PlayedClients(cluster, _indexes);
        _acts = new PlayedActs(_clients, _chance);
        _worlds = new PossibleWorlds { Written = () => _log.Written.Count };
        _round = new PlayedRound(World, _story, _worlds, _clients, () => _upsets);
        _look = new BookLook(World, _clients);
    }

    /// <summary>Plays one seed; whatever fails says the seed and what was done.</summary>
    public static Task RunAsync(int seed) => FakeCluster.RunAsync(seed, async cluster =>
    {
        FailoverPlay play = new(cluster);
        await play.PlayAsync();
    });

    private FakeWorld World => _cluster.World;

    private IEnumerable<string> Answering => _indexes.Where(host => !_machines.IsDown(host) && !_hung.Contains(host));

    private async Task PlayAsync()
    {
        foreach (string host in _indexes) StartIndex(host);
        _cluster.StartMonitor(_indexes);
        foreach (string id in _machines.Ids) _cluster.StartContent(id);
        await UntilAllKnownAsync();
        await World.AdvanceAsync(TimeSpan.FromSeconds(2));
        foreach (string host in _indexes) _steadySince[host] = World.Now;
        for (int step = 1; step <= Steps; step++)
        {
            _story.Tell($"\n{step}:");
            await StepAsync();
            await LookAsync(isQuiet: false);
            if (step % 4 == 0) await QuietAsync();
        }
        await EachLeadsAsync();
        _story.Show();
    }

    private void StartIndex(string host)
    {
        // One that is started while the log is away waits for it before it answers.
        GiveBack(host);
        _cluster.RecordsOfIndex = () => _log.Open(_cluster.Network.Host(host));
        _cluster.IndexSeed = ++_starts;
        _cluster.StartIndex(host);
        _worlds.Enter(host);
        _steadySince[host] = World.Now + Registering;
    }

    // Now and then at rest, so that there is something to activate and to take back.
    private async Task StepAsync()
    {
        string release = _acts.Release();
        _clients.First = _chance.Next(_indexes.Length);
        if (_chance.Next(2) == 0)
        {
            Mend(isAll: true, MayStayCut());
            await World.AdvanceAsync(TimeSpan.FromSeconds(12));
            for (int files = _chance.Next(1, 4); files > 0; files--)
            {
                await _round.AskAsync([_acts.Stage(release, _acts.File())], null);
            }
        }
        if (_chance.Next(4) > 0) Disturb();
        PlayedAct[] acts =
            _chance.Next(3) > 0 ? [_acts.Choose(release)] : [_acts.Choose(release), _acts.Choose(release)];
        await _round.AskAsync(acts, FailAsync);
        CheckLog();
    }

    private async Task UntilAllKnownAsync()
    {
        foreach (string host in _indexes) await UntilKnownAsync(host);
    }

    private async Task UntilKnownAsync(string host)
    {
        foreach (string id in _machines.Ids)
        {
            await _cluster.UntilState(host, id, "alive", TimeSpan.FromSeconds(75));
        }
    }

    // All is mended: soon every copy is there again, every index has seen all, and what was given up is over.
    private async Task QuietAsync()
    {
        _story.Tell("\nquiet:");
        Mend(isAll: true);
        await World.AdvanceAsync(TimeSpan.FromSeconds(20));
        await UntilAllKnownAsync();
        string status = "";
        await World.UntilAsync(async () =>
        {
            string writer = await UntilWriterAsync();
            status = string.Join('\n', await _clients.AskAsync(writer, "STATUS\n", 1));
            return status.Contains(" missing=0 ", StringComparison.Ordinal);
        }, "all is healed", LongestHealing, () => status);
        await World.AdvanceAsync(TimeSpan.FromSeconds(8));
        _worlds.Rest();
        await LookAsync(isQuiet: true);
        CheckLog();
    }

    // One history: every change has the next number, and no writer wrote after a later one.
    private void CheckLog()
    {
        (long Number, int Epoch) last = (0, 0);
        foreach ((long Number, int Epoch) next in _log.Written)
        {
            World.Check(next.Number == last.Number + 1, "each change has the next number", $"{next} follows {last}");
            World.Check(next.Epoch >= last.Epoch, "no writer writes behind the next one", $"{next} follows {last}");
            last = next;
        }
    }

    private async Task LookAsync(bool isQuiet)
    {
        foreach (string host in Answering.ToArray()) await LookAtAsync(host, isQuiet);
        string[] names = [.. PlayedActs.Files.OrderBy(_ => _chance.Next())];
        foreach (string name in isQuiet ? names : names[..1])
        {
            (bool isAnswer, byte[]? got) = await _clients.DownloadAsync(name, isQuiet);
            World.Check(isAnswer || !isQuiet, $"{name} can be had", "it cannot");
            string hash = PublishedModel.HashOf(got);
            if (isAnswer && (got is not null || isQuiet)) See(name, hash, "is downloaded as", isQuiet);
            foreach (string id in _machines.Up.ToArray())
            {
                if (await _clients.FetchAsync(id, name) is not { } shown) continue;
                hash = PublishedModel.HashOf(shown);
                World.Check(isQuiet ? _worlds.See(world => world.HashOf(name) == hash) : _worlds.Showed(name, hash),
                    $"{id} shows {_worlds.ExpectedOf(name)} under {name}", hash);
            }
        }
    }

    // One that has not heard of the log for long believes the servers, name by name.
    private async Task LookAtAsync(string host, bool isQuiet)
    {
        Func<Predicate<BookWorld>, bool> see = isQuiet ? _worlds.See
            : IsBlind(host) ? seen => _worlds.SeeAmong([host], seen) : seen => _worlds.SeeAt(host, seen);
        bool isAll = await _look.AtAsync(host, see, _worlds.ExpectedOf, name => isQuiet || IsFoundBy(host, name));
        World.Check(isAll || !isQuiet, $"{host} answers", "it does not");
    }

    private void See(string name, string hash, string how, bool isQuiet)
    {
        string expected = _worlds.ExpectedOf(name);
        World.Check(isQuiet ? _worlds.See(world => world.HashOf(name) == hash)
            : _worlds.SeeAmong([.. _indexes.Where(host => !_machines.IsDown(host))], world => world.HashOf(name) == hash),
            $"{name} {how} {expected}, with what was seen before", hash);
    }

    private async Task<string> UntilWriterAsync()
    {
        string? writer = null;
        await World.UntilAsync(async () =>
        {
            foreach (string host in Answering.ToArray())
            {
                if (await _clients.AskAsync(host, "WRITER\n", 1) is ["END"]) writer = host;
            }
            return writer is not null;
        }, "one of them writes", TimeSpan.FromSeconds(10));
        return writer!;
    }

    // What the last one says it read from the log alone.
    private async Task EachLeadsAsync()
    {
        _story.Tell("\neach leads:");
        string? book = null;
        for (int turn = 0; turn <= _indexes.Length; turn++)
        {
            string writer = await UntilWriterAsync(), told = await BookOfAsync(writer);
            World.Check(book is null || book == told, $"{writer} has the same book as the one before: {book}", told);
            book = told;
            if (turn == _indexes.Length) return;
            if (turn == _indexes.Length - 1)
            {
                string fresh = _indexes.First(host => host != writer);
                _machines.Start(fresh);
                await UntilKnownAsync(fresh);
            }
            _machines.Kill(writer);
            await World.AdvanceAsync(TimeSpan.FromSeconds(1));
            foreach (string host in Answering.ToArray()) await LookAtAsync(host, isQuiet: true);
        }
    }

    private async Task<string> BookOfAsync(string host)
    {
        List<string> said = await _clients.AskAsync(host, "PUBLISHED\nRELEASES\n"
            + string.Concat(PlayedActs.Releases.Select(release => $"PUBLISHED release={release}\n")),
            2 + PlayedActs.Releases.Length);
        return string.Join('\n', said.SelectMany(answer => answer.Split('\n').Order(StringComparer.Ordinal)));
    }
}
