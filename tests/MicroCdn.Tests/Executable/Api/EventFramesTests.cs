using System.Text;
using MicroCdn.Api;

namespace MicroCdn.Tests.Executable.Api;

public sealed class EventFramesTests
{
    private const string Text = "retry: 1000\n\n: a comment\nevent: change\nid: 7\ndata: {\"a\":1}\n\n"
        + "data:one\r\ndata: two\r\n\r\nevent: now\ndata\n\nevent: gap\ndata: {}\n\nevent: cut\ndata: x";

    [Theory]
    [InlineData(1), InlineData(7), InlineData(100_000)]
    public async Task Events_are_read_however_they_were_cut(int step)
    {
        List<string> read = [];
        EventFrames frames = new(new Cut(Encoding.UTF8.GetBytes(Text), step));
        while (await frames.ReadAsync(CancellationToken.None) is { } frame) read.Add($"{frame.Kind}|{frame.Data}");
        Assert.Equal(["change|{\"a\":1}", "message|one\ntwo", "gap|{}"], read);
    }

    [Fact]
    public async Task A_long_event_is_read_and_one_without_end_is_not()
    {
        string text = new('x', 700_000);
        EventFrames frames = new(new Cut(Encoding.UTF8.GetBytes($"data: a\n\ndata: {text}\n\n"), 100_000));
        await frames.ReadAsync(CancellationToken.None);
        Assert.Equal(text, (await frames.ReadAsync(CancellationToken.None))?.Data);
        frames = new EventFrames(new Cut(Encoding.UTF8.GetBytes($"data: {text}{text}"), 100_000));
        await Assert.ThrowsAsync<InvalidDataException>(() => frames.ReadAsync(CancellationToken.None));
        string lines = string.Concat(Enumerable.Repeat($"data: {text[..100_000]}\n", 20));
        frames = new EventFrames(new Cut(Encoding.UTF8.GetBytes(lines), 100_000));
        await Assert.ThrowsAsync<InvalidDataException>(() => frames.ReadAsync(CancellationToken.None));
    }

    private sealed class Cut(byte[] bytes, int step) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(step, buffer.Length)], cancellationToken);
    }
}
