using MicroCdn.Content;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Origin;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Origin;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

/// <summary>Caches that are asked before the origin, over real sockets.</summary>
public sealed class ShieldTests
{
    private const string Ours = "Cache-Status: microcdn-CS1; hit\r\n";

    private readonly List<string> _complaints = [];

    [Theory]
    [InlineData(Ours, true)]
    [InlineData("Cache-Status: microcdn-CS1\r\n", true)]
    [InlineData("Cache-Status: other; hit\r\n" + Ours, true)]
    [InlineData("", false)]
    [InlineData("Cache-Status: microcdn-CS11; hit\r\n", false)]
    [InlineData(Ours + "Cache-Status: other; hit\r\n", false)]
    public async Task A_parents_answer_counts_when_it_is_a_copys_or_an_origins(string fields, bool counts)
    {
        await using ScriptedOrigin parent = Answering(fields);
        using Shield shield = new([new Parent(Names.Id("CS1"), parent.Server())], new PurgeProgress());
        using OriginExchange? answer = await shield.TryAskAsync(ScriptedOrigin.Get("/a"), _complaints.Add, default);
        Assert.Equal(counts, answer is not null);
        Assert.Equal(counts ? [] : ["parent CS1 answered 200 by itself"], _complaints);
    }

    [Fact]
    public async Task What_may_have_changed_something_is_not_asked_twice()
    {
        await using ScriptedOrigin parent = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        }, async talk => await talk.HearAsync());
        using Shield shield = new([new Parent(Names.Id("CS1"), parent.Server())], new PurgeProgress());
        OriginRequest request = ScriptedOrigin.Get("/a", "POST");
        using (OriginExchange? answer = await shield.TryAskAsync(request, _complaints.Add, default))
        {
            Assert.Equal(502, answer!.Status);
        }
        OriginException broken = await Assert.ThrowsAsync<OriginException>(
            async () => await shield.TryAskAsync(request, _complaints.Add, default));
        Assert.Equal(OriginFailure.Closed, broken.Failure);
        // What was never sent may be.
        parent.Stop();
        Assert.Null(await shield.TryAskAsync(request, _complaints.Add, default));
    }

    [Fact]
    public async Task Who_was_asked_by_another_one_of_the_list_asks_the_origin()
    {
        await using ScriptedOrigin parent = Answering(Ours);
        using Shield shield = new([new Parent(Names.Id("CS1"), parent.Server())], new PurgeProgress());
        Assert.Null(await shield.TryAskAsync(
            ScriptedOrigin.Get("/a", fields: "CDN-Loop: microcdn-CS1, microcdn-CS2\r\n"), _complaints.Add, default));
        using OriginExchange? answer = await shield.TryAskAsync(
            ScriptedOrigin.Get("/a", fields: "CDN-Loop: microcdn-CS9, microcdn-CS2\r\n"), _complaints.Add, default);
        Assert.NotNull(answer);
        Assert.Equal(1, parent.Connections);
    }

    [Theory]
    [InlineData("GET", true)]
    [InlineData("POST", false)]
    public async Task A_parent_is_told_what_was_purged_here_where_it_can_be_done_without(string method, bool isTold)
    {
        string heard = "";
        await using ScriptedOrigin parent = new(async talk =>
        {
            heard = await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 200 OK\r\n{Ours}Content-Length: 0\r\n\r\n");
        });
        PurgeProgress progress = new();
        progress.Follow(0x0cf64f8d07ab54a8, 12);
        using Shield shield = new([new Parent(Names.Id("CS1"), parent.Server())], progress);
        OriginRequest request = ScriptedOrigin.Get("/a", method);
        using OriginExchange? answer = await shield.TryAskAsync(request, _complaints.Add, default);
        Assert.Equal(isTold, heard.Contains("MicroCdn-Purged: 0cf64f8d07ab54a8-12\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_path_belongs_to_the_cache_that_the_gateway_sends_clients_to()
    {
        string[] ids = ["CS1", "CS2", "CS3"];
        RoutingFleet fleet = new();
        foreach (string id in ids) fleet.Add(id, pulls: "/");
        foreach (string own in ids)
        {
            // All others refuse at once.
            Assert.True(OriginAddress.TryParse("http://127.0.0.1:1", out OriginAddress? nowhere, out _));
            using Shield shield = new([.. ids.Select(id => new Parent(Names.Id(id), id == own ? null
                : new OriginServer(new OriginOptions(nowhere!), new StreamDialer(), TimeProvider.System,
                    new LogBook())))], new PurgeProgress());
            foreach (string path in Enumerable.Range(0, 12).Select(number => $"/{number}"))
            {
                _complaints.Clear();
                Assert.Null(await shield.TryAskAsync(ScriptedOrigin.Get($"{path}?a=b"), _complaints.Add, default));
                Candidate[] order = fleet.RankPulled(path)!;
                Assert.Equal(order.Select(one => one.Server.Id.Value).TakeWhile(id => id != own).Take(2),
                    _complaints.Select(complaint => complaint.Split(' ', ':')[1]));
            }
        }
    }

    private static ScriptedOrigin Answering(string fields) => new(async talk =>
    {
        await talk.HearAsync();
        await talk.SayAsync($"HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        await talk.HoldAsync();
    });
}
