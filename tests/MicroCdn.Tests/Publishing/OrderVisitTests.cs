using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Publishing;

public sealed class OrderVisitTests
{
    private readonly OrderVisit _visit;
    private int _words;

    public OrderVisitTests()
    {
        ServerId.TryCreate("CS1", out ServerId id);
        _visit = new OrderVisit(id, _ => default);
    }

    [Fact]
    public void What_is_to_be_shown_does_not_wait_behind_thousands_of_files_to_fetch()
    {
        for (int number = 0; number < 5_000; number++) _visit.Enqueue(Order(OrderKind.Fetch));
        Assert.Equal(OrderDesk.MostFetching, GiveAll(OrderKind.Fetch));
        Assert.False(_visit.HasNext);
        _visit.Enqueue(Order(OrderKind.Show));
        Assert.Equal(1, GiveAll(OrderKind.Show));
        Assert.False(_visit.HasNext);
        Assert.NotNull(_visit.Take("1"));
        Assert.True(_visit.HasNext);
        Assert.Equal(1, GiveAll(OrderKind.Fetch));
    }

    [Fact]
    public void No_more_is_given_than_a_server_has_at_once_and_all_is_handed_back_at_the_end()
    {
        for (int number = 0; number < 2_000; number++) _visit.Enqueue(Order(OrderKind.Drop));
        Assert.Equal(OrderDesk.MostGiven, GiveAll(OrderKind.Drop));
        Assert.Null(_visit.Take("none of these"));
        Assert.Equal(2_000, _visit.TakeAll().Count);
        Assert.Equal(0, _visit.Waiting);
        Assert.False(_visit.HasNext);
    }

    [Fact]
    public void Orders_that_belong_together_stay_in_one_answer()
    {
        _visit.Enqueue(new PendingOrder([new OrderLine(OrderKind.Show, ""), new OrderLine(OrderKind.Show, "")], []));
        Assert.False(_visit.TryNext(1, out _));
        Assert.True(_visit.TryNext(2, out _));
    }

    private static PendingOrder Order(OrderKind kind) => new([new OrderLine(kind, "")], []);

    private int GiveAll(OrderKind kind)
    {
        int given = 0;
        for (; _visit.TryNext(OrderLine.MostLines, out PendingOrder? next); given++)
        {
            Assert.Equal(kind, next.Orders[0].Kind);
            _visit.Give($"{++_words}", next);
        }
        return given;
    }
}
