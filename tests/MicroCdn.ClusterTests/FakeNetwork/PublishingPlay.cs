using System.Text;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>One play of a seed: somebody publishes while machines, links and disks fail, and what clients get is held
/// against what they may get.</summary>
internal sealed partial class PublishingPlay
{
    private const int Steps = 8;
    private static readonly string[] Hosts = ["client", "index", "cs1", "cs2", "cs3"];

    private readonly List<string> _ids = ["CS1", "CS2", "CS3"];
    private readonly FakeCluster _cluster;
    private readonly Random _chance;
    private readonly MemoryRecordStore _rows = new();
    private readonly PublishedModel[] _names = [new("a"), new("dir/b c"), new("z")];
    private readonly Dictionary<string, FailingDisk> _disks = [];
    private readonly HashSet<string> _down = [];
    private readonly List<(string From, string To)> _links = [];
    private readonly StringBuilder _story = new();
    private SurvivingStore _store = null!;
    private int _indexes;
    private bool _isWiped;

    private PublishingPlay(FakeCluster cluster, bool heals)
    {
        (_cluster, _chance, _heals) = (cluster, cluster.World.Chance, heals);
        if (heals) cluster.HealAfter = HealAfter;
        cluster.Network.FragmentBytes = 64 * 1024;
        cluster.TakesOrders = true;
        cluster.RecordsOfIndex = () => _store = new SurvivingStore(_rows);
        cluster.DiskOf = id => (_disks[id] = new FailingDisk()).RunAsync;
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
        await _cluster.StartAsync([.. _ids]);
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
        TestContext.Current.TestOutputHelper?.WriteLine(_story.ToString());
    }

