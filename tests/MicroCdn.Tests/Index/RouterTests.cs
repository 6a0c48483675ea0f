using System.Net;
using CsCheck;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

public sealed class RouterTests
{
    private static readonly Asker OverIPv4 = new(null, OverIPv4: true);

    private readonly FakeTimeProvider _time = new();
    private readonly Router _router;

    public RouterTests() => _router = new Router(new Catalog(1), new Fleet(_time), new Chance(1));

    [Fact]
    public void A_dead_server_is_never_chosen()
    {
        Gen.Select(Gen.Bool.Array[1, 8], Gen.Int[0, 50].Array[8]).Sample((alive, loads) =>
        {
            Router router = new(new Catalog(1), new Fleet(_time), new Chance(1));
            for (int number = 0; number < alive.Length; number++)
            {
                Server server = Add(router, $"CS{number}", "10.0.0.5", "a");
                server.Load = loads[number];
                if (!alive[number]) router.Fleet.MarkDead(server.Id);
            }
            for (int ask = 0; ask < 100; ask++)
            {
                Server? chosen = router.Choose("a"u8, OverIPv4, out _, out _);
                if (chosen is null ? alive.Contains(true) : !chosen.IsAsked) return false;
            }
            return true;
        }, iter: 100);
    }

    [Fact]
    public void Of_two_that_have_the_file_the_less_loaded_is_chosen_and_nothing_is_left_to_chance()
    {
        Add("CS1", "10.0.0.1", "a").Load = 50;
        Add("CS2", "10.0.0.2", "a").Load = 20;
        Add("CS3", "10.0.0.3", "b").Load = 0;
        Server dead = Add("CS4", "10.0.0.4", "a");
        _router.Fleet.MarkDead(dead.Id);
        for (int ask = 0; ask < 30; ask++) Assert.Equal("CS2", Choose("a"));
        Assert.Equal("CS1", Choose("a"));
        Assert.Equal("CS3", Choose("b"));
        Assert.Null(Choose("c"));
    }

    [Fact]
    public void Of_three_the_most_loaded_is_never_chosen()
    {
        Add("CS1", "10.0.0.1", "a").Load = 500;
        Add("CS2", "10.0.0.2", "a").Load = 200;
        Add("CS3", "10.0.0.3", "a").Load = 900;
        string?[] chosen = [.. Enumerable.Range(0, 200).Select(_ => Choose("a"))];
        Assert.DoesNotContain("CS3", chosen);
        Assert.InRange(chosen.Count(id => id == "CS2"), 100, 160);
    }

    // Issue 2, 3: "so that a burst between two heartbeats spreads instead of herding"
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void A_burst_between_two_reports_spreads_evenly_over_equal_servers(int servers)
    {
        for (int number = 0; number < servers; number++) Add($"CS{number}", "10.0.0.5", "a");
        Dictionary<string, int> answers = [];
        for (int ask = 0; ask < 1_000; ask++)
        {
            string chosen = Choose("a")!;
            answers[chosen] = answers.GetValueOrDefault(chosen) + 1;
            // The counts age once a second, in the midst of the burst.
            if (ask % 300 == 299) _router.Fleet.Forget();
        }
        Assert.Equal(servers, answers.Count);
        Assert.All(answers.Values, count => Assert.InRange(count, 1_000.0 / servers * 0.97, 1_000.0 / servers * 1.03));
    }

    [Fact]
    public void A_burst_fills_the_idle_server_up_to_the_busy_one_and_then_both()
    {
        Add("busy", "10.0.0.1", "a").Load = 60;
        Add("idle", "10.0.0.2", "a");
        string?[] chosen = [.. Enumerable.Range(0, 100).Select(_ => Choose("a"))];
        Assert.All(chosen[..60], id => Assert.Equal("idle", id));
        Assert.InRange(chosen[60..].Count(id => id == "busy"), 19, 21);
    }

    [Fact]
    public void An_asker_over_IPv4_gets_a_server_with_an_IPv4_address()
    {
        Add("six", "2001:db8::5", "a", "only-six");
        Add("four", "10.0.0.5", "a").Load = 100;
        Assert.Equal("four", Choose("a", overIPv4: true));
        Assert.Equal("six", Choose("a", overIPv4: false));
        Assert.Null(Choose("only-six", overIPv4: true));
        Add("mapped", "::ffff:10.0.0.6", "b");
        Add("here", "::1", "c");
        Assert.Equal("mapped", Choose("b", overIPv4: true));
        Assert.Equal("here", Choose("c", overIPv4: true));
    }

    [Fact]
    public void A_server_enlisted_while_a_client_asks_costs_the_client_nothing()
    {
        Add("CS1", "10.0.0.1", "a");
        // Its list is in place before this asker's table of servers shows it.
        _router.Catalog.Replace(5, Lists.Of(("a", 1)));
        Assert.Equal("CS1", Choose("a"));
        _router.Catalog.Replace(6, Lists.Of(("a", 2)));
        Assert.Equal("CS1", Choose("a"));
        _router.Catalog.Replace(7, Lists.Of(("b", 2)));
        Assert.Null(Choose("b"));
    }

    [Fact]
    public void The_answer_names_size_and_contact()
    {
        Add("CS1", "10.0.0.1", "a");
        Assert.Equal("CS1", _router.Choose("a"u8, OverIPv4, out long size, out Contact? contact)?.Id.Value);
        Assert.Equal(1, size);
        Assert.Equal((IPAddress.Parse("10.0.0.1"), 7001, 7002), (contact!.Address, contact.TcpPort, contact.UdpPort));
    }

    [Fact]
    public void Ten_thousand_look_ups_allocate_nothing()
    {
        for (int number = 0; number < 3; number++) Add($"CS{number}", "10.0.0.5", "plain", "with space");
        byte[][] asked = ["plain"u8.ToArray(), "with%20space"u8.ToArray(), "nothing"u8.ToArray(),
            "not%20here"u8.ToArray()];
        Ask(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Ask(10_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Ask(int times)
        {
            for (int time = 0; time < times; time++)
            {
                foreach (byte[] name in asked) _router.Choose(name, OverIPv4, out _, out _);
            }
        }
    }

    private string? Choose(string name, bool overIPv4 = true) =>
        _router.Choose(name.Utf8(), new Asker(null, overIPv4), out _, out _)?.Id.Value;

    private Server Add(string id, string address, params string[] files) => Add(_router, id, address, files);

    private static Server Add(Router router, string id, string address, params string[] files)
    {
        ServerId name = Names.Id(id);
        Server server = router.Fleet.Enlist(name)!;
        router.Catalog.Replace(server.Number, Lists.Of(files.Select(file => (file, 1L))));
        router.Fleet.Registered(server, new Contact(name, IPAddress.Parse(address), 7001, 7002));
        return server;
    }
}
