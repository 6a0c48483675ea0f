using System.Net;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// The order in which a gateway lists the servers of a file.
public sealed class RankTests
{
    private static readonly Asker InBerlin = new(IPAddress.Parse("192.0.2.1"), OverIPv4: true);

    private static Locations Known => new([new ZoneNetwork(IPNetwork.Parse("192.0.2.0/24"), "berlin")],
        new CountryFile(new MemoryStream(CountryFiles.Flat(("192.0.2.0/24", "DE")))));

    [Fact]
    public void The_near_come_first_then_the_less_loaded_and_the_excluded_last_with_their_reason()
    {
        RoutingFleet fleet = new(Known);
        fleet.Add("dead", zone: "berlin");
        fleet.Add("far-busy", load: 9);
        fleet.Add("far-idle");
        fleet.Add("paris", country: "FR", load: 99);
        fleet.Add("munich", country: "DE", load: 999);
        fleet.Add("berlin", zone: "berlin", load: 9999);
        fleet.Add("six", address: "2001:db8::1");
        fleet.Router.Fleet.MarkDead(Names.Id("dead"));
        Candidate[] ranked = fleet.Rank(InBerlin with { Not = Names.Id("paris") });
        Assert.Equal(["berlin", "munich", "far-idle", "far-busy", "dead", "six", "paris"],
            ranked.Select(one => one.Server.Id.Value));
        Assert.Equal([Exclusion.None, Exclusion.None, Exclusion.None, Exclusion.None, Exclusion.Dead,
            Exclusion.AddressFamily, Exclusion.NotWanted], ranked.Select(one => one.Exclusion));
        Assert.Equal(["in the client's zone", "in the client's country", "elsewhere", "elsewhere",
            "in the client's zone", "elsewhere", "on the client's continent"], ranked.Select(one => one.Where));
        Assert.Equal(new Location("berlin", "DE", "EU"), fleet.Directory.Locate(InBerlin.Address));
        Assert.Equal(default, fleet.Directory.Locate(null));
        Assert.Equal(default, new RoutingFleet().Directory.Locate(InBerlin.Address));
    }

    [Fact]
    public void A_suspect_is_asked_last_however_near_and_idle_it_is_and_the_draining_not_at_all()
    {
        RoutingFleet fleet = new(Known);
        Server suspect = fleet.Add("suspect", zone: "berlin"), draining = fleet.Add("draining", zone: "berlin");
        fleet.Add("far-busy", load: 9);
        fleet.Add("far-idle");
        fleet.Router.Fleet.Report(suspect, Trouble.Stall);
        fleet.Router.Fleet.Drain(draining, true);
        Candidate[] ranked = fleet.Rank(InBerlin);
        Assert.Equal(["far-idle", "far-busy", "suspect", "draining"], ranked.Select(one => one.Server.Id.Value));
        Assert.Equal([Exclusion.None, Exclusion.None, Exclusion.None, Exclusion.Draining],
            ranked.Select(one => one.Exclusion));
        Assert.Equal("clients report it: stall", suspect.Why);
        for (int ask = 0; ask < 20; ask++)
        {
            Assert.StartsWith("far-", fleet.Directory.Choose("a"u8, InBerlin)!.Id.Value, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_first_is_drawn_as_a_GET_draws_it_and_the_others_follow_by_load()
    {
        RoutingFleet fleet = new(seed: 5), twin = new(seed: 5);
        for (int number = 0; number < 6; number++)
        {
            fleet.Add($"CS{number}", load: number);
            twin.Add($"CS{number}", load: number);
        }
        HashSet<string> first = [];
        for (int ask = 0; ask < 200; ask++)
        {
            Candidate[] ranked = fleet.Rank(InBerlin);
            Assert.Equal(twin.Directory.Choose("a"u8, InBerlin)!.Id, ranked[0].Server.Id);
            ranked[0].Server.CountAnswer();
            first.Add(ranked[0].Server.Id.Value);
            Assert.Equal(ranked[1..].Select(one => one.Score).Order(), ranked[1..].Select(one => one.Score));
            Assert.Equal(6, ranked.Select(one => one.Server).Distinct().Count());
        }
        Assert.True(first.Count > 2, string.Join(' ', first));
    }

    [Fact]
    public void Where_there_is_too_little_room_the_last_of_the_order_are_left_out_and_not_the_last_registered()
    {
        RoutingFleet fleet = new();
        for (int number = 0; number < 60; number++) fleet.Add($"CS{number}", load: 100 - number);
        for (int ask = 0; ask < 20; ask++)
        {
            Candidate[] ranked = fleet.Rank(InBerlin, room: 3);
            Assert.Equal(3, ranked.Length);
            Assert.All(ranked[1..], one => Assert.InRange(one.Server.Load, 41, 43));
        }
        Assert.Empty(fleet.Rank(InBerlin, room: 0));
    }

    [Fact]
    public void The_load_of_a_candidate_is_that_of_a_server_of_the_usual_weight()
    {
        RoutingFleet fleet = new();
        fleet.Add("CS0", load: 7);
        fleet.Add("CS1", load: 7, weight: 50);
        Candidate[] ranked = fleet.Rank(InBerlin);
        Assert.Equal((8, 16), (ranked[0].Load, ranked[1].Load));
    }

    [Fact]
    public void A_known_client_costs_a_lookup_and_a_GET_no_memory()
    {
        RoutingFleet fleet = new(Known);
        for (int number = 0; number < 100; number++) fleet.Add($"CS{number}", zone: number % 2 == 0 ? "berlin" : null);
        Ask(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Ask(10_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Ask(int times)
        {
            for (int time = 0; time < times; time++) fleet.Directory.Choose("a"u8, InBerlin);
        }
    }
}
