using System.Net.Sockets;
using MicroCdn.Network;

namespace MicroCdn.Tests.Network;

/// <summary>What a dialer says when it cannot even begin.</summary>
public sealed class TcpDialerTests
{
    [Fact]
    public async Task A_process_without_descriptors_fails_as_any_other_try_and_says_so()
    {
        TcpDialer dialer = new(TimeProvider.System)
        {
            Open = _ => throw new SocketException((int)SocketError.TooManyOpenSockets),
        };
        IOException failure = await Assert.ThrowsAsync<IOException>(
            () => dialer.DialAsync("127.0.0.1", 7001, TestContext.Current.CancellationToken).AsTask());
        Assert.Equal("127.0.0.1:7001 cannot be reached: this process has no file descriptors left", failure.Message);
    }
}
