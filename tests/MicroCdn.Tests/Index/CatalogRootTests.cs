using System.Runtime.CompilerServices;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// docs/protocol.md, "Chunks": copies of one digest whose roots differ are a dispute; one that told none agrees with
// any.
public sealed class CatalogRootTests
{
    private const long Large = 3_000_000;
    private readonly Catalog _catalog = new(7);
    private readonly Server[] _servers = Lists.Alive(8);

    [Fact]
    public void A_root_is_kept_whoever_tells_it_first()
    {
        Tell(0, "a", "");
        Assert.True(Look("a").Root.IsNone);
        Assert.Empty(Tell(1, "a", "r"));
        Assert.Equal(Lists.Digest("r"), Look("a").Root);
        Assert.Empty(Tell(2, "a", ""));
        Assert.Equal((Lists.Digest("r"), "0,1,2"), (Look("a").Root, Holders("a")));
    }

    [Fact]
    public void Another_root_is_another_file_and_the_majority_is_offered()
    {
        Tell(0, "a", "r");
        Tell(1, "a", "r");
        Assert.Single(Tell(2, "a", "wrong"));
        Assert.Equal((Lists.Digest("r"), "0,1"), (Look("a").Root, Holders("a")));
        _servers[0].State = _servers[1].State = ServerState.Dead;
        Assert.Equal((Lists.Digest("wrong"), "2"), (Look("a").Root, Holders("a")));
        _servers[0].State = ServerState.Alive;
        Assert.Empty(Tell(2, "a", "r"));
        Assert.Equal((Lists.Digest("r"), "0,1,2"), (Look("a").Root, Holders("a")));
    }

    [Fact]
    public void A_lone_server_may_correct_its_root()
    {
        Tell(0, "a", "r");
        Tell(0, "a", "other");
        Assert.Equal(Lists.Digest("other"), Look("a").Root);
    }

    [Fact]
    public void The_root_of_one_chunk_follows_from_its_digest_and_costs_nothing()
    {
        FileDigest digest = Lists.Digest("bytes");
        FileState small = new(5, digest, -1), empty = new(0, digest, -1), large = new(Large, digest, -1);
        Assert.Equal(Chunks.RootOfOne(5, digest), small.Root);
        Assert.NotEqual(small.Root, empty.Root);
        Assert.True(large.Root.IsNone);
        Assert.True(new FileState(5).Root.IsNone);
        // docs/benchmarks.md: what a digest costs in the catalog.
        Assert.Equal(64, Unsafe.SizeOf<FileVersions.Entry>());
    }

    [Fact]
    public void Roots_outlive_the_catalog_that_is_made_anew()
    {
        Tell(1, "kept", "r");
        for (int round = 0; round < 6; round++)
        {
            FileList list = new();
            for (int n = 0; n < 60_000; n++)
            {
                list.Add($"f{n}".Utf8(), new FileState(Large, Lists.Digest($"{round}"), -1, Lists.Digest($"r{n % 9}")));
            }
            _catalog.Replace(0, list);
            Assert.Equal(Lists.Digest("r1"), Look("f10").Root);
        }
        Assert.Equal(Lists.Digest("r"), Look("kept").Root);
    }

    private List<int> Tell(int server, string name, string root)
    {
        FileList list = new();
        list.Add(name.Utf8(), new FileState(Large, Lists.Digest("x"), 7, Lists.Digest(root)));
        return _catalog.Replace(server, list);
    }

    private FileState Look(string name)
    {
        Catalog.View view = _catalog.Now;
        view.Holders(view.Find(name.Utf8()), _servers, out FileState state);
        return state;
    }

    private string Holders(string name) => _catalog.Look(name, _servers)!.Value.Servers;
}
