using System.Net;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// Who gets a client for a path that is no file: rendezvous hashing with bounded loads (Mirrokni and others, 2016).
public sealed class PulledPathsTests
{
    private static readonly Asker InBerlin = new(IPAddress.Parse("192.0.2.1"), OverIPv4: true);

    private static readonly string[] Paths = [.. Enumerable.Range(0, 3_000).Select(number => $"/p/{number}")];

    [Fact]
    public void The_longest_prefix_counts_and_what_nobody_pulls_is_nobodys()
    {
        RoutingFleet fleet = new();
        fleet.Add("all", pulls: "/");
        fleet.Add("docs", pulls: ["/docs/", "/docs/new"]);
        fleet.Add("none");
        Assert.Equal("docs", FirstOf(fleet, "/docs/a"));
        Assert.Equal("docs", FirstOf(fleet, "/docs/newer"));
        Assert.Equal("all", FirstOf(fleet, "/docs"));
        Assert.Equal("all", FirstOf(fleet, "/DOCS/a"));
        Assert.Single(fleet.RankPulled("/docs/a")!);
        RoutingFleet few = new();
        few.Add("docs", pulls: "/docs/");
        Assert.Null(few.RankPulled("/other"));
        Assert.Null(new RoutingFleet().RankPulled("/"));
    }

    [Fact]
    public void When_all_who_pull_the_longest_prefix_are_dead_those_of_a_shorter_one_are_asked()
    {
        RoutingFleet fleet = new();
        fleet.Add("all", pulls: "/");
        fleet.Add("docs", pulls: "/docs/");
        fleet.Router.Fleet.MarkDead(Names.Id("docs"));
        Assert.Equal("all", FirstOf(fleet, "/docs/a"));
        fleet.Router.Fleet.MarkDead(Names.Id("all"));
        Candidate only = Assert.Single(fleet.RankPulled("/docs/a")!);
        Assert.Equal(("docs", Exclusion.Dead), (only.Server.Id.Value, only.Exclusion));
    }

    [Fact]
    public void A_server_that_registers_anew_pulls_what_it_says_then()
    {
        RoutingFleet fleet = new();
        fleet.Add("CS1", pulls: "/a/");
        fleet.Add("CS1", pulls: "/b/");
        Assert.Null(fleet.RankPulled("/a/x"));
        Assert.Equal("CS1", FirstOf(fleet, "/b/x"));
        fleet.Add("CS1");
        Assert.Null(fleet.RankPulled("/b/x"));
    }

    [Fact]
    public void Each_path_has_a_server_of_its_own_whatever_the_loads_while_nobody_has_too_much()
    {
        RoutingFleet fleet = Of(5);
        string[] before = [.. Paths.Select(path => FirstOf(fleet, path))];
        Assert.All(before.CountBy(id => id), pair => Assert.InRange(pair.Value, 500, 700));
        for (int number = 0; number < 5; number++) fleet.Servers[number].Load = 6 * number;
        Assert.Equal(before, Paths.Select(path => FirstOf(fleet, path)));
    }

    [Fact]
    public void When_a_server_dies_its_own_paths_move_and_come_back_with_it()
    {
        RoutingFleet fleet = Of(5);
        string[] before = [.. Paths.Select(path => FirstOf(fleet, path))];
        fleet.Router.Fleet.MarkDead(Names.Id("CS3"));
        string[] without = [.. Paths.Select(path => FirstOf(fleet, path))];
        Assert.DoesNotContain("CS3", without);
        Assert.All(before.Zip(without), pair => Assert.True(pair.First == pair.Second || pair.First == "CS3"));
        fleet.Add("CS3", pulls: "/");
        Assert.Equal(before, Paths.Select(path => FirstOf(fleet, path)));
    }

    [Fact]
    public void One_path_that_everybody_wants_is_served_by_more_and_more_and_nobody_gets_a_quarter_above_the_mean()
    {
        RoutingFleet fleet = Of(4);
        Server[] order = [.. fleet.RankPulled("/hot")!.Select(one => one.Server)];
        int[] counts = new int[4];
        for (int client = 0; client < 4_000; client++)
        {
            Server server = fleet.RankPulled("/hot")![0].Server;
            server.CountAnswer();
            counts[Array.IndexOf(order, server)]++;
            if (client == 31) Assert.Equal([32, 0, 0, 0], counts);
            if (client < 200) continue;
            Assert.All(counts, count => Assert.InRange(count, 0, Math.Ceiling(1.25 * (client + 1) / 4)));
        }
        // As full as they may be, in the path's own order.
        Assert.All(counts[..3], count => Assert.InRange(count, 1_248, 1_250));
        Assert.InRange(counts[3], 250, 256);
    }

    [Fact]
    public void Who_can_take_twice_as_much_gets_twice_as_much_before_it_has_too_much()
    {
        RoutingFleet fleet = new();
        fleet.Add("small", weight: 100, pulls: "/");
        fleet.Add("big", weight: 200, pulls: "/");
        for (int client = 0; client < 3_000; client++) fleet.RankPulled("/hot")![0].Server.CountAnswer();
        int small = (int)(fleet.Servers[0].Burden / Server.OneAnswer);
        Assert.True(small is 1_250 or 500, $"{small}");
    }

    [Fact]
    public void The_near_are_asked_first_the_suspect_last_and_the_dead_not_at_all()
    {
        RoutingFleet fleet = new(new Locations([new ZoneNetwork(IPNetwork.Parse("192.0.2.0/24"), "berlin")]));
        fleet.Add("far", pulls: "/");
        fleet.Add("dead", zone: "berlin", pulls: "/");
        Server suspect = fleet.Add("suspect", zone: "berlin", pulls: "/");
        fleet.Add("near", load: 999, zone: "berlin", pulls: "/");
        fleet.Router.Fleet.MarkDead(Names.Id("dead"));
        fleet.Router.Fleet.Report(suspect, Trouble.Stall);
        foreach (string path in Paths[..50])
        {
            Assert.Equal(["near", "far", "suspect", "dead"],
                fleet.RankPulled(path, InBerlin)!.Select(one => one.Server.Id.Value));
        }
        Assert.Equal("far", fleet.RankPulled("/a", InBerlin with { Not = Names.Id("near") })![0].Server.Id.Value);
    }

    [Fact]
    public void Finding_and_ranking_allocate_nothing()
    {
        RoutingFleet fleet = Of(8);
        Candidate[] room = new Candidate[8];
        Ask(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Ask(1_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Ask(int times)
        {
            for (int time = 0; time < times; time++)
            {
                fleet.Directory.TryFindPulled("/a/b"u8, out FileEntry entry);
                fleet.Directory.RankPulled(entry, "/a/b"u8, InBerlin, room);
            }
        }
    }

    private static RoutingFleet Of(int count)
    {
        RoutingFleet fleet = new();
        for (int number = 1; number <= count; number++) fleet.Add($"CS{number}", pulls: "/");
        return fleet;
    }

    private static string FirstOf(RoutingFleet fleet, string path) => fleet.RankPulled(path)![0].Server.Id.Value;
}
