using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// Thaler and Ravishankar, 1998.
public sealed class RendezvousTests
{
    private static readonly ulong[] Keys =
        [.. Enumerable.Range(0, 20_000).Select(number => Rendezvous.SpotOf($"/pages/{number}.html".Utf8()))];

    private static readonly Gen<ulong[]> Servers = Gen.Int[2, 12].Select(count =>
        Enumerable.Range(0, count).Select(number => Rendezvous.SpotOf($"CS{number}".Utf8())).ToArray());

    [Fact]
    public void When_a_server_leaves_its_own_keys_move_and_no_others() =>
        Gen.Select(Servers, Gen.Int[0, 11], Gen.ULong).Sample((servers, number, key) =>
        {
            ulong gone = servers[number % servers.Length];
            ulong before = HomeOf(key, servers), after = HomeOf(key, [.. servers.Where(server => server != gone)]);
            return before == gone ? after != gone : after == before;
        }, iter: 2_000);

    [Fact]
    public void A_server_that_comes_takes_its_share_from_all_and_nothing_else_moves() => Servers.Sample(servers =>
    {
        ulong newcomer = Rendezvous.SpotOf("newcomer"u8);
        ulong[] more = [.. servers, newcomer];
        int moved = 0;
        foreach (ulong key in Keys)
        {
            ulong after = HomeOf(key, more);
            if (after == newcomer) moved++;
            else if (after != HomeOf(key, servers)) return false;
        }
        return Math.Abs(moved - (Keys.Length / more.Length)) < Keys.Length / more.Length / 8;
    }, iter: 20);

    [Fact]
    public void Each_server_has_as_many_keys_as_its_weight_says()
    {
        int[] weights = [100, 100, 50, 300, 1];
        int[] counts = new int[weights.Length];
        foreach (ulong key in Keys)
        {
            counts[Enumerable.Range(0, weights.Length).MinBy(server =>
                Rendezvous.Distance(key, Rendezvous.SpotOf($"CS{server}".Utf8()), weights[server]))]++;
        }
        for (int server = 0; server < weights.Length; server++)
        {
            double share = (double)Keys.Length * weights[server] / weights.Sum();
            Assert.InRange(counts[server], (share * 0.9) - 20, (share * 1.1) + 20);
        }
    }

    [Fact]
    public void Names_that_differ_in_one_letter_are_spread_like_any()
    {
        ulong[] servers = [.. "ABCDEFGH".Select(letter => Rendezvous.SpotOf($"edge-{letter}".Utf8()))];
        int[] counts = [.. Keys.CountBy(key => HomeOf(key, servers)).Select(pair => pair.Value)];
        Assert.Equal(servers.Length, counts.Length);
        Assert.All(counts, count => Assert.InRange(count, Keys.Length / 8 * 0.9, Keys.Length / 8 * 1.1));
    }

    // Several gateways, and gateways of several versions, must agree.
    [Fact]
    public void The_hash_is_the_same_in_every_process_and_for_ever()
    {
        Assert.Equal(0x1D48_0254_D9DF_A3DEUL, Rendezvous.SpotOf("/index.html"u8));
        Assert.Equal(0.0013161822798358903, Rendezvous.Distance(1, 2, 100), 1e-12);
    }

    private static ulong HomeOf(ulong key, ulong[] servers) =>
        servers.MinBy(server => Rendezvous.Distance(key, server));
}
