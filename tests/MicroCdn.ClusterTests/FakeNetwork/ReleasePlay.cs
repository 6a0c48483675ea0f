using System.Globalization;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

// Releases by seed: staged, activated, taken back and moved, and whoever looks sees whole changes or none.
internal sealed partial class PublishingPlay
{
    private const int ReleaseSteps = 12;
    private static readonly string[] Files = ["a", "dir/b c", "y", "z"];
    private static readonly string[] Releases = ["r1", "r2"];

    private readonly PossibleWorlds _worlds = new();
    private readonly List<PlayedChange> _waited = [];
    private int _changes;

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
        await _cluster.StartAsync([.. _ids]);
        _indexes++;
        await World.AdvanceAsync(TimeSpan.FromSeconds(2));
        for (int step = 1; step <= ReleaseSteps; step++)
        {
            Tell($"\n{step}:");
            await ReleaseStepAsync();
            await LookAtReleasesAsync(isQuiet: false);
            if (step % 6 == 0) await QuietReleasesAsync();
        }
        TestContext.Current.TestOutputHelper?.WriteLine(_story.ToString());
    }

    // Now and then at rest, so that there is something to activate and to take back; else while something fails, and
    // sometimes two at once.
    private async Task ReleaseStepAsync()
    {
        string release = Releases[_chance.Next(Releases.Length)];
        if (_chance.Next(2) == 0)
        {
            Mend(isAll: true);
            await World.AdvanceAsync(TimeSpan.FromSeconds(40));
            for (int files = _chance.Next(1, 4); files > 0; files--)
            {
                await AskForAsync(isCalm: true, ChooseStage(release, Files[_chance.Next(Files.Length)]));
            }
        }
        if (_chance.Next(3) > 0) Disturb();
        if (_chance.Next(3) > 0) await AskForAsync(isCalm: false, Choose(release));
        else await AskForAsync(isCalm: false, Choose(release), Choose(release));
    }

    private async Task AskForAsync(bool isCalm, params PlayedAct[] acts)
    {
        foreach (PlayedAct act in acts)
        {
            Tell(act.Change.What);
            _worlds.Begin(act.Change);
            _waited.Add(act.Change);
        }
        (int index, long written) = (_indexes, _store.Written);
        using CancellationTokenSource impatience = new();
        Task<Predicate<BookWorld>?>[] work = [.. acts.Select(act => Task.Run(() => act.Ask(Publisher(), impatience.Token)))];
        if (!isCalm)
        {
            await CrashAsync(written);
            if (_chance.Next(2) == 0) await LookAtBookAsync();
            await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(40)));
            if (_chance.Next(3) > 0) Mend();
        }
        for (int wait = 0; wait < 100 && !work.All(one => one.IsCompleted); wait++)
        {
            await World.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        }
        await impatience.CancelAsync();
        await World.UntilAsync(() => work.All(one => one.IsCompleted), "who publishes gives up", TimeSpan.FromSeconds(5));
        for (int at = 0; at < acts.Length; at++) await HearAsync(acts[at].Change, work[at], index);
    }

    private async Task HearAsync(PlayedChange change, Task<Predicate<BookWorld>?> work, int index)
    {
        try
        {
            Predicate<BookWorld>? seen = await work;
            Tell("-> done");
            World.Check(_worlds.Acknowledge(change, seen), "what was acknowledged is so", "it cannot be");
        }
        catch (Exception exception) when (exception is CdnException or OperationCanceledException)
        {
            Tell($"-> {exception.Message}");
            // What was asked for twice, of two indexes, may have come of the first time.
            bool isRefused = exception is CdnException { Failure: not CdnFailure.Unreachable } && index == _indexes;
            if (isRefused) World.Check(_worlds.Refuse(change), "what was refused is not so", "it is");
        }
        _waited.Remove(change);
    }

    // At some moment; or right after the book was written, before anybody is told.
    private async Task CrashAsync(long written)
    {
        int kind = _chance.Next(6);
        if (kind == 0)
        {
            for (int wait = 0; wait < 20 && _store.Written == written; wait++)
            {
                await World.AdvanceAsync(TimeSpan.FromMilliseconds(5));
            }
        }
        else await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(3)));
        if (_store.IsStopped && _chance.Next(3) > 0) KillInRelease("index");
        else if (kind < 3) KillInRelease(kind == 0 ? "index" : _ids[_chance.Next(_ids.Count)]);
    }

    private void KillInRelease(string who)
    {
        bool isIndex = who == "index" && !_down.Contains(who);
        _isUntold |= isIndex && _waited.Count > 0;
        Kill(who);
        if (isIndex) _worlds.Kill(_waited);
    }

    private PlayedAct Choose(string release)
    {
        (string name, string other) = (Files[_chance.Next(Files.Length)], Files[_chance.Next(Files.Length)]);
        switch (_chance.Next(12))
        {
            case 0 or 1:
                return ChooseStage(release, name);
            case 2 or 3 or 4 or 5:
                return new(new($"{Number()} activate {release}", world => world.Activate(release)),
                    async (publisher, token) => Told(await publisher.ActivateAsync(release, null, token)));
            case 6 or 7 or 8:
                string? named = _chance.Next(2) == 0 ? null : release;
                return new(new($"{Number()} rollback {named}", world => world.RollBack(named)),
                    async (publisher, token) => Told(await publisher.RollBackAsync(named, null, token)));
            case 9 when name != other:
                bool isForced = _chance.Next(2) == 0;
                return new(new($"{Number()} move {name} to {other}{(isForced ? " by force" : "")}",
                    world => world.Move(name, other, isForced)),
                    async (publisher, token) =>
                    {
                        await publisher.MoveAsync(NameOf(name), NameOf(other), isForced, token);
                        return null;
                    });
            case 10 when _chance.Next(2) == 0:
                return new(new($"{Number()} unstage {release}", world => world.Unstage(release)),
                    async (publisher, token) => await publisher.UnstageAsync(release, token) < 0 ? _ => false : null);
            default:
                return ChoosePut(name);
        }
    }

    private PlayedAct ChooseStage(string release, string name)
    {
        byte[]? bytes = _chance.Next(4) == 0 ? null : Bytes();
        string hash = PublishedModel.HashOf(bytes);
        string encoded = name.Replace(" ", "%20", StringComparison.Ordinal);
        return new(new($"{Number()} stage {name} {hash} in {release}", world => world.Stage(release, name, hash)),
            async (publisher, token) =>
            {
                if (bytes is null) await publisher.OrderAsync($"REMOVE {encoded} release={release}", token);
                else
                {
                    await publisher.PutAsync(NameOf(name), new MemoryStream(bytes),
                        new PutOptions { Replicas = 2, Release = release }, null, token);
                }
                return null;
            });
    }

    private PlayedAct ChoosePut(string name)
    {
        byte[]? bytes = _chance.Next(5) == 0 ? null : Bytes();
        bool isNew = _chance.Next(5) == 0;
        string hash = PublishedModel.HashOf(bytes);
        return new(new($"{Number()} put {name} {hash}{(isNew ? " as new" : "")}",
            world => bytes is null ? world.Remove(name) : world.Put(name, hash, isNew)),
            async (_, token) =>
            {
                if (bytes is null) await RemoveAsync(name, token);
                else await PutAsync(name, bytes, isNew, token);
                return null;
            });
    }

    private string Number() => $"#{++_changes}";

    // As many names turned as were staged; what was asked for beside it may have come between.
    private static Predicate<BookWorld> Told(ReleaseReceipt receipt) => world =>
        world.StateOf(receipt.Release) != "active"
        || receipt.Files == world.Before.Keys.Count(key => key.Release == receipt.Release);

    private async Task QuietReleasesAsync()
    {
        Tell("\nquiet:");
        Mend(isAll: true);
        await World.AdvanceAsync(TimeSpan.FromSeconds(75));
        await _cluster.UntilAllAlive([.. _ids]);
        // What was given up is over by now.
        _worlds.Kill([]);
        await LookAtReleasesAsync(isQuiet: true);
    }

    private async Task LookAtReleasesAsync(bool isQuiet)
    {
        World.Phase(_story.ToString());
        World.Check(await LookAtBookAsync() || !isQuiet, "the index answers", "it does not");
        foreach (string name in Files.OrderBy(_ => _chance.Next()).ToArray())
        {
            (bool isAnswer, byte[]? got) = await DownloadAsync(name, isQuiet);
            World.Check(isAnswer || !isQuiet, $"{name} can be had", "it cannot");
            bool counts = got is not null || (isQuiet && !_isUntold);
            if (isAnswer && counts) See(name, PublishedModel.HashOf(got), "is downloaded as");
            foreach (string id in _ids.Except(_down)) await LookInReleasesAtAsync(id, name, isQuiet);
        }
    }

    private void See(string name, string hash, string how)
    {
        string expected = _worlds.ExpectedOf(name);
        World.Check(_worlds.See(world => world.HashOf(name) == hash), $"{name} {how} {expected}, with what was seen before",
            hash);
    }

    // What is staged is not to be had of any server by name.
    private async Task LookInReleasesAtAsync(string id, string name, bool isQuiet)
    {
        if (await FetchAsync(id, name) is not { } got) return;
        string hash = PublishedModel.HashOf(got);
        World.Check(isQuiet ? _worlds.See(world => world.HashOf(name) == hash) : _worlds.Showed(name, hash),
            $"{id} shows {_worlds.ExpectedOf(name)} under {name}", hash);
    }

    // All names one after another, twice: once the first is new, the others are.
    private async Task<bool> LookAtBookAsync()
    {
        string[] asked = [.. Files.Concat(Files).OrderBy(_ => _chance.Next())];
        StringBuilder lines = new("HELLO 2\n");
        foreach (string name in asked)
        {
            string word = name.Replace(" ", "%20", StringComparison.Ordinal);
            lines.Append(CultureInfo.InvariantCulture, $"STAT {word}\nLOCATE {word}\n");
        }
        foreach (string release in Releases) lines.Append(CultureInfo.InvariantCulture, $"PUBLISHED release={release}\n");
        using CancellationTokenSource stop = new();
        List<string> said = [];
        Task asking = Task.Run(() => AskAsync(lines.ToString(), said, (4 * Files.Length) + Releases.Length, stop.Token));
        for (int wait = 0; wait < 10 && !asking.IsCompleted; wait++) await World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        await stop.CancelAsync();
        await World.UntilAsync(() => asking.IsCompleted, "the question ends", TimeSpan.FromSeconds(5));
        for (int at = 0; at < said.Count; at++)
        {
            if (at < 4 * Files.Length) SeeAnswer(asked[at / 2], said[at], isStat: at % 2 == 0);
            else SeeStaged(Releases[at - (4 * Files.Length)], said[at]);
        }
        return said.Count == (4 * Files.Length) + Releases.Length;
    }

    private void SeeAnswer(string name, string answer, bool isStat)
    {
        int at = answer.IndexOf(" sha256=", StringComparison.Ordinal);
        if (at >= 0) See(name, answer.Substring(at + 8, 12), isStat ? "stands in the book as" : "is located as");
        else if (isStat && answer == "ERROR FILE_NOT_FOUND") See(name, PublishedModel.Nothing, "stands in the book as");
    }

    private void SeeStaged(string release, string answer)
    {
        if (!answer.EndsWith("END", StringComparison.Ordinal)) return;
        string[][] lines = [.. answer.Split('\n')[..^1].Select(line => line.Split(' '))];
        string staged = string.Join(',', lines.Select(words => words[1].Replace("%20", " ", StringComparison.Ordinal)
            + "=" + (words[0] == "REMOVED" ? PublishedModel.Nothing : words[4].Substring(7, 12))).Order(StringComparer.Ordinal));
        World.Check(_worlds.See(world => world.StagedIn(release) == staged), $"{release} has what was staged", staged);
    }

    // Each answer of several lines as one text.
    private async Task AskAsync(string lines, List<string> said, int answers, CancellationToken cancellationToken)
    {
        try
        {
            await using LineConnection connection =
                await _cluster.Network.Host("client").Dialer.DialAsync("index", 5050, cancellationToken);
            await connection.SendAsync(Encoding.UTF8.GetBytes(lines), cancellationToken);
            await connection.ReadLineAsync(cancellationToken);
            StringBuilder answer = new();
            while (said.Count < answers && await connection.ReadLineAsync(cancellationToken) is { } line)
            {
                string text = Encoding.UTF8.GetString(line.Span);
                answer.Append(answer.Length > 0 ? "\n" : "").Append(text);
                if (text != "END" && !text.StartsWith("ERROR ", StringComparison.Ordinal)) continue;
                said.Add(answer.ToString());
                answer.Clear();
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // What was answered counts.
        }
    }

    private static FileName NameOf(string name) => FileName.TryCreate(name, out FileName file) ? file : default;
}

/// <summary>A change, and how it is asked for; what whoever asked was told has to hold in the world after it.</summary>
internal sealed record PlayedAct(
    PlayedChange Change, Func<Publisher, CancellationToken, Task<Predicate<BookWorld>?>> Ask);
