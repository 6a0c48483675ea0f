using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

public sealed class CatalogTests
{
    private readonly Catalog _catalog = new(7);
    private readonly Server[] _servers = Lists.Alive(600);

    [Fact]
    public void A_file_is_found_with_its_size_and_all_its_holders()
    {
        Tell(2, ("a", 10), ("b", 0));
        Tell(0, ("a", 10));
        Assert.Equal((10, "0,2"), Look("a"));
        Assert.Equal((0, "2"), Look("b"));
        Assert.Null(Look("c"));
        Assert.Equal(2, _catalog.Count);
    }

    [Fact]
    public void A_new_list_replaces_the_whole_old_one()
    {
        Tell(0, ("a", 1), ("b", 2));
        Tell(1, ("b", 2));
        Tell(0, ("c", 3));
        Assert.Null(Look("a"));
        Assert.Equal((2, "1"), Look("b"));
        Assert.Equal((3, "0"), Look("c"));
        Assert.Equal(2, _catalog.Count);
        Tell(0);
        Assert.Equal(1, _catalog.Count);
    }

    [Fact]
    public void A_file_whose_only_holder_changes_its_size_has_the_new_one()
    {
        Tell(0, ("a", 1));
        Assert.Empty(Tell(0, ("a", 2)));
        Assert.Equal((2, "0"), Look("a"));
    }

    [Fact]
    public void A_name_told_twice_in_one_list_counts_once_with_its_last_size()
    {
        Tell(0, ("a", 1), ("a", 2));
        Assert.Equal((2, "0"), Look("a"));
        Assert.Equal(1, _catalog.Count);
    }

    [Fact]
    public void The_raw_words_are_looked_up_first_and_then_their_decoded_form()
    {
        Tell(0, ("a b", 1), ("a%20b", 2), ("c d", 3), ("100%", 4));
        Assert.Equal(1, Look("a b")?.Size);
        Assert.Equal(2, Look("a%20b")?.Size);
        Assert.Equal(2, Look("a%2520b")?.Size);
        Assert.Equal(3, Look("c%20d")?.Size);
        Assert.Equal(4, Look("100%")?.Size);
        Assert.Equal(4, Look("100%25")?.Size);
    }

    // Issue 2, 3: "the size that most live servers hold is the file"
    [Fact]
    public void Where_servers_disagree_the_size_of_the_majority_is_the_file()
    {
        Tell(0, ("a", 1));
        Tell(1, ("a", 1));
        Assert.Single(Tell(2, ("a", 2)));
        Assert.Equal((1, "0,1"), Look("a"));
        Assert.Single(Tell(3, ("a", 2)));
        Assert.Single(Tell(4, ("a", 2)));
        Assert.Equal((2, "2,3,4"), Look("a"));
    }

    [Fact]
    public void Dead_servers_have_no_vote()
    {
        Tell(0, ("a", 1));
        Tell(1, ("a", 1));
        Tell(2, ("a", 2));
        _servers[0].State = _servers[1].State = ServerState.Dead;
        Assert.Equal((2, "2"), Look("a"));
        _servers[0].State = _servers[1].State = ServerState.Alive;
        Assert.Equal((1, "0,1"), Look("a"));
    }

    // "... on a tie the one last changed (repeating an old announcement is no change)"
    [Fact]
    public void On_a_tie_the_size_last_changed_is_the_file()
    {
        Tell(0, ("a", 1));
        Tell(1, ("a", 2));
        Assert.Equal((2, "1"), Look("a"));
        Assert.Single(Tell(0, ("a", 1)));
        Assert.Equal((2, "1"), Look("a"));
        Tell(0, ("a", 3));
        Assert.Equal((3, "0"), Look("a"));
        Tell(1, ("a", 2));
        Assert.Equal((3, "0"), Look("a"));
    }

    [Fact]
    public void The_others_are_named_until_all_agree_again()
    {
        Tell(0, ("a", 1), ("b", 5));
        List<int> disputed = Tell(1, ("a", 2), ("b", 5));
        Assert.Equal("a", _catalog.Now.NameOf(Assert.Single(disputed)).Text());
        Assert.Equal([(1, "0"), (2, "1")],
            _catalog.Now.Claims(disputed[0])
            .Select(claim => ((int)claim.State.Size, string.Join(',', claim.Servers))));
        Assert.Empty(Tell(0, ("a", 2)));
        Assert.Equal((2, "0,1"), Look("a"));
    }

