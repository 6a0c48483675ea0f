using MicroCdn.Client;

namespace MicroCdn.Tests.Client;

// Times are milliseconds since the download began.
public sealed class CrewTests
{
    private static readonly Func<Candidate, bool> Plenty = _ => true;

    [Fact]
    public void The_first_server_of_the_list_is_asked_first_and_alone()
    {
        Crew crew = Of(1, "a", "b", "c");
        Assert.Equal(["a"], Start(crew, 0));
        crew.Couriers[0].Hear(At(10));
        Assert.Empty(Start(crew, 400));
    }

    [Theory]
    [InlineData(299, 0)]
    [InlineData(300, 1)]
    public void Who_has_not_answered_within_300_ms_is_joined_by_the_next(int now, int started)
    {
        Crew crew = Of(1, "a", "b", "c");
        Start(crew, 0);
        Assert.Equal(started, Start(crew, now).Length);
        Assert.Equal(At(300), Of(1).NextLook(At(0)) ?? At(300));
    }

    [Theory]
    [InlineData(1699, 0)]
    [InlineData(1700, 1)]
    public void Who_brings_nothing_for_700_ms_is_joined_by_the_next(int now, int started)
    {
        Crew crew = Of(1, "a", "b", "c");
        Start(crew, 0);
        crew.Couriers[0].Hear(At(1000));
        Assert.Equal(At(1700), crew.NextLook(At(1000)));
        Assert.Equal(started, Start(crew, now).Length);
    }

    [Fact]
    public void One_that_fails_is_replaced_at_once_and_asked_again_after_three_seconds()
    {
        Crew crew = Of(1, "a", "b");
        Start(crew, 0);
        crew.End(crew.Couriers[0], Outcome.Failed, At(5));
        Assert.Equal(["b"], Start(crew, 5));
        crew.End(crew.Couriers[0], Outcome.Failed, At(6));
        Assert.Empty(Start(crew, 3004));
        Assert.False(crew.HasHope(At(3004), Plenty));
        Assert.Equal(["a"], Start(crew, 3005));
    }

    [Fact]
    public void A_large_file_gets_one_more_server_each_300_ms_up_to_the_wanted_number()
    {
        Crew crew = Of(3, "a", "b", "c", "d");
        List<string> started = [];
        for (int now = 0; now < 2000; now += 100)
        {
            started.AddRange(Start(crew, now));
            foreach (Courier courier in crew.Couriers) courier.Hear(At(now));
            Assert.Equal(Math.Min(3, 1 + (now / 300)), crew.Couriers.Count);
        }
        Assert.Equal(["a", "b", "c"], started);
    }

    [Fact]
    public void Servers_that_do_not_answer_are_never_waited_for_without_bound()
    {
        Crew crew = Of(1, [.. Enumerable.Range(0, 50).Select(n => $"{n}")]);
        for (int now = 0; now < 9000; now += 50) Start(crew, now);
        Assert.Equal(4, crew.Couriers.Count);
        Assert.Equal(["0"], crew.CallBack(At(10_000)).Select(courier => courier.Candidate.Holder.Id));
        Assert.Equal(["1"], crew.CallBack(At(10_300)).Select(courier => courier.Candidate.Holder.Id));
    }

    [Fact]
    public void What_went_wrong_with_a_server_is_remembered_in_the_order()
    {
        Crew crew = Of(1, "wrong", "failed", "overtaken", "good");
        foreach (Outcome outcome in new[] { Outcome.Wrong, Outcome.Failed, Outcome.Overtaken, Outcome.Done })
        {
            Candidate next = crew.Candidates.First(one => one.Last is null);
            Courier courier = crew.Start(At(0), one => one == next)!;
            crew.End(courier, outcome, At(0));
        }
        List<string> order = [];
        while (crew.Start(At(4000 + (400 * order.Count)), Plenty) is { } courier)
        {
            order.Add(courier.Candidate.Holder.Id);
        }
        Assert.Equal(["good", "overtaken", "failed", "wrong"], order);
    }

    [Fact]
    public void A_server_that_sent_three_wrong_chunks_is_out()
    {
        Crew crew = Of(1, "a");
        for (int time = 0; time < 3; time++)
        {
            Assert.Equal(["a"], Start(crew, time));
            crew.End(crew.Couriers[0], Outcome.Wrong, At(time));
        }
        Assert.Empty(Start(crew, 60_000));
    }

    [Fact]
    public void A_server_that_sends_more_right_chunks_than_wrong_ones_is_not_out()
    {
        Crew crew = Of(1, "a");
        crew.Candidates[0].Delivered = 3 * 1024 * 1024;
        for (int time = 0; time < 4; time++)
        {
            Assert.Equal(["a"], Start(crew, time));
            crew.End(crew.Couriers[0], Outcome.Wrong, At(time));
        }
        Assert.Empty(Start(crew, 60_000));
    }

    [Theory]
    [InlineData(1, 2900, 0)]
    [InlineData(1, 3100, 1)]
    [InlineData(10_000, 3100, 1)]
    [InlineData(20_000, 6000, 0)]
    public void Who_brings_a_chunk_drop_by_drop_is_joined_by_the_next_after_three_seconds(
        int bytes, int until, int started)
    {
        Crew crew = Of(1, "a", "b");
        Start(crew, 0);
        Courier courier = crew.Couriers[0];
        courier.Hear(At(0));
        courier.Begin(At(0));
        for (int now = 500; now <= until; now += 500) courier.Hear(At(now), bytes);
        Assert.Equal(started, Start(crew, until).Length);
        // The next chunk is another matter.
        courier.Wait(At(until));
        Assert.True(courier.IsCountedOn(At(until)));
    }

    [Fact]
    public void Who_is_not_in_the_newest_list_is_not_asked_and_who_is_new_is()
    {
        Crew crew = Of(1, "a", "b");
        crew.Take([new Holder("c", "c", 1), new Holder("b", "b", 1)]);
        Assert.Equal(["c"], Start(crew, 0));
        Assert.Equal(["b"], Start(crew, 300));
        Assert.Empty(Start(crew, 600));
    }

    [Fact]
    public void A_courier_is_not_needed_while_another_one_brings_enough()
    {
        Crew crew = Of(1, "a", "b");
        Start(crew, 0);
        Courier first = crew.Couriers[0];
        Start(crew, 300);
        Courier second = crew.Couriers[1];
        second.Hear(At(310));
        Assert.True(crew.IsNeeded(second, At(310)));
        first.Hear(At(320));
        Assert.False(crew.IsNeeded(first, At(320)));
        Assert.True(crew.IsNeeded(first, At(1100)));
    }

    private static TimeSpan At(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    private static Crew Of(int wanted, params string[] hosts)
    {
        Crew crew = new(wanted, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(3));
        crew.Take([.. hosts.Select(host => new Holder(host, host, 1))]);
        return crew;
    }

    private static string[] Start(Crew crew, int now)
    {
        List<string> started = [];
        while (crew.Start(At(now), Plenty) is { } courier) started.Add(courier.Candidate.Holder.Id);
        return [.. started];
    }
}
