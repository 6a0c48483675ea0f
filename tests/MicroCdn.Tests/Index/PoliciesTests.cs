using System.Net;
using CsCheck;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// Each policy alone, and what the list of them promises.
public sealed class PoliciesTests
{
    private static readonly Asker Anyone = new(null, OverIPv4: true);
    private static readonly IPAddress InBerlin = IPAddress.Parse("192.0.2.1");

    // 192.0.2.0/24 is Berlin in DE; 198.51.100.0/24 is in FR.
    private static Locations Known => new([new ZoneNetwork(IPNetwork.Parse("192.0.2.0/24"), "berlin")],
        new CountryFile(new MemoryStream(CountryFiles.Flat(("192.0.2.0/24", "DE"), ("198.51.100.0/24", "FR")))));

    [Fact]
    public void Only_who_is_registered_alive_reachable_and_wanted_is_eligible()
    {
        RoutingFleet fleet = new();
        fleet.Add("well");
        fleet.Add("six", address: "2001:db8::5");
        fleet.Add("dead");
        fleet.Add("here", address: "::1");
        fleet.Router.Fleet.MarkDead(Names.Id("dead"));
        fleet.Router.Fleet.Enlist(Names.Id("silent"));
        Assert.Equal("well here", Eligible(Anyone));
        Assert.Equal("well six here", Eligible(new Asker(null, OverIPv4: false)));
        Assert.Equal("here", Eligible(Anyone with { Not = Names.Id("well") }));
        Assert.Equal("", Eligible(Anyone, 99));

        string Eligible(Asker asker, params ushort[] holders)
        {
            ushort[] field = new ushort[fleet.All.Length];
            int left = Policies.Eligible(holders.Length == 0 ? fleet.All : holders, field, fleet.Servers, asker);
            return string.Join(' ', field[..left].Select(number => fleet.Servers[number].Id));
        }
    }

    [Theory]
    [InlineData("alive returning unknown suspect dead", "alive")]
    [InlineData("suspect alive dead alive", "alive alive")]
    [InlineData("dead suspect unknown returning", "returning")]
    [InlineData("suspect dead unknown", "unknown")]
    [InlineData("dead suspect suspect", "suspect suspect")]
    // Those who call them dead do not trust themselves.
    [InlineData("dead dead", "dead dead")]
    public void Those_in_the_best_state_stay(string states, string left)
    {
        Server[] servers = [.. states.Split(' ').Select((_, number) => new Server(Names.Id($"CS{number}"), number))];
        foreach ((Server server, string word) in servers.Zip(states.Split(' ')))
        {
            Assert.True(ServerStates.TryParse(word.Utf8(), out ServerState state));
            server.Believe(state, "", asksTheDead: true);
        }
        ushort[] field = [.. Enumerable.Range(0, servers.Length).Select(number => (ushort)number)];
        int kept = Policies.BestState(field, servers);
        Assert.Equal(left, string.Join(' ', field[..kept].Select(number => servers[number].State.Text())));
    }

    [Theory]
    [InlineData("zone country continent far", "zone")]
    [InlineData("far country zone continent", "zone")]
    [InlineData("far continent country", "country")]
    [InlineData("continent far", "continent")]
    [InlineData("far nowhere", "far nowhere")]
    [InlineData("zone by-address far", "zone by-address")]
    [InlineData("otherzone far country", "otherzone country")]
    [InlineData("unknown continent", "continent")]
    public void The_nearest_stay(string servers, string left)
    {
        RoutingFleet fleet = new(Known);
        foreach (string id in servers.Split(' '))
        {
            _ = id switch
            {
                "zone" => fleet.Add(id, zone: "berlin", country: "FR"),
                "by-address" => fleet.Add(id, address: "192.0.2.9"),
                "otherzone" => fleet.Add(id, zone: "munich", country: "DE"),
                "country" => fleet.Add(id, country: "DE"),
                "continent" => fleet.Add(id, address: "198.51.100.5"),
                "unknown" => fleet.Add(id, zone: "atlantis", country: "ZZ"),
                "far" => fleet.Add(id, country: "US"),
                _ => fleet.Add(id),
            };
        }
        ushort[] field = fleet.All;
        int kept = Policies.Nearest(field, fleet.Servers, fleet.Router.Fleet.Locations.PlaceOf(InBerlin));
        Assert.Equal(left, string.Join(' ', field[..kept].Select(number => fleet.Servers[number].Id)));
        // A client from nowhere excludes nobody.
        Assert.Equal(fleet.Servers.Length, Policies.Nearest(fleet.All, fleet.Servers, default));
    }

