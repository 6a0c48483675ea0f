using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// docs/protocol.md, version 2: "Copies of one size whose digests differ are a dispute ..."
public sealed class CatalogDigestTests
{
    private readonly Catalog _catalog = new(7);
    private readonly Server[] _servers = Lists.Alive(8);

    [Fact]
    public void A_file_is_found_with_its_digest_and_time()
    {
        Tell(0, ("a", 10, "x"));
        Tell(1, ("a", 10, "x"), ("b", 5, ""));
        Assert.Equal((10, "x", "0,1"), Look("a"));
        Assert.Equal((5, "", "1"), Look("b"));
        Assert.Equal(7, StateOf("a").UnixSeconds);
        Assert.Equal(-1, StateOf("b").UnixSeconds);
    }

    [Fact]
    public void A_copy_without_a_digest_counts_with_those_of_its_size_and_is_offered_with_them()
    {
        Tell(0, ("a", 10, ""));
        Tell(1, ("a", 10, "x"));
        Tell(2, ("a", 10, ""));
        Assert.Equal((10, "x", "0,1,2"), Look("a"));
        Tell(3, ("a", 20, "z"));
        Tell(4, ("a", 20, "z"));
        Assert.Equal((10, "x", "0,1,2"), Look("a"));
        _servers[0].State = _servers[2].State = ServerState.Dead;
        Assert.Equal((20, "z", "3,4"), Look("a"));
    }

    [Fact]
    public void Where_digests_differ_the_majority_of_live_servers_is_the_file()
    {
        Tell(0, ("a", 10, "x"));
        Tell(1, ("a", 10, "x"));
        Assert.Single(Tell(2, ("a", 10, "y")));
        Assert.Equal((10, "x", "0,1"), Look("a"));
        _servers[0].State = ServerState.Dead;
        Assert.Equal((10, "y", "2"), Look("a"));
        _servers[0].State = ServerState.Alive;
        Assert.Empty(Tell(2, ("a", 10, "x")));
        Assert.Equal((10, "x", "0,1,2"), Look("a"));
    }

    [Fact]
    public void On_a_tie_the_digest_last_changed_is_the_file()
    {
        Tell(0, ("a", 10, "x"));
        Tell(1, ("a", 10, "y"));
        Assert.Equal((10, "y", "1"), Look("a"));
        Tell(0, ("a", 10, "x"));
        Assert.Equal((10, "y", "1"), Look("a"));
        Tell(0, ("a", 10, "z"));
        Assert.Equal((10, "z", "0"), Look("a"));
    }

    // A server that computes its digests slowly would otherwise win back every file that is disputed by size.
    [Fact]
    public void Learning_a_digest_is_no_change_of_the_file()
    {
        Tell(0, ("a", 10, ""));
        Tell(1, ("a", 20, ""));
        Assert.Equal((20, "", "1"), Look("a"));
        Tell(0, ("a", 10, "x"));
        Assert.Equal((20, "", "1"), Look("a"));
        Tell(1, ("a", 20, "y"));
        Assert.Equal((20, "y", "1"), Look("a"));
    }

    [Fact]
    public void A_file_edited_in_its_size_is_offered_from_both_until_its_new_digest_is_known()
    {
        Tell(0, ("a", 10, "x"));
        Tell(1, ("a", 10, "x"));
        Change(0, ("a", 10, ""));
        Assert.Equal((10, "x", "0,1"), Look("a"));
        Assert.Single(Change(0, ("a", 10, "y")));
        Assert.Equal((10, "y", "0"), Look("a"));
        Change(1, ("a", 10, ""));
        Assert.Equal((10, "y", "0,1"), Look("a"));
        Assert.Empty(Change(1, ("a", 10, "y")));
        Assert.Equal((10, "y", "0,1"), Look("a"));
    }

    [Fact]
    public void When_the_last_server_takes_its_digest_back_there_is_none()
    {
        Tell(0, ("a", 10, "x"));
        Tell(1, ("a", 10, ""));
        Tell(0, ("a", 10, ""));
        Assert.Equal((10, "", "0,1"), Look("a"));
        Tell(0, ("a", 10, "x"));
        Tell(0);
        Assert.Equal((10, "", "1"), Look("a"));
    }