    [Fact]
    public void A_disputed_file_that_loses_its_holders_is_gone()
    {
        Tell(0, ("a", 1));
        Tell(1, ("a", 2));
        Tell(1);
        Assert.Equal((1, "0"), Look("a"));
        Tell(0);
        Assert.Null(Look("a"));
        Assert.Equal(0, _catalog.Count);
    }

    [Theory]
    [InlineData((1L << 44) - 1)]
    [InlineData(1L << 44)]
    [InlineData((1L << 44) + 1)]
    [InlineData(long.MaxValue)]
    public void Files_beyond_16_TiB_are_files_too(long size)
    {
        Tell(0, ("a", size));
        Tell(1, ("a", size));
        Assert.Equal((size, "0,1"), Look("a"));
        Assert.Equal(1, _catalog.Count);
        Tell(1, ("a", 0));
        Tell(0, ("a", 0));
        Assert.Equal((0, "0,1"), Look("a"));
        Tell(0);
        Tell(1);
        Assert.Null(Look("a"));
        Assert.Equal(0, _catalog.Count);
    }

    [Fact]
    public void Six_hundred_servers_may_hold_one_file()
    {
        foreach (Server server in _servers) Tell(server.Number, ("everywhere", 1), ($"own{server.Number}", 2));
        Assert.Equal((1, string.Join(',', Enumerable.Range(0, 600))), Look("everywhere"));
        foreach (Server server in _servers.Where(server => server.Number % 2 == 0)) Tell(server.Number);
        Assert.Equal((1, string.Join(',', Enumerable.Range(0, 600).Where(n => n % 2 == 1))), Look("everywhere"));
        Assert.Null(Look("own4"));
        Assert.Equal((2, "5"), Look("own5"));
    }

    [Fact]
    public void When_most_names_have_lost_their_holders_the_rest_is_kept()
    {
        Tell(1, ("kept", 1), ("disputed", 1), ("huge", 1L << 50));
        Tell(3, ("disputed", 1));
        Tell(2, ("disputed", 2));
        Tell(4, ("disputed", 2));
        // The last to change sides with 1: two against two, so 1 is the file.
        Tell(5, ("disputed", 1));
        Tell(5);
        Assert.Equal((1, "1,3"), Look("disputed"));
        Assert.Empty(_catalog.Replace(0, Lists.Of(Enumerable.Range(0, 120_000).Select(n => ($"folder/{n}", 1L)))));
        Assert.Equal(120_003, _catalog.Now.Names.Count);
        List<int> disputed = Tell(0, ("folder/7", 7), ("disputed", 9));
        Assert.Equal(4, _catalog.Now.Names.Count);
        Assert.Equal(4, _catalog.Count);
        Assert.Equal("disputed", _catalog.Now.NameOf(Assert.Single(disputed)).Text());
        Assert.Equal((1, "1"), Look("kept"));
        Assert.Equal((1L << 50, "1"), Look("huge"));
        Assert.Equal((7, "0"), Look("folder/7"));
        Assert.Null(Look("folder/8"));
        Assert.Equal((1, "1,3"), Look("disputed"));
    }

    [Fact]
    public async Task A_reader_never_misses_a_file_while_it_changes_between_agreement_and_dispute()
    {
        Tell(0, ("a", 1));
        using CancellationTokenSource done = new();
        Task<int> reader = Task.Run(() =>
        {
            int missed = 0;
            while (!done.IsCancellationRequested) missed += Look("a") is null ? 1 : 0;
            return missed;
        });
        FileList[] lists = [Lists.Of(("a", 2)), Lists.Of(("a", 1))];
        for (int round = 0; round < 100_000; round++) _catalog.Replace(1, lists[round % 2]);
        await done.CancelAsync();
        Assert.Equal(0, await reader);
    }

    private List<int> Tell(int server, params (string, long)[] files) => _catalog.Replace(server, Lists.Of(files));

    private (long Size, string Servers)? Look(string name) => _catalog.Look(name, _servers);
}
