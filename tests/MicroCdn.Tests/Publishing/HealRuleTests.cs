using System.Security.Cryptography;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Publishing;

public sealed class HealRuleTests
{
    private const long Gib = 1L << 30;
    private static readonly FileDigest Digest = DigestOf(1);

    [Fact]
    public void A_file_that_is_where_it_belongs_needs_nothing()
    {
        CopyKeeper[] keepers = Fleet(5);
        Assert.True(Decide(keepers, Home(keepers)).IsHealthy);
    }

    [Fact]
    public void A_copy_that_is_lost_is_made_from_one_that_is_left_where_it_belongs_now()
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        keepers[home[0]] = keepers[home[0]] with { Worth = CopyWorth.None, CanGive = false, IsPlace = false };
        HealNeed need = Decide(keepers, home);
        Assert.Equal((1, 1, 1), (need.Live, need.Counting, need.Missing));
        Assert.Equal([(int)home[1]], need.Sources);
        int target = Assert.Single(need.Targets);
        Assert.DoesNotContain((ushort)target, home);
        Assert.Empty(need.Surplus);
    }

    [Fact]
    public void A_server_that_is_away_for_a_short_while_counts_and_gives_nothing()
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        keepers[home[0]] = keepers[home[0]] with { Worth = CopyWorth.Expected, CanGive = false, IsHere = false };
        HealNeed need = Decide(keepers, home);
        Assert.Equal((1, 2, 0), (need.Live, need.Counting, need.Missing));
        Assert.Empty(need.Targets);
        Assert.DoesNotContain((int)home[0], need.Sources);
    }

    [Fact]
    public void Nothing_moves_while_somebody_is_expected_who_did_not_say_how_much_he_takes()
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        keepers[home[0]] = keepers[home[0]] with { Worth = CopyWorth.Expected, CanGive = false, IsPlace = false };
        Assert.True(Decide(keepers, home).IsHealthy);
        Assert.Single(Decide(keepers, [home[1]]).Targets);
    }

    [Fact]
    public void A_server_that_is_to_go_gives_and_does_not_count_and_keeps_what_it_has()
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        keepers[home[0]] = keepers[home[0]] with { Worth = CopyWorth.Leaving, IsPlace = false };
        HealNeed need = Decide(keepers, home);
        Assert.Equal(1, need.Missing);
        Assert.Contains((int)home[0], need.Sources);
        ushort[] healed = [.. home.Append((ushort)need.Targets[0]).Order()];
        HealNeed after = Decide(keepers, healed);
        Assert.True(after.IsHealthy);
        Assert.Empty(after.Surplus);
    }

    [Fact]
    public void What_is_too_many_is_taken_away_where_it_does_not_belong()
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        ushort stranger = (ushort)Enumerable.Range(0, 5).First(server => !home.Contains((ushort)server));
        HealNeed need = Decide(keepers, [.. home.Append(stranger).Order()]);
        Assert.Equal([(int)stranger], need.Surplus);
    }

    [Theory, InlineData(CopyWorth.Expected), InlineData(CopyWorth.None), InlineData(CopyWorth.Leaving)]
    public void Nothing_is_taken_away_while_a_copy_where_it_belongs_cannot_be_had(object worth)
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        keepers[home[0]] = keepers[home[0]] with { Worth = (CopyWorth)worth, CanGive = false };
        ushort[] strangers = [.. Enumerable.Range(0, 5).Select(server => (ushort)server).Except(home).Take(2)];
        Assert.Empty(Decide(keepers, [.. home.Concat(strangers).Order()]).Surplus);
    }

    [Fact]
    public void A_full_server_is_passed_over_and_named_and_keeps_what_it_has()
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        keepers[home[0]] = keepers[home[0]] with { Free = 10 };
        Assert.True(Decide(keepers, home).IsHealthy);
        HealRule rule = new(keepers);
        HealNeed need = new();
        rule.Decide(new WantedCopies(Digest, 100, 2, false), [home[1]], need);
        Assert.DoesNotContain((int)home[0], need.Targets);
        Assert.Single(need.Targets);
        Assert.True(rule.Full[home[0]]);
    }

    [Fact]
    public void When_no_server_may_take_a_copy_that_is_said()
    {
        CopyKeeper[] keepers = Fleet(2);
        HealNeed need = new();
        new HealRule(keepers).Decide(new WantedCopies(Digest, 100, 3, false), [0, 1], need);
        Assert.True(need.IsStuck);
        Assert.Equal(1, need.Missing);
        Assert.Empty(need.Surplus);
    }

    [Fact]
    public void A_wrong_copy_counts_nothing_gives_nothing_and_its_server_is_not_asked_to_take_one()
    {
        CopyKeeper[] keepers = Fleet(5);
        ushort[] home = Home(keepers);
        HealNeed need = new();
        WantedCopies wanted = new(Digest, 100, 2, false) { Liars = new HashSet<int> { home[0] } };
        new HealRule(keepers).Decide(wanted, home, need);
        Assert.Equal((1, 1), (need.Live, need.Missing));
        Assert.Equal([(int)home[1]], need.Sources);
        Assert.DoesNotContain((int)home[0], need.Targets);
        // Once there are enough others it is taken away.
        ushort[] healed = [.. home.Append((ushort)need.Targets[0]).Order()];
        new HealRule(keepers).Decide(wanted, healed, need);
        Assert.Equal([(int)home[0]], need.Surplus);
    }

    [Fact]
    public void Servers_that_no_policy_names_get_nothing_and_lose_what_they_have_when_the_others_have_it()
    {
        CopyKeeper[] keepers = Fleet(5);
        bool[] allowed = [true, true, false, false, false];
        HealNeed need = new();
        HealRule rule = new(keepers);
        rule.Decide(new WantedCopies(Digest, 100, 2, false) { Allowed = allowed }, [3, 4], need);
        Assert.Equal([0, 1], need.Targets.Order());
        Assert.Empty(need.Surplus);
        rule.Decide(new WantedCopies(Digest, 100, 2, false) { Allowed = allowed }, [0, 1, 3, 4], need);
        Assert.Equal([3, 4], need.Surplus);
    }

    // Issue 6: "New servers take their share: at most 1/n + 2 % of copies move"
    [Theory, InlineData(2), InlineData(3), InlineData(7), InlineData(20)]
    public void When_a_server_joins_its_share_moves_and_no_more(int servers)
    {
        CopyKeeper[] before = Fleet(servers), after = Fleet(servers + 1);
        double share = (double)after[servers].Weight / after.Sum(keeper => keeper.Weight);
        HealRule old = new(before), now = new(after);
        HealNeed need = new();
        int moved = 0;
        for (int file = 0; file < 10_000; file++)
        {
            WantedCopies wanted = new(DigestOf(file), 100, 2, false);
            old.Decide(wanted, [], need);
            ushort[] home = [.. need.Targets.Select(server => (ushort)server).Order()];
            now.Decide(wanted, home, need);
            Assert.All(need.Targets, target => Assert.Equal(servers, target));
            Assert.Empty(need.Surplus);
            moved += need.Targets.Count;
            if (need.Targets.Count == 0) continue;
            // When it has it, exactly one former place gives it up.
            now.Decide(wanted, [.. home.Append((ushort)servers).Order()], need);
            Assert.Single(need.Surplus);
            Assert.Empty(need.Targets);
        }
        Assert.InRange(moved / 20_000.0, 0.5 * share, Math.Max(share * 2, 1.0 / (servers + 1)) + 0.02);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void It_chooses_the_same_places_as_publishing_does(bool isSpread)
    {
        CopyPlace[] places = [.. Enumerable.Range(0, 9).Select(number => new CopyPlace(number,
            Rendezvous.SpotOf([(byte)number]), (100 + (50 * (number % 3))) * Gib, 1000, $"zone{number % 4}"))];
        CopyKeeper[] keepers = Fleet(9);
        foreach (CopyPlace place in places)
        {
            keepers[place.Number] = keepers[place.Number] with
            {
                Spot = place.Spot, Weight = Placement.WeightOf(place), Zone = place.Number % 4,
            };
        }
        HealRule rule = new(keepers);
        HealNeed need = new();
        for (int file = 0; file < 500; file++)
        {
            rule.Decide(new WantedCopies(DigestOf(file), 100, 5, isSpread), [], need);
            Assert.Equal(Placement.Choose(DigestOf(file), 100, 5, isSpread, places, _ => false), need.Targets);
        }
    }

    [Theory]
    [InlineData(ServerState.Alive, false, false, 0, "Held")]
    [InlineData(ServerState.Unknown, false, false, 0, "Held")]
    [InlineData(ServerState.Alive, false, true, 0, "Leaving")]
    [InlineData(ServerState.Draining, false, false, 0, "Leaving")]
    [InlineData(ServerState.Draining, true, false, 100, "Expected")]
    [InlineData(ServerState.Draining, true, false, 301, "None")]
    [InlineData(ServerState.Dead, false, false, 299, "Expected")]
    [InlineData(ServerState.Dead, false, false, 300, "None")]
    [InlineData(ServerState.Dead, false, true, 300, "Leaving")]
    [InlineData(ServerState.Suspect, false, false, 30, "Expected")]
    public void What_a_copy_is_worth_depends_on_its_server(
        ServerState state, bool leavesItself, bool isRetired, int away, string worth) =>
        Assert.Equal(worth, CopyKeeper.WorthOf(
            state, leavesItself, isRetired, TimeSpan.FromSeconds(away), TimeSpan.FromSeconds(300)).ToString());

    [Theory, InlineData(ServerState.Dead, 0, "None"), InlineData(ServerState.Suspect, 59, "Expected")]
    public void Without_a_waiting_period_the_dead_are_given_up_at_once_and_the_suspect_are_not(
        ServerState state, int away, string worth) => Assert.Equal(worth, CopyKeeper.WorthOf(
            state, leavesItself: false, isRetired: false, TimeSpan.FromSeconds(away), TimeSpan.Zero).ToString());

    [Fact]
    public void A_file_that_is_well_costs_no_memory()
    {
        CopyKeeper[] keepers = Fleet(20);
        ushort[] home = Home(keepers);
        HealRule rule = new(keepers);
        HealNeed need = new();
        WantedCopies wanted = new(Digest, 100, 2, false);
        for (int warm = 0; warm < 100; warm++) rule.Decide(wanted, home, need);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int look = 0; look < 1000; look++) rule.Decide(wanted, home, need);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.True(need.IsHealthy);
    }

    private static HealNeed Decide(CopyKeeper[] keepers, ushort[] holders)
    {
        HealNeed need = new();
        new HealRule(keepers).Decide(new WantedCopies(Digest, 100, 2, false), holders, need);
        return need;
    }

    private static ushort[] Home(CopyKeeper[] keepers) =>
        [.. Decide(keepers, []).Targets.Select(server => (ushort)server).Order()];

    private static CopyKeeper[] Fleet(int servers) => [.. Enumerable.Range(0, servers).Select(number => new CopyKeeper
    {
        Worth = CopyWorth.Held, CanGive = true, IsPlace = true, IsHere = true, Free = 1000,
        Spot = Rendezvous.SpotOf([(byte)number, 7]), Weight = 100 + (50 * (number % 3)),
    })];

    private static FileDigest DigestOf(int file) => new(SHA256.HashData(BitConverter.GetBytes(file)));
}