    [Fact]
    public void A_near_server_is_chosen_however_loaded_while_one_may_get_the_client()
    {
        RoutingFleet fleet = new(Known);
        fleet.Add("zone", load: 1_000_000, weight: 1, zone: "berlin");
        fleet.Add("country", load: 1000, country: "DE");
        fleet.Add("continent", load: 100, country: "FR");
        fleet.Add("far");
        foreach (string id in new[] { "zone", "country", "continent", "far" })
        {
            for (int ask = 0; ask < 20; ask++)
            {
                Assert.Equal(id, fleet.Directory.Choose("a"u8, Anyone with { Address = InBerlin })?.Id.Value);
            }
            fleet.Router.Fleet.MarkDead(Names.Id(id));
        }
        Assert.Null(fleet.Directory.Choose("a"u8, Anyone with { Address = InBerlin }));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    public void Two_different_servers_are_drawn_and_every_pair_is_as_likely_as_any(int servers)
    {
        RoutingFleet fleet = new();
        fleet.Add(servers);
        Dictionary<(int, int), int> pairs = Draw(fleet, 100_000);
        double each = 100_000.0 / (servers * (servers - 1));
        Assert.Equal(servers * (servers - 1), pairs.Count);
        Assert.All(pairs, pair => Assert.NotEqual(pair.Key.Item1, pair.Key.Item2));
        Assert.All(pairs.Values, count => Assert.InRange(count, each * 0.9, each * 1.1));
    }

    [Fact]
    public void The_first_is_drawn_as_often_as_its_weight_says_within_two_percent()
    {
        int[] weights = [400, 300, 200, 100];
        RoutingFleet fleet = new();
        for (int number = 0; number < weights.Length; number++) fleet.Add($"CS{number}", weight: weights[number]);
        Dictionary<(int First, int), int> pairs = Draw(fleet, 100_000);
        for (int number = 0; number < weights.Length; number++)
        {
            double drawn = pairs.Where(pair => pair.Key.First == number).Sum(pair => pair.Value);
            Assert.InRange(drawn, weights[number] * 98, weights[number] * 102);
        }
    }

    [Theory]
    [InlineData("100 100 100")]
    [InlineData("400 300 200 100")]
    [InlineData("1000 500 250 100 50 100")]
    [InlineData("1 1000")]
    [InlineData("3 1")]
    public void Answers_go_where_the_weights_say_within_two_percent(string words)
    {
        int[] weights = [.. words.Split(' ').Select(int.Parse)];
        RoutingFleet fleet = new();
        for (int number = 0; number < weights.Length; number++) fleet.Add($"CS{number}", weight: weights[number]);
        double[] answers = new double[weights.Length];
        for (int ask = 0; ask < 100_000; ask++)
        {
            answers[fleet.Directory.Choose("a"u8, true)!.Number]++;
            if (ask % 5_000 == 4_999) fleet.Router.Fleet.Forget();
        }
        for (int number = 0; number < weights.Length; number++)
        {
            double due = 100_000.0 * weights[number] / weights.Sum();
            Assert.InRange(answers[number], due * 0.98, due * 1.02);
        }
    }

    [Theory]
    [InlineData(0, 0, 100, 100, 0)]
    [InlineData(1, 0, 100, 100, 1)]
    [InlineData(1, 0, 300, 100, 0)]
    [InlineData(3, 0, 300, 100, 1)]
    [InlineData(0, 0, 100, 101, 1)]
    [InlineData(999, 0, 1000, 1, 0)]
    [InlineData(1001, 0, 1000, 1, 1)]
    [InlineData(int.MaxValue, int.MaxValue, 1, 2, 1)]
    [InlineData(int.MaxValue, 0, 1, 1000, 1)]
    public void The_less_loaded_for_its_weight_stays_and_of_equals_the_first(
        int load, int other, int weight, int otherWeight, int best)
    {
        RoutingFleet fleet = new();
        fleet.Add("CS0", load, weight);
        fleet.Add("CS1", other, otherWeight);
        ushort[] field = fleet.All;
        Assert.Equal(1, Policies.LessLoaded(field, fleet.Servers));
        Assert.Equal(best, field[0]);
        Assert.Equal($"CS{best}", fleet.Directory.Choose("a"u8, true)?.Id.Value);
    }

    [Fact]
    public void An_excluded_server_is_never_chosen_while_another_may_get_the_client()
    {
        Gen.Select(Gen.Int[0, 5].Array[1, 40], Gen.Int[0, 9].Array[40], Gen.Int[1, 1000].Array[40], Gen.Long)
            .Sample((kinds, loads, weights, seed) =>
            {
                RoutingFleet fleet = new(Known, seed);
                for (int number = 0; number < kinds.Length; number++)
                {
                    string id = kinds[number] == 5 && number == 0 ? "no" : $"CS{number}";
                    fleet.Add(id, loads[number], weights[number], kinds[number] == 3 ? "berlin" : null,
                        kinds[number] == 4 ? "DE" : null, kinds[number] == 1 ? "2001:db8::1" : "10.0.0.1");
                    if (kinds[number] == 2) fleet.Router.Fleet.MarkDead(Names.Id(id));
                }
                Asker asker = new(InBerlin, OverIPv4: true, Names.Id("no"));
                Server? chosen = fleet.Directory.Choose("a"u8, asker);
                bool anyone = fleet.Servers.Any(one => Policies.ExclusionOf(one, asker) == Exclusion.None);
                return chosen is null ? !anyone : Policies.ExclusionOf(chosen, asker) == Exclusion.None;
            }, iter: 1_000);
    }

    // More holders than fit the stack, and none of them favoured by where they stand in the list.
    [Fact]
    public void A_field_of_hundreds_is_drawn_from_as_a_whole()
    {
        RoutingFleet fleet = new();
        fleet.Add(200);
        HashSet<string> chosen = [];
        for (int ask = 0; ask < 5_000; ask++) chosen.Add(fleet.Directory.Choose("a"u8, true)!.Id.Value);
        Assert.Equal(200, chosen.Count);
    }

    private static Dictionary<(int, int), int> Draw(RoutingFleet fleet, int times)
    {
        Chance chance = new(7);
        Dictionary<(int, int), int> pairs = [];
        for (int time = 0; time < times; time++)
        {
            ushort[] field = fleet.All;
            Assert.Equal(2, Policies.TwoByWeight(field, fleet.Servers, chance.Next()));
            pairs[(field[0], field[1])] = pairs.GetValueOrDefault((field[0], field[1])) + 1;
        }
        return pairs;
    }
}
