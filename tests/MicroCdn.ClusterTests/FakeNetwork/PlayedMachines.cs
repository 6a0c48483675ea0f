using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>The machines of a play: they die, their disks and links fail, and all of it is mended again.</summary>
internal sealed class PlayedMachines
{
    private readonly FakeCluster _cluster;
    private readonly PlayStory _story;
    private readonly Dictionary<string, FailingDisk> _disks = [];
    private readonly HashSet<string> _down = [];
    private readonly List<(string From, string To)> _links = [];

    public PlayedMachines(FakeCluster cluster, PlayStory story)
    {
        (_cluster, _story) = (cluster, story);
        cluster.Network.FragmentBytes = 64 * 1024;
        cluster.TakesOrders = true;
        cluster.DiskOf = id => (_disks[id] = new FailingDisk()).RunAsync;
    }

    /// <summary>The ids of the content servers.</summary>
    public List<string> Ids { get; } = ["CS1", "CS2", "CS3"];

    /// <summary>The content servers that are not down.</summary>
    public IEnumerable<string> Up => Ids.Except(_down);

    /// <summary>Starts a machine that is no content server, by its host.</summary>
    public required Action<string> StartOther { get; init; }

    /// <summary>True when one server has lost its disk: a second one might have been the last with some file.</summary>
    public bool IsWiped { get; set; }

    private Random Chance => _cluster.World.Chance;

    public bool IsDown(string who) => _down.Contains(who);

    public void StopDiskOf(string id)
    {
        int pieces = Chance.Next(4);
        _story.Tell($"(disk of {id} stops after {pieces})");
        _disks[id].StopAfter(pieces);
    }

    public void BreakLink(string[] hosts)
    {
        (string from, string to) = (hosts[Chance.Next(hosts.Length)], hosts[Chance.Next(hosts.Length)]);
        if (from == to) return;
        Link link = _cluster.Network.LinkOf(from, to);
        int way = Chance.Next(3);
        if (way == 0) link.Stalls = true;
        else if (way == 1) link.CutsAfter = Chance.Next(6000);
        else link.Refuses = true;
        _story.Tell($"({from} to {to} {(way == 0 ? "stalls" : way == 1 ? $"is cut after {link.CutsAfter}" : "refuses")})");
        _links.Add((from, to));
    }

    /// <summary>Keeps two hosts apart, in both directions.</summary>
    public void Part(string one, string other)
    {
        _story.Tell($"({one} and {other} are kept apart)");
        foreach ((string from, string to) in new[] { (one, other), (other, one) })
        {
            _cluster.Network.LinkOf(from, to).Refuses = true;
            _links.Add((from, to));
        }
        _cluster.Network.Cut(one, other);
    }

    public void Kill(string who)
    {
        if (!_down.Add(who)) return;
        _story.Tell($"kill {who}");
        _cluster.Kill(who);
    }

    /// <summary>What is down comes back, but now and then only later; a disk that stopped is one of a dead
    /// machine.</summary>
    public void Mend(bool isAll = false)
    {
        foreach ((string from, string to) in _links) _cluster.Network.Heal(from, to);
        _links.Clear();
        foreach (string id in Ids.Where(id => _disks[id].IsStuck)) Kill(id);
        foreach (string id in Ids) _disks[id].StopAfter(int.MaxValue);
        foreach (string who in _down.Order(StringComparer.Ordinal).ToArray())
        {
            if (isAll || Chance.Next(4) != 0) Start(who);
        }
    }

    public void Start(string who)
    {
        _down.Remove(who);
        _story.Tell($"start {who}");
        if (Ids.Contains(who)) StartServer(who);
        else StartOther(who);
    }

    // Its log ends in what a power cut tore, or its disk is another one: of that once, or once after all was
    // healed: with two empty disks files are lost.
    private void StartServer(string id)
    {
        string folder = _cluster.World.Folder[$"state of {id}"], log = Path.Combine(folder, "published", "names");
        if (!IsWiped && Chance.Next(12) == 0)
        {
            _story.Tell("with an empty disk");
            IsWiped = true;
            Directory.Delete(folder, recursive: true);
        }
        else if (Chance.Next(3) == 0 && File.Exists(log))
        {
            byte[] torn = new byte[Chance.Next(1, 200)];
            Chance.NextBytes(torn);
            using FileStream file = new(log, FileMode.Append);
            file.Write(torn);
        }
        _cluster.StartContent(id);
    }
}