    private async Task StepAsync()
    {
        if (_chance.Next(3) > 0) Disturb();
        PublishedModel model = _names[_chance.Next(_names.Length)];
        byte[]? bytes = _chance.Next(4) == 0 ? null : Bytes();
        bool isNew = bytes is not null && _chance.Next(6) == 0;
        Tell($"{(bytes is null ? "remove" : isNew ? "put as new" : "put")} {model.Name} {PublishedModel.HashOf(bytes)}");
        using CancellationTokenSource impatience = new();
        model.Try(bytes, _indexes);
        int index = _indexes;
        Task work = bytes is null ? Task.Run(() => RemoveAsync(model.Name, impatience.Token))
            : Task.Run(() => PutAsync(model.Name, bytes, isNew, impatience.Token));
        await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(3)));
        if (_store.IsStopped && _chance.Next(3) > 0) Kill("index");
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
        string id = _ids[_chance.Next(_ids.Count)];
        switch (_chance.Next(6))
        {
            case 0 or 1:
                Tell($"(book {_store.Trap = (StoreTrap)_chance.Next(1, 6)})");
                break;
            case 2 or 3:
                int pieces = _chance.Next(4);
                Tell($"(disk of {id} stops after {pieces})");
                _disks[id].StopAfter(pieces);
                break;
            default:
                (string from, string to) = (Hosts[_chance.Next(Hosts.Length)], Hosts[_chance.Next(Hosts.Length)]);
                if (from == to) return;
                Link link = _cluster.Network.LinkOf(from, to);
                int way = _chance.Next(3);
                if (way == 0) link.Stalls = true;
                else if (way == 1) link.CutsAfter = _chance.Next(6000);
                else link.Refuses = true;
                Tell($"({from} to {to} {(way == 0 ? "stalls" : way == 1 ? $"is cut after {link.CutsAfter}" : "refuses")})");
                _links.Add((from, to));
                break;
        }
    }

    private void KillOne()
    {
        string who = _chance.Next(3) == 0 ? "index" : _ids[_chance.Next(_ids.Count)];
        Kill(who);
    }

    private void Kill(string who)
    {
        if (!_down.Add(who)) return;
        Tell($"kill {who}");
        _cluster.Kill(who);
    }

    // What is down comes back, but now and then only later; a disk that stopped is one of a dead machine.
    private void Mend(bool isAll = false)
    {
        _store.Release();
        foreach ((string from, string to) in _links) _cluster.Network.Heal(from, to);
        _links.Clear();
        foreach (string id in _ids.Where(id => _disks[id].IsStuck)) Kill(id);
        foreach (string id in _ids) _disks[id].StopAfter(int.MaxValue);
        foreach (string who in _down.Order(StringComparer.Ordinal).ToArray())
        {
            if (!isAll && _chance.Next(4) == 0) continue;
            _down.Remove(who);
            Tell($"start {who}");
            if (who == "index") StartIndex();
            else StartServer(who);
        }
    }

    private void StartIndex()
    {
        _indexes++;
        _cluster.StartIndex();
    }

    // Its log ends in what a power cut tore, or its disk is another one: of that once, or once after all was
    // healed: with two empty disks files are lost.
    private void StartServer(string id)
    {
        string folder = World.Folder[$"state of {id}"], log = Path.Combine(folder, "published", "names");
        if (!_isWiped && _chance.Next(12) == 0)
        {
            Tell("with an empty disk");
            _isWiped = true;
            Directory.Delete(folder, recursive: true);
        }
        else if (_chance.Next(3) == 0 && File.Exists(log))
        {
            byte[] torn = new byte[_chance.Next(1, 200)];
            _chance.NextBytes(torn);
            using FileStream file = new(log, FileMode.Append);
            file.Write(torn);
        }
        _cluster.StartContent(id);
    }

    private async Task QuietAsync()
    {
        Tell("\nquiet:");
        Mend(isAll: true);
        // A registration that did not last is made again after half a minute; and a minute after its start the index
        // has what nobody shows looked for, such as after a change that was written and never told.
        await World.AdvanceAsync(TimeSpan.FromSeconds(75));
        await _cluster.UntilAllAlive([.. _ids]);
        if (_heals) await UntilHealedAsync();
        await LookAsync(isQuiet: true);
    }

    private async Task LookAsync(bool isQuiet)
    {
        World.Phase(_story.ToString());
        foreach (PublishedModel model in _names)
        {
            (bool isAnswer, byte[]? got) = await DownloadAsync(model.Name, isQuiet);
            World.Check(!isAnswer || model.Allows(got) || (got is null && !isQuiet),
                $"{model.Name} is {model.Expected}", PublishedModel.HashOf(got));
            World.Check(isAnswer || !isQuiet, $"{model.Name} can be had", "it cannot");
            if (isQuiet) model.Settle(got);
            foreach (string id in _ids.Except(_down)) await LookAtAsync(id, model, isQuiet);
        }
    }

    // Whoever asks a server itself gets what is or was published, whole; when all is quiet what is, or nothing.
    private async Task LookAtAsync(string id, PublishedModel model, bool isQuiet)
    {
        byte[]? got = await FetchAsync(id, model.Name);
        World.Check(got is null || (isQuiet ? model.Allows(got) : model.Knows(got)),
            $"{id} shows {model.Expected} under {model.Name}", PublishedModel.HashOf(got));
    }

    private async Task<(bool IsAnswer, byte[]? Bytes)> DownloadAsync(string name, bool isQuiet)
    {
        using CancellationTokenSource impatience = new();
        FileName.TryCreate(name, out FileName file);
        Task<DownloadResult> download = Task.Run(
            () => _cluster.Client().DownloadAsync(file, World.Folder["got"], null, impatience.Token));
        for (int wait = 0; wait < (isQuiet ? 200 : 10) && !download.IsCompleted; wait++)
        {
            await World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        }
        await impatience.CancelAsync();
        await World.UntilAsync(() => download.IsCompleted, "the download gives up", TimeSpan.FromSeconds(5));
        try
        {
            await download;
            return (true, World.Folder.Read("got"));
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.NotFound)
        {
            return (true, null);
        }
        catch (Exception exception) when (exception is CdnException { Failure: not CdnFailure.WrongBytes }
            or OperationCanceledException or IOException)
        {
            return (false, null);
        }
    }

    private async Task<byte[]?> FetchAsync(string id, string name)
    {
        using CancellationTokenSource stop = new();
        Task<byte[]?> asking = Task.Run(() => FetchAsync(id.ToLowerInvariant(), name, stop.Token));
        for (int wait = 0; wait < 4 && !asking.IsCompleted; wait++) await World.AdvanceAsync(TimeSpan.FromMilliseconds(50));
        await stop.CancelAsync();
        await World.UntilAsync(() => asking.IsCompleted, "the question ends", TimeSpan.FromSeconds(5));
        return await asking;
    }

    private async Task<byte[]?> FetchAsync(string host, string name, CancellationToken cancellationToken)
    {
        try
        {
            await using LineConnection connection =
                await _cluster.Network.Host("client").Dialer.DialAsync(host, 7001, cancellationToken);
            await connection.SendAsync(Encoding.UTF8.GetBytes($"GET {name}\n"), cancellationToken);
            ReadOnlyMemory<byte>? head = await connection.ReadLineAsync(cancellationToken);
            if (head is not { } line || !line.Span.StartsWith("OK "u8)) return null;
            byte[] bytes = new byte[int.Parse(line.Span[3..], System.Globalization.CultureInfo.InvariantCulture)];
            for (int read = 0; read < bytes.Length;)
            {
                int more = await connection.ReadAsync(bytes.AsMemory(read), cancellationToken);
                if (more == 0) return null;
                read += more;
            }
            return bytes;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task PutAsync(string name, byte[] bytes, bool isNew, CancellationToken cancellationToken)
    {
        FileName.TryCreate(name, out FileName file);
        await Publisher().PutAsync(file, new MemoryStream(bytes), new PutOptions { Replicas = 2, IsNew = isNew }, null,
            cancellationToken);
    }

    private async Task RemoveAsync(string name, CancellationToken cancellationToken)
    {
        FileName.TryCreate(name, out FileName file);
        await Publisher().RemoveAsync(file, match: 0, cancellationToken);
    }

    private Publisher Publisher()
    {
        FakeHost machine = _cluster.Network.Host("client");
        return new Publisher(new ClientOptions { IndexHost = "index" }, null, machine.Dialer, machine.Time);
    }

    private byte[] Bytes()
    {
        // Now and then the same bytes as some time before, under whatever name.
        int kind = _chance.Next(10);
        byte[] bytes = new byte[kind == 0 ? (1 << 20) + _chance.Next(300_000) : kind == 1 ? 0 : _chance.Next(1, 5000)];
        new Random(kind < 4 ? bytes.Length : _chance.Next()).NextBytes(bytes);
        return kind == 2 ? "again"u8.ToArray() : bytes;
    }

    private void Tell(string what)
    {
        _story.Append(what).Append(' ');
        World.Phase(_story.ToString());
    }
}
