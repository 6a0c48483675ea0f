using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

/// <summary>A client that hardly reads, beside one that does.</summary>
public sealed class SlowReaderTests : IDisposable
{
    private const int FirstBytes = 1000, Piece = 1 << 20, Pieces = 8;

    private readonly TemporaryFolder _folder = new();

    // In memory, and with a disk, where only what is small grows in memory.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_fast_reader_of_a_growing_body_has_all_of_it_when_a_slow_one_has_hardly_begun(bool onDisk)
    {
        using SemaphoreSlim more = new(0);
        await using PulledWorld world = new(onDisk ? _folder.Path : null, 256 << 20, async talk =>
        {
            await talk.HearAsync();
            await talk.SayAsync(
                $"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {Piece * Pieces}\r\n\r\n");
            for (int number = 0; number < Pieces; number++)
            {
                await more.WaitAsync(TestContext.Current.CancellationToken);
                await talk.SayAsync(new string((char)('a' + number), Piece));
            }
            await talk.HoldAsync();
        });
        Wire slow = world.Ask("/a"), fast = world.Ask("/a");
        slow.Window = FirstBytes;
        await PulledWorld.UntilAsync(() => slow.Turn().SentLength > 0 && fast.Turn().SentLength > 0);
        for (int number = 1; number <= Pieces; number++)
        {
            more.Release();
            // The clock stands still: nobody is left behind for being slow.
            await PulledWorld.UntilAsync(() => fast.Turn().SentLength > (long)number * Piece);
            slow.Turn();
        }
        Assert.Equal((FirstBytes, 1), (slow.SentLength, world.Origin.Connections));
        slow.Window = long.MaxValue;
        await PulledWorld.UntilAsync(() => slow.Turn().SentLength > (long)Pieces * Piece);
        string body = string.Concat(Enumerable.Range(0, Pieces).Select(n => new string((char)('a' + n), Piece)));
        Assert.Equal((body, body), (HttpAnswer.Read(slow.SentBytes).Text, HttpAnswer.Read(fast.SentBytes).Text));
    }

    public void Dispose() => _folder.Dispose();
}