    [Fact]
    public void Of_several_times_the_earliest_is_kept_and_a_lone_server_may_correct_its_own()
    {
        Time(0, 50);
        Time(1, 40);
        Time(0, 60);
        Assert.Equal(40, StateOf("a").UnixSeconds);
        _catalog.Change(1, Lists.Digested(("a", -1, "")));
        Time(0, 60);
        Assert.Equal(60, StateOf("a").UnixSeconds);

        void Time(int server, long time)
        {
            FileList list = new();
            list.Add("a"u8, new FileState(1, Lists.Digest("x"), time));
            _catalog.Change(server, list);
        }
    }

    [Fact]
    public void A_change_adds_and_removes_in_order_and_leaves_the_rest()
    {
        Tell(0, ("a", 1, ""), ("b", 2, "x"), ("c", 3, ""));
        Change(0, ("b", -1, ""), ("d", 4, "y"), ("c", 30, ""), ("gone", -1, ""), ("e", 5, ""), ("e", -1, ""));
        Assert.Equal((1, "", "0"), Look("a"));
        Assert.Null(Look("b"));
        Assert.Equal((30, "", "0"), Look("c"));
        Assert.Equal((4, "y", "0"), Look("d"));
        Assert.Null(Look("e"));
        Assert.Equal(3, _catalog.Count);
    }

    [Fact]
    public void Files_beyond_8_TiB_have_digests_too()
    {
        Tell(0, ("a", 1L << 50, "x"), ("b", 1L << 50, ""));
        Tell(1, ("a", 1L << 50, ""), ("b", 1L << 50, "y"));
        Assert.Equal((1L << 50, "x", "0,1"), Look("a"));
        Assert.Equal((1L << 50, "y", "0,1"), Look("b"));
        Tell(0);
        Assert.Equal((1L << 50, "", "1"), Look("a"));
    }

    [Fact]
    public void States_that_nobody_claims_any_more_make_room()
    {
        (string, long, string)[] files = [.. Enumerable.Range(0, 60_000).Select(n => ($"f{n}", (long)n, "x"))];
        CatalogTablesSeen seen = new();
        for (int round = 0; round < 6; round++)
        {
            Tell(0, [.. files.Select(file => (file.Item1, file.Item2, $"{round}"))]);
            seen.Look(_catalog);
            Assert.Equal((59_999, $"{round}", "0"), Look("f59999"));
        }
        Assert.True(seen.Compactions > 0, "six states of each file were kept");
        Assert.Equal(60_000, _catalog.Count);
    }

    [Fact]
    public async Task A_reader_sees_a_state_whole_while_it_changes()
    {
        Tell(0, ("a", 1, "1"));
        using CancellationTokenSource done = new();
        FileDigest[] digests = [.. Enumerable.Range(1, 3).Select(n => Lists.Digest($"{n}"))];
        Task<int> reader = Task.Run(() =>
        {
            int wrong = 0;
            while (!done.IsCancellationRequested)
            {
                // Every state of the file has the digest of its size.
                FileState state = StateOf("a");
                if (state.Digest != digests[state.Size - 1]) wrong++;
            }
            return wrong;
        });
        FileList[] lists = [.. Enumerable.Range(1, 3).Select(n => Lists.Digested(("a", n, $"{n}")))];
        for (int round = 0; round < 100_000; round++) _catalog.Change(round % 2, lists[round % 3]);
        await done.CancelAsync();
        Assert.Equal(0, await reader);
    }

    private List<int> Tell(int server, params (string, long, string)[] files) =>
        _catalog.Replace(server, Lists.Digested(files));

    private List<int> Change(int server, params (string, long, string)[] files) =>
        _catalog.Change(server, Lists.Digested(files));

    private FileState StateOf(string name)
    {
        Catalog.View view = _catalog.Now;
        view.Holders(view.Find(name.Utf8()), _servers, out FileState state);
        return state;
    }

    private (long, string, string)? Look(string name) => _catalog.LookFully(name, _servers) is not { } found ? null
        : (found.Size, WordOf(found.Digest), found.Servers);

    private static string WordOf(FileDigest digest) =>
        new[] { "", "x", "y", "z", "0", "1", "2", "3", "4", "5" }.First(word => Lists.Digest(word) == digest);

    private sealed class CatalogTablesSeen
    {
        private NameTable? _last;

        public int Compactions { get; private set; }

        public void Look(Catalog catalog)
        {
            NameTable now = catalog.Now.Names;
            if (_last is not null && now != _last) Compactions++;
            _last = now;
        }
    }
}
