using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

/// <summary>When a fetch ends before its end.</summary>
public sealed class FetchTests
{
    private const string Half = "HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 10\r\n\r\nhalf!";

    // The first time nobody knows yet whose the answer is, the second time everybody does.
    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(2, false)]
    public async Task What_is_one_clients_alone_is_not_waited_for_any_more_when_he_leaves(int times, bool hasBegun)
    {
        int closed = 0;
        await using PulledWorld world = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(Half);
            await talk.HearCloseAsync();
            Interlocked.Increment(ref closed);
        });
        for (int time = 1; time <= times; time++)
        {
            Wire wire = world.Ask("/mine");
            await PulledWorld.UntilAsync(() => hasBegun || time < times
                ? wire.Turn().Sent.EndsWith("half!", StringComparison.Ordinal) : wire.Completions > 0);
            wire.Conversation.End();
            // The clock stands still: it is not for a limit that the origin is left.
            await PulledWorld.UntilAsync(() => Volatile.Read(ref closed) == time);
        }
        // That somebody left is nothing to be told.
        Assert.Equal((0, 0), (world.Complaints.Total, world.Log.Lines.Length));
    }

    [Fact]
    public async Task What_is_stored_goes_on_when_its_client_leaves()
    {
        TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using PulledWorld world = new(async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(Half.Replace("private", "max-age=60", StringComparison.Ordinal));
            await left.Task;
            await talk.SayAsync("whole");
            await talk.HoldAsync();
        });
        Wire wire = world.Ask("/all");
        await PulledWorld.UntilAsync(() => wire.Turn().Sent.EndsWith("half!", StringComparison.Ordinal));
        wire.Conversation.End();
        left.SetResult();
        Assert.Equal("half!whole", (await world.GetAsync("/all")).Text);
        Assert.Equal(1, world.Origin.Connections);
    }
}
