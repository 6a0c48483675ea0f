using MicroCdn.Protocol;

namespace MicroCdn.Tests.Protocol;

public sealed class ReplayWindowTests
{
    [Fact]
    public void A_number_is_taken_once()
    {
        ReplayWindow window = default;
        long[] numbers = [0, 1, 5, 3, 60, 8, long.MaxValue];
        foreach (long number in numbers) Assert.True(window.TryTake(number), $"{number}");
        foreach (long number in numbers) Assert.False(window.TryTake(number), $"{number}");
        Assert.False(window.TryTake(-1));
    }

    [Fact]
    public void What_is_64_behind_the_newest_is_too_old()
    {
        ReplayWindow window = default;
        Assert.True(window.TryTake(100));
        Assert.True(window.TryTake(100 - 63));
        Assert.False(window.TryTake(100 - 64));
    }

    [Fact]
    public void It_takes_what_a_list_of_all_numbers_would_take()
    {
        Random chance = new(7);
        for (int run = 0; run < 50; run++)
        {
            ReplayWindow window = default;
            HashSet<long> taken = [];
            long newest = -1;
            for (int n = 0; n < 500; n++)
            {
                long number = Math.Max(0, newest + chance.Next(-80, run % 2 == 0 ? 5 : 90));
                bool expected = number > newest - 64 && !taken.Contains(number);
                Assert.Equal(expected, window.TryTake(number));
                if (!expected) continue;
                taken.Add(number);
                newest = Math.Max(newest, number);
            }
        }
    }
}
