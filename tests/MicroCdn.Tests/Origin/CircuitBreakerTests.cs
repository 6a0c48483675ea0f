using MicroCdn.Origin;

namespace MicroCdn.Tests.Origin;

/// <summary>When an origin is left alone.</summary>
public sealed class CircuitBreakerTests
{
    private readonly CircuitBreaker _breaker = new();

    [Fact]
    public void Five_failures_in_a_row_end_all_asking_for_five_seconds()
    {
        for (int i = 0; i < 4; i++) Fail(i);
        Assert.True(_breaker.TryEnter(4, out _));
        Fail(4);
        Assert.False(_breaker.TryEnter(5_003, out _));
        Assert.True(_breaker.TryEnter(5_004, out bool isTrial));
        Assert.True(isTrial);
    }

    [Fact]
    public void A_success_between_failures_begins_the_row_anew()
    {
        for (int i = 0; i < 4; i++) Fail(i);
        _breaker.Succeeded(5);
        for (int i = 0; i < 4; i++) Fail(6);
        Assert.False(_breaker.IsOpen);
    }

    [Fact]
    public void When_most_of_many_fail_it_opens_without_five_in_a_row()
    {
        for (int i = 0; i < 6; i++)
        {
            Assert.False(_breaker.IsOpen);
            Fail(i);
            Fail(i);
            _breaker.Succeeded(i);
        }
        Fail(10);
        Fail(10);
        Assert.True(_breaker.IsOpen);
    }

    [Fact]
    public void One_trial_passes_at_a_time_and_each_that_fails_doubles_the_rest_up_to_thirty_seconds()
    {
        for (int i = 0; i < 5; i++) Fail(0);
        long now = 5_000;
        foreach (long rest in (long[])[10_000, 20_000, 30_000, 30_000])
        {
            Assert.True(_breaker.TryEnter(now, out bool isTrial) && isTrial);
            Assert.False(_breaker.TryEnter(now, out _));
            _breaker.Failed(now, wasTrial: true);
            Assert.False(_breaker.TryEnter(now + rest - 1, out _));
            now += rest;
        }
        Assert.True(_breaker.TryEnter(now, out _));
        _breaker.Succeeded(now);
        Assert.True(_breaker.TryEnter(now, out bool last) && !last);
        for (int i = 0; i < 5; i++) Fail(now);
        Assert.True(_breaker.TryEnter(now + 5_000, out _));
    }

    [Fact]
    public void A_trial_that_nobody_waits_for_any_more_lets_the_next_one_try()
    {
        for (int i = 0; i < 5; i++) Fail(0);
        Assert.True(_breaker.TryEnter(5_000, out bool isTrial));
        _breaker.GaveUp(isTrial);
        Assert.True(_breaker.TryEnter(5_000, out isTrial) && isTrial);
    }

    [Fact]
    public void Failures_that_were_under_way_do_not_make_the_rest_longer()
    {
        for (int i = 0; i < 100; i++) Fail(0);
        Assert.True(_breaker.TryEnter(5_000, out _));
    }

    private void Fail(long now) => _breaker.Failed(now, wasTrial: false);
}
