using System.Security.Cryptography;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Publishing;

public sealed class PlacementTests
{
    private const long Gib = 1L << 30;
    private const int Files = 20_000;

    // Issue 6: "at most 1/n + 2 % of copies move"
    [Theory, InlineData(2), InlineData(3), InlineData(5), InlineData(20)]
    public void A_new_server_takes_its_share_and_nothing_else_moves(int servers)
    {
        CopyPlace[] before = Fleet(servers);
        CopyPlace[] after = Fleet(servers + 1);
        int moved = 0;
        foreach (FileDigest digest in Digests())
        {
            List<int> old = Choose(digest, before), now = Choose(digest, after);
            // Only the new one has what it had not before.
            Assert.DoesNotContain(now, place => place != servers && !old.Contains(place));
            moved += now.Except(old).Count();
        }
        double share = (double)moved / (2 * Files);
        Assert.InRange(share, 0, (1.0 / (servers + 1)) + 0.02);
        Assert.True(share > 0.8 / (servers + 1), $"the new server takes {share:P1} only");
    }

    [Fact]
    public void A_server_that_is_gone_sends_its_copies_to_all_the_others_alike()
    {
        CopyPlace[] all = Fleet(6), left = [.. all.Where(place => place.Number != 2)];
        int[] more = new int[6];
        foreach (FileDigest digest in Digests())
        {
            foreach (int place in Choose(digest, left).Except(Choose(digest, all))) more[place]++;
        }
        Assert.Equal(0, more[2]);
        double mean = more.Sum() / 5.0;
        Assert.All(more.Where((_, number) => number != 2), count => Assert.InRange(count, 0.9 * mean, 1.1 * mean));
    }

    [Fact]
    public void A_server_with_three_times_the_room_gets_three_times_the_copies()
    {
        CopyPlace[] fleet = Fleet(4);
        fleet[3] = fleet[3] with { Capacity = 300 * Gib };
        int[] copies = new int[4];
        foreach (FileDigest digest in Digests()) copies[Choose(digest, fleet, replicas: 1)[0]]++;
        Assert.InRange(copies[3], 0.47 * Files, 0.53 * Files);
    }

    [Fact]
    public void Copies_are_in_as_many_zones_as_there_are()
    {
        CopyPlace[] fleet = [.. Fleet(9).Select(place => place with { Zone = $"zone{place.Number / 3}" })];
        foreach (FileDigest digest in Digests().Take(500))
        {
            Assert.Equal(3, Choose(digest, fleet, replicas: 3, isSpread: true).DistinctBy(place => place / 3).Count());
            Assert.Equal([1, 1, 2], Choose(digest, fleet, replicas: 4, isSpread: true)
                .GroupBy(place => place / 3).Select(zone => zone.Count()).Order());
        }
    }

    [Fact]
    public void A_server_without_room_is_not_chosen_but_keeps_what_it_has()
    {
        CopyPlace[] fleet = Fleet(3);
        fleet[1] = fleet[1] with { Free = 9 };
        foreach (FileDigest digest in Digests().Take(500))
        {
            Assert.Equal([0, 2], Choose(digest, fleet, size: 10).Order());
            List<int> unlimited = Choose(digest, Fleet(3), size: 10);
            Assert.Equal(unlimited,
                Placement.Choose(digest, 10, 2, false, fleet, holds: place => place == 1));
        }
    }

    [Fact]
    public void Fewer_servers_than_copies_have_one_each()
    {
        FileDigest digest = Digests().First();
        Assert.Equal([0, 1], Choose(digest, Fleet(2), replicas: 5).Order());
        Assert.Empty(Choose(digest, []));
    }

    private static CopyPlace[] Fleet(int count) => [.. Enumerable.Range(0, count).Select(number =>
        new CopyPlace(number, Rendezvous.SpotOf($"CS{number}".Utf8()), 100 * Gib, 50 * Gib, ""))];

    private static List<int> Choose(
        FileDigest digest, CopyPlace[] places, int replicas = 2, long size = 1, bool isSpread = false) =>
        Placement.Choose(digest, size, replicas, isSpread, places, holds: _ => false);

    private static IEnumerable<FileDigest> Digests() => Enumerable.Range(0, Files)
        .Select(number => new FileDigest(SHA256.HashData($"{number}".Utf8())));
}
