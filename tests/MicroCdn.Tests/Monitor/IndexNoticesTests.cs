using System.Net.Sockets;
using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Monitor;

/// <summary>Telling the indexes: what goes wrong with one of them.</summary>
public sealed class IndexNoticesTests
{
    [Fact]
    public async Task An_index_is_dialed_again_a_second_after_a_failure_that_nobody_foresaw()
    {
        FakeTimeProvider time = new();
        LogBook log = new();
        FailingDialer dialer = new();
        Roster roster = new(time, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(1));
        Watch watch = new(roster, new Detector(DetectionProfile.Lan, () => 1), time, log);
        IndexNotices notices = new(new MonitorOptions().Self, watch, dialer, time, log);
        using CancellationTokenSource stop = new();
        Task running = notices.RunAsync(stop.Token);
        Assert.True(notices.Add(new IndexAddress("index", 5050)));
        Assert.Equal(1, dialer.Dialed);
        for (int second = 2; second < 6; second++)
        {
            time.Advance(TimeSpan.FromSeconds(0.9));
            Assert.Equal(second - 1, dialer.Dialed);
            time.Advance(TimeSpan.FromSeconds(0.1));
            await Assert.ThrowsAsync<TimeoutException>(() => running.WaitAsync(TimeSpan.Zero, time));
            Assert.Equal(second, dialer.Dialed);
        }
        Assert.Contains("telling the index at index:5050 failed, trying on", log.Lines);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private sealed class FailingDialer : IDialer
    {
        private int _dialed;

        public int Dialed => Volatile.Read(ref _dialed);

        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _dialed);
            throw new SocketException((int)SocketError.TooManyOpenSockets);
        }
    }
}
