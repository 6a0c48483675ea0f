using MicroCdn.Content;

namespace MicroCdn.Tests.Content;

public sealed class LatchTests
{
    private readonly Latch _latch = new();

    [Fact]
    public async Task Whoever_waits_goes_on_when_it_is_so()
    {
        Task waiting = _latch.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(_latch.Is);
        _latch.Is = false;
        Assert.False(waiting.IsCompleted);
        _latch.Is = true;
        await waiting;
        Assert.True(_latch.Is);
        // Said twice it is said once.
        _latch.Is = true;
        Assert.True(_latch.WaitAsync(TestContext.Current.CancellationToken).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task It_may_be_so_no_more_and_then_again()
    {
        _latch.Is = true;
        _latch.Is = false;
        Assert.False(_latch.Is);
        Task waiting = _latch.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        _latch.Is = true;
        await waiting;
    }

    [Fact]
    public async Task Whoever_gives_up_takes_nobody_along()
    {
        using CancellationTokenSource end = new();
        Task given = _latch.WaitAsync(end.Token), other = _latch.WaitAsync(TestContext.Current.CancellationToken);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        _latch.Is = true;
        await other;
    }
}
