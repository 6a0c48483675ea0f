using CsCheck;
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
    public void A_few_resets_beside_answers_never_end_the_asking()
    {
        for (int i = 0; i < 300; i++) _breaker.Succeeded(i * 10);
        for (int i = 0; i < 9; i++) Fail(3_000);
        Assert.False(_breaker.IsOpen);
    }

    [Fact]
    public void More_failures_than_answers_within_ten_seconds_end_it_without_a_row()
    {
        for (int i = 0; i < 4; i++)
        {
            _breaker.Succeeded(i);
            Fail(i);
        }
        Fail(10);
        Assert.True(_breaker.IsOpen);
    }

    [Fact]
    public void Fewer_than_five_failures_tell_nothing()
    {
        for (int i = 0; i < 4; i++) Fail(i);
        _breaker.Succeeded(5);
        Assert.False(_breaker.IsOpen);
    }

    [Fact]
    public void An_origin_that_was_busy_and_dies_is_left_alone_when_its_answers_are_ten_seconds_old()
    {
        for (int i = 0; i < 10_000; i++) _breaker.Succeeded(i);
        for (int i = 0; i < 5; i++) Fail(18_999);
        Assert.False(_breaker.IsOpen);
        Fail(19_000);
        Assert.True(_breaker.IsOpen);
    }

    [Fact]
    public void An_origin_that_is_asked_seldom_is_down_after_five_failures_in_a_row()
    {
        _breaker.Succeeded(0);
        for (int i = 1; i <= 4; i++) Fail(i * 60_000);
        Assert.False(_breaker.IsOpen);
        Fail(300_000);
        Assert.True(_breaker.IsOpen);
    }

    [Fact]
    public void It_opens_exactly_when_a_list_of_all_outcomes_says_so() =>
        Gen.Select(Gen.Int[0, 3_000], Gen.Int[0, 9]).Array[0, 60].Select(Gen.Int[1, 9]).Sample((steps, health) =>
        {
            CircuitBreaker breaker = new();
            List<(long Second, bool HasFailed)> all = [];
            long now = 0;
            foreach ((int later, int chance) in steps)
            {
                now += later;
                bool hasFailed = chance >= health;
                all.Add((now / 1000, hasFailed));
                if (hasFailed) breaker.Failed(now, wasTrial: false);
                else breaker.Succeeded(now);
                int failed = all.Count(one => one.HasFailed && one.Second > (now / 1000) - 10);
                int succeeded = all.Count(one => !one.HasFailed && one.Second > (now / 1000) - 10);
                bool isRow = all.Count >= 5 && all.TakeLast(5).All(one => one.HasFailed) && succeeded == 0;
                bool opens = hasFailed && ((failed >= 5 && failed > succeeded) || isRow);
                if (breaker.IsOpen != opens) return false;
                if (opens) return true;
            }
            return true;
        });

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
