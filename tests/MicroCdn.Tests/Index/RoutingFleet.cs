using System.Net;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

/// <summary>A fleet that a test puts together in a line each, all holding the same file <c>a</c>.</summary>
internal sealed class RoutingFleet
{
    public RoutingFleet(Locations? locations = null, long seed = 1)
    {
        Router = new Router(new Catalog(1), new Fleet(new FakeTimeProvider(), locations), new Chance(seed));
        Directory = new FileDirectory(Router);
    }

    public Router Router { get; }

    public FileDirectory Directory { get; }

    public Server[] Servers => Router.Fleet.Servers;

    public ushort[] All => [.. Enumerable.Range(0, Servers.Length).Select(number => (ushort)number)];

    public Server Add(string id, int load = 0, int weight = Limits.UsualWeight, string? zone = null,
        string? country = null, string address = "10.0.0.5", params string[] pulls)
    {
        ServerId name = Names.Id(id);
        Server server = Router.Fleet.Enlist(name)!;
        Router.Catalog.Replace(server.Number, Lists.Of(("a", 1)));
        ServerFacts facts = new()
        {
            Weight = weight, Zone = zone, Country = country, HttpPort = 7003, Pulls = pulls,
        };
        Router.Fleet.Registered(server, new Contact(name, IPAddress.Parse(address), 7001, 7002, facts));
        server.Load = load;
        return server;
    }

    public void Add(int count)
    {
        for (int number = 0; number < count; number++) Add($"CS{number}");
    }

    /// <summary>Those who pull a path, in order; null when nobody does.</summary>
    public Candidate[]? RankPulled(string path, Asker asker = default)
    {
        if (!Directory.TryFindPulled(path.Utf8(), out FileEntry entry)) return null;
        Candidate[] ranked = new Candidate[entry.Count];
        return ranked[..Directory.RankPulled(entry, path.Utf8(), asker, ranked)];
    }

    public Candidate[] Rank(Asker asker, int room = 100)
    {
        Assert.True(Directory.TryFind("a"u8, out FileEntry entry));
        Candidate[] ranked = new Candidate[room];
        return ranked[..Directory.Rank(entry, asker, ranked)];
    }
}
