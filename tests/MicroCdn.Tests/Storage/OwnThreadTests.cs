using MicroCdn.Storage;

namespace MicroCdn.Tests.Storage;

public sealed class OwnThreadTests
{
    [Fact]
    public async Task Nobodys_work_waits_for_the_end_of_anothers()
    {
        using Barrier all = new(20);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => OwnThread.RunAsync(all.SignalAndWait)));
        // And once more, on the threads of the first.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => OwnThread.RunAsync(all.SignalAndWait)));
    }

    [Fact]
    public async Task Work_that_fails_says_so_and_ends_no_thread()
    {
        await Assert.ThrowsAsync<IOException>(() => OwnThread.RunAsync(() => throw new IOException("full")));
        bool isDone = false;
        await OwnThread.RunAsync(() => isDone = true);
        Assert.True(isDone);
    }

    [Fact]
    public async Task It_runs_on_no_thread_of_the_pool()
    {
        bool isOfPool = true;
        await OwnThread.RunAsync(() => isOfPool = Thread.CurrentThread.IsThreadPoolThread);
        Assert.False(isOfPool);
    }
}
