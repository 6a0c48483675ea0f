using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

/// <summary>What counts of a download over HTTP: the bytes that left, be they few or many, whole or cut.</summary>
public sealed class SentBytesTests
{
    private static readonly string Large = new('x', 400_000);

    [Fact]
    public async Task Whole_answers_and_ranges_count_and_answers_without_a_body_do_not()
    {
        await using EdgeWorld world = new EdgeWorld().With(("large", Large), ("small", "Hello"));
        Assert.Equal(400_000, world.Ask("/large").Body.Length);
        Assert.Equal(5, world.Ask("/small").Body.Length);
        Assert.Equal([("large", 400_000L), ("small", 5L)], world.TakeSent());
        Assert.Equal(206, world.Ask("/large", "Range: bytes=0-99999").Status);
        Assert.Equal(206, world.Ask("/small", "Range: bytes=1-2").Status);
        Assert.Equal([("large", 100_000L), ("small", 2L)], world.TakeSent());
        world.Ask("HEAD", "/large", []);
        Assert.Equal(304, world.Ask("/small", $"If-None-Match: {EdgeWorld.TagOf("Hello")}").Status);
        Assert.Empty(world.TakeSent());
    }

    [Fact]
    public async Task A_long_download_counts_while_it_runs()
    {
        await using EdgeWorld world = new EdgeWorld().With(("long", new string('x', 5_000_000)));
        Wire wire = new(world.Service) { Window = 3_000_000 };
        wire.Receive(EdgeWorld.Head("GET", "/long"));
        (_, long bytes) = Assert.Single(world.TakeSent());
        Assert.InRange(bytes, 1_900_000, 3_000_000);
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.Equal([("long", 5_000_000 - bytes)], world.TakeSent());
    }

    [Fact]
    public async Task Of_an_answer_that_was_cut_what_left_counts()
    {
        await using EdgeWorld world = new EdgeWorld().With(("large", Large));
        Wire wire = new(world.Service) { Window = 150_000 };
        wire.Receive(EdgeWorld.Head("GET", "/large"));
        Assert.Empty(world.TakeSent());
        wire.Conversation.End();
        (string name, long bytes) = Assert.Single(world.TakeSent());
        Assert.Equal("large", name);
        Assert.InRange(bytes, 140_000, 150_000);
    }
}
