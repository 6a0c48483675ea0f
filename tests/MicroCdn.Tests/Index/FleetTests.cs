using System.Net;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

// The rules of belief stand in Fleet's remarks.
public sealed class FleetTests
{
    private static readonly ServerId Id = Names.Id("CS1");
    private readonly FakeTimeProvider _time = new();
    private readonly Fleet _fleet;
    private readonly Juror _monitor = new("monitor:6001", isVersion1: true);

    public FleetTests()
    {
        _fleet = new Fleet(_time);
        _fleet.Seat(_monitor);
        _fleet.Hear(_monitor, [], _time.GetTimestamp());
    }

    [Fact]
    public void A_server_is_alive_from_its_registration_on_and_not_before()
    {
        Server server = _fleet.Enlist(Id)!;
        Assert.False(server.IsAsked);
        Register();
        Assert.True(server.IsAsked);
        Assert.False(_fleet.SomeoneIsDead);
    }

    [Fact]
    public void A_server_keeps_its_number()
    {
        Assert.Equal(0, _fleet.Enlist(Id)!.Number);
        Assert.Equal(1, _fleet.Enlist(Names.Id("CS2"))!.Number);
        Assert.Same(_fleet.Servers[0], _fleet.Enlist(Id));
        Assert.Same(_fleet.Servers[0], _fleet.Find(Id));
        Assert.Null(_fleet.Find(Names.Id("cs1")));
    }

    [Fact]
    public void A_SERVER_DOWN_is_believed_at_once_and_is_news_once()
    {
        Register();
        Assert.True(_fleet.MarkDead(Id));
        Assert.False(_fleet.Servers[0].IsAsked);
        Assert.True(_fleet.SomeoneIsDead);
        Assert.False(_fleet.MarkDead(Id));
        Assert.False(_fleet.MarkDead(Names.Id("stranger")));
        Assert.Single(_fleet.Servers);
    }

    [Fact]
    public void A_new_registration_brings_a_dead_server_back()
    {
        Register();
        _fleet.MarkDead(Id);
        Register();
        Assert.True(_fleet.Servers[0].IsAsked);
    }

    [Fact]
    public void A_monitor_that_lists_it_alive_again_brings_it_back()
    {
        Register();
        _fleet.MarkDead(Id);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([_fleet.Servers[0]], Hear(alive: true));
        Assert.True(_fleet.Servers[0].IsAsked);
        Assert.Empty(Hear(alive: true));
    }

    [Fact]
    public void A_list_asked_for_before_the_SERVER_DOWN_does_not_bring_it_back()
    {
        Register();
        long askedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _fleet.MarkDead(Id);
        Assert.Empty(Hear(alive: true, askedAt));
        Assert.False(_fleet.Servers[0].IsAsked);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Single(Hear(alive: true));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(9_999, true)]
    [InlineData(10_000, true)]
    [InlineData(10_001, false)]
    public void For_ten_seconds_a_registration_outweighs_a_list_that_calls_it_dead(int milliseconds, bool alive)
    {
        Register();
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal(alive ? 0 : 1, Hear(alive: false).Count);
        Assert.Equal(alive, _fleet.Servers[0].IsAsked);
    }

    [Fact]
    public void A_list_asked_for_before_the_registration_does_not_kill()
    {
        Register();
        _time.Advance(TimeSpan.FromSeconds(60));
        long askedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(2));
        Register();
        Assert.Empty(Hear(alive: false, askedAt));
        Assert.True(_fleet.Servers[0].IsAsked);
    }

    [Fact]
    public void A_SERVER_DOWN_is_believed_even_right_after_a_registration()
    {
        Register();
        Assert.True(_fleet.MarkDead(Id));
        Assert.False(_fleet.Servers[0].IsAsked);
    }

    [Fact]
    public void A_list_adds_nobody_and_brings_back_nobody_who_never_registered()
    {
        _fleet.Enlist(Id);
        Assert.Empty(Hear(alive: true));
        Assert.False(_fleet.Servers[0].IsAsked);
        Assert.False(_fleet.SomeoneIsDead);
        _fleet.Hear(_monitor, [new ServerRow(Names.Id("CS2"), "h", 1, 0, true)], _time.GetTimestamp());
        Assert.Single(_fleet.Servers);
    }

    [Fact]
    public void Loads_come_from_lists_and_from_the_server_itself()
    {
        Register();
        _fleet.Hear(_monitor, [new ServerRow(Id, "h", 1, 12, true)], _time.GetTimestamp());
        Assert.Equal(12, _fleet.Servers[0].Load);
        Assert.True(_fleet.UpdateLoad(Id, 3));
        Assert.Equal(3, _fleet.Servers[0].Load);
        Assert.False(_fleet.UpdateLoad(Names.Id("CS2"), 3));
    }

    [Fact]
    public void Recent_answers_weigh_like_downloads_and_are_forgotten_in_some_seconds()
    {
        Register();
        Server server = _fleet.Servers[0];
        long idle = server.Burden;
        server.Load = 1;
        long one = server.Burden - idle;
        server.Load = 0;
        for (int answer = 0; answer < 100; answer++) server.CountAnswer();
        Assert.Equal(100 * one, server.Burden);
        for (int second = 0; second < 3; second++) _fleet.Forget();
        Assert.InRange(server.Burden, 30 * one, 50 * one);
        for (int second = 0; second < 60; second++) _fleet.Forget();
        Assert.Equal(idle, server.Burden);
    }

    [Fact]
    public void A_full_fleet_takes_no_more()
    {
        for (int number = 0; number < Limits.Servers; number++) Assert.NotNull(_fleet.Enlist(Names.Id($"S{number}")));
        Assert.Null(_fleet.Enlist(Names.Id("one-more")));
        Assert.NotNull(_fleet.Enlist(Names.Id("S0")));
    }

    private void Register() =>
        _fleet.Registered(_fleet.Enlist(Id)!, new Contact(Id, IPAddress.Parse("10.0.0.5"), 7001, 7002));

    private List<Server> Hear(bool alive, long? askedAt = null) =>
        _fleet.Hear(_monitor, [new ServerRow(Id, "10.0.0.5", 7001, 0, alive)], askedAt ?? _time.GetTimestamp());
}
