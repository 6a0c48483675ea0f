namespace MicroCdn.Tests.Edge;

/// <summary>What a 304 does to a copy, and to whoever waits for it.</summary>
public sealed class FresheningTests
{
    // Each head is fine, both together are more than is kept, or passed on.
    [Fact]
    public async Task A_304_that_would_make_the_head_too_large_is_followed_by_a_question_without_conditions()
    {
        string[] asked = ["", "", ""];
        string large = new('x', 40_000);
        await using PulledWorld world = new(async talk =>
        {
            asked[0] = await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nETag: \"1\"\r\nX-One: {large}\r\n"
                + "Content-Length: 3\r\n\r\nold");
            asked[1] = await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nX-Two: {large}\r\n\r\n");
            asked[2] = await talk.HearAsync();
            await talk.SayAsync($"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\nX-Two: {large}\r\n"
                + "Content-Length: 3\r\n\r\nnew");
            await talk.HoldAsync();
        });
        Assert.Equal("old", (await world.GetAsync("/a")).Text);
        // Who asks before the first answer has come to its end may still be given that.
        await PulledWorld.UntilAsync(() => world.Front.Store.Figures.Copies == 1 && world.Front.Fetches.Count == 0);
        HttpAnswer answer = await world.GetAsync("/a");
        Assert.Equal((200, "new", null, large), (answer.Status, answer.Text, answer["X-One"], answer["X-Two"]));
        Assert.Contains("If-None-Match", asked[1], StringComparison.Ordinal);
        Assert.DoesNotContain("If-None-Match", asked[2], StringComparison.Ordinal);
        await PulledWorld.UntilAsync(() => world.Front.Fetches.Count == 0);
        Assert.Equal("microcdn; hit; ttl=60", (await world.GetAsync("/a"))["Cache-Status"]);
    }
}
