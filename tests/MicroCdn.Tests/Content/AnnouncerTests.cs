using System.Net;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

public sealed class AnnouncerTests
{
    [Fact]
    public async Task An_index_that_stops_reading_the_list_is_left_after_ten_seconds_and_tried_again()
    {
        FakeTimeProvider time = new();
        LogBook log = new();
        Library library = new();
        library.Add(Names.Of("a"), default(FileFacts));
        StuckIndex index = new();
        using CancellationTokenSource end =
            CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        ContentOptions options = new() { Id = Names.Id("CS1"), Files = "unused" };
        Task running = new Announcer(options, index, time, log, () => library).RunAsync(end.Token);
        DateTimeOffset began = time.GetUtcNow();
        using CancellationTokenSource broken = new(TimeSpan.FromSeconds(60));
        while (index.Dials < 2)
        {
            broken.Token.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
        Assert.True(time.GetUtcNow() - began >= TimeSpan.FromSeconds(10));
        Assert.Contains("took no more of the list for 10 s", Assert.Single(log.Lines), StringComparison.Ordinal);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private sealed class StuckIndex : IDialer
    {
        public int Dials { get; private set; }

        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken)
        {
            Dials++;
            return new(new LineConnection(new Stuck(), IPAddress.Loopback, IPAddress.Loopback));
        }
    }

    // Takes the first line, answers it, and then takes nothing more.
    private sealed class Stuck() : MemoryStream("OK REGISTERED\n".Utf8())
    {
        private bool _stuck;

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_stuck) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            _stuck = true;
        }
    }
}
