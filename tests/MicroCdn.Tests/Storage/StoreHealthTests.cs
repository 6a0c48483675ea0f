using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

// What the disk really refuses is in ClusterTests, by strace.
public sealed class StoreHealthTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_store_that_the_disk_failed_takes_nothing_more_and_says_so_once()
    {
        StoreHealth health = new(_said.Add);
        LineFile lines = new(_folder["lines"], health);
        KeptFolder kept = new(_folder["kept"], health);
        using AtomicFile begun = kept.Create();
        lines.Append("one\n"u8);

        health.Fail("state/digests", new NotDurableException("fsync: Input/output error", 5));
        health.Fail("state/scrub", new NotDurableException("fsync: Input/output error", 5));
        Assert.Equal(health.Trouble, Assert.Single(_said));
        Assert.Contains("state/digests", health.Trouble, StringComparison.Ordinal);
        Assert.Throws<StoreReadOnlyException>(() => lines.Append("two\n"u8));
        Assert.Throws<StoreReadOnlyException>(() => lines.Replace("two\n"u8));
        Assert.Throws<StoreReadOnlyException>(() => kept.Create());
        Assert.Throws<StoreReadOnlyException>(() => begun.Commit());
        Assert.Throws<StoreReadOnlyException>(() => AtomicFile.Create(_folder["other"], health));
        Assert.Equal("one\n", File.ReadAllText(_folder["lines"]));
        Assert.Equal(["kept", "lines"], _folder.Names());
    }

    [Fact]
    public void Another_store_goes_on()
    {
        new StoreHealth(_said.Add).Fail("x", new NotDurableException("fsync", 5));
        LineFile lines = new(_folder["lines"], new StoreHealth(_said.Add));
        lines.Replace("one\n"u8);
        Assert.Equal("one\n", File.ReadAllText(_folder["lines"]));
    }
}
