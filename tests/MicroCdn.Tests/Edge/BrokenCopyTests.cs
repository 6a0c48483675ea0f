using System.Globalization;
using System.Text.RegularExpressions;
using MicroCdn.Tests.Origin;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

/// <summary>Copies whose files turn out short: no client is told of it twice.</summary>
public sealed partial class BrokenCopyTests : IDisposable
{
    private const int Slice = 1 << 20;

    private static readonly string Body = string.Concat(Enumerable.Range(0, 2 * Slice / 8).Select(n => $"{n:x7} "));

    private readonly TemporaryFolder _folder = new();
    private int _asked;

    [Theory]
    [InlineData("")]
    [InlineData("Range: bytes=2000000-2000009")]
    public async Task A_copy_that_became_short_is_fetched_anew(string range)
    {
        string expected = range.Length == 0 ? Body : Body[2_000_000..2_000_010];
        await using PulledWorld world = new(_folder.Path, 1 << 20, AnswerAsync);
        await world.GetAsync("/a");
        await PulledWorld.UntilAsync(() => world.Front.Fetches.Count == 0);
        string[] fields = range.Length == 0 ? [] : [range];
        // It stands open from now on, so that nothing is found out by opening it.
        Assert.StartsWith("microcdn; hit", (await world.GetAsync("/a", fields))["Cache-Status"]);
        CutCopy();
        Assert.Equal((1, expected), (_asked, (await world.GetAsync("/a", fields)).Text));
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task A_copy_that_became_short_while_it_was_put_together_with_more_is_fetched_anew()
    {
        await using PulledWorld world = new(_folder.Path, 1 << 20, AnswerAsync);
        // What is asked for while the shelves are still looked through may be looked for twice, and asked for in whole.
        await world.Front.Store.Listed;
        await world.GetAsync("/a", "Range: bytes=0-9");
        await PulledWorld.UntilAsync(() => world.Front.Fetches.Count == 0);
        await world.GetAsync("/a", "Range: bytes=10-19");
        Wire wire = world.Ask("/a");
        await PulledWorld.UntilAsync(() => wire.Completions > 0);
        CutCopy();
        await PulledWorld.UntilAsync(() => wire.Turn().Conversation.IsOver);
        Assert.True(wire.Answer.Broken);
        Assert.Equal(Body, (await world.GetAsync("/a")).Text);
    }

    public void Dispose() => _folder.Dispose();

    private void CutCopy()
    {
        string file = Assert.Single(Directory.EnumerateFiles(_folder.Path, "*-*", SearchOption.AllDirectories));
        using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        stream.SetLength(stream.Length / 2);
    }

    // As a web server does that knows ranges.
    private async Task AnswerAsync(OriginTalk talk)
    {
        while (true)
        {
            Match range = RangeText().Match(await talk.HearAsync());
            Interlocked.Increment(ref _asked);
            int first = range.Success ? int.Parse(range.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
            int last = range.Success ? int.Parse(range.Groups[2].Value, CultureInfo.InvariantCulture) : Body.Length - 1;
            await talk.SayAsync($"HTTP/1.1 {(range.Success ? "206 Partial Content" : "200 OK")}\r\n"
                + $"Cache-Control: max-age=60\r\nETag: \"1\"\r\nContent-Length: {last - first + 1}\r\n"
                + (range.Success ? $"Content-Range: bytes {first}-{last}/{Body.Length}\r\n" : "") + "\r\n");
            await talk.SayAsync(Body[first..(last + 1)]);
        }
    }

    [GeneratedRegex("Range: bytes=([0-9]+)-([0-9]+)")]
    private static partial Regex RangeText();
}
