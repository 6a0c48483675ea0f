using MicroCdn.Tests.Origin;

namespace MicroCdn.Tests.Edge;

/// <summary>Answers put together of what is there and what is fetched.</summary>
public sealed class AssemblyTests
{
    private static readonly string First = new('a', 1 << 20), Second = new('b', 1 << 20);

    [Theory]
    [InlineData("bytes=1048576-1048579", "bbbb", "microcdn; fwd=partial; fwd-status=206; stored")]
    // Nobody has been asked yet when this head leaves.
    [InlineData("bytes=1048574-1048577", "aabb", "microcdn; fwd=partial; stored")]
    public async Task What_the_origin_answered_is_told_where_it_was_asked(string range, string body, string status)
    {
        await using PulledWorld world = new(async talk =>
        {
            await PartAsync(talk, First, 0);
            await PartAsync(talk, Second, First.Length);
        });
        Assert.Equal("aaaa", (await world.GetAsync("/a", "Range: bytes=0-3")).Text);
        await PulledWorld.UntilAsync(() => world.Front.Fetches.Count == 0);
        HttpAnswer answer = await world.GetAsync("/a", $"Range: {range}");
        Assert.Equal((206, body, status), (answer.Status, answer.Text, answer["Cache-Status"]));
    }

    private static async Task PartAsync(OriginTalk talk, string part, int first)
    {
        await talk.HearAsync();
        await talk.SayAsync("HTTP/1.1 206 Partial Content\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\n"
            + $"Content-Range: bytes {first}-{first + part.Length - 1}/{First.Length + Second.Length}\r\n"
            + $"Content-Length: {part.Length}\r\n\r\n{part}");
    }
}
