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
        using FailingDialer dialer = new();
        Roster roster = new(time, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(1));
        Watch watch = new(roster, new Detector(DetectionProfile.Lan, () => 1), time, log);
        IndexNotices notices = new(new MonitorOptions().Self, watch, dialer, time, log);
        using CancellationTokenSource stop = new();
        Task running = notices.RunAsync(stop.Token);
        Assert.True(notices.Add(new IndexAddress("index", 5050)));
        Assert.True(await dialer.Dials.WaitAsync(0, stop.Token));
        time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(await dialer.Dials.WaitAsync(0, stop.Token));
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(await dialer.Dials.WaitAsync(TimeSpan.FromSeconds(30), stop.Token));
        Assert.Contains("telling the index at index:5050 failed, trying on", log.Lines);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private sealed class FailingDialer : IDialer, IDisposable
    {
        public SemaphoreSlim Dials { get; } = new(0);

        public void Dispose() => Dials.Dispose();

        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken)
        {
            Dials.Release();
            throw new SocketException((int)SocketError.TooManyOpenSockets);
        }
    }
}
