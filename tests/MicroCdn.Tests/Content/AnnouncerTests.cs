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
        Task running = new Announcer(options, 7, index, time, log, () => library).RunAsync(end.Token);
        // The clock stands still while others work, so that it cannot run ahead of them.
        await Until(() => index.Stuck);
        int dials = index.Dials;
        time.Advance(TimeSpan.FromSeconds(10));
        await Until(() => log.Lines.Length > 0);
        Assert.Contains("took no more of the list for 10 s", Assert.Single(log.Lines), StringComparison.Ordinal);
        await Until(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            return index.Dials > dials;
        });
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static async Task Until(Func<bool> holds)
    {
        using CancellationTokenSource broken = new(TimeSpan.FromSeconds(60));
        while (!holds())
        {
            broken.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class StuckIndex : IDialer
    {
        public int Dials { get; private set; }

        public bool Stuck { get; set; }

        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken)
        {
            Dials++;
            return new(new LineConnection(new Connection(this), IPAddress.Loopback, IPAddress.Loopback));
        }
    }

    // Takes the first line, answers it, and then takes nothing more.
    private sealed class Connection(StuckIndex index) : MemoryStream("OK REGISTERED\n".Utf8())
    {
        private bool _registered;

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_registered)
            {
                _registered = true;
                return;
            }
            Task stuck = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            index.Stuck = true;
            await stuck;
        }
    }
}
