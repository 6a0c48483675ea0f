using System.Net;
using System.Net.Sockets;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A slow line is no attack: what counts is what the reader takes, not what the kernel takes for it.</summary>
public sealed class SlowReaderTests
{
    [Fact]
    public async Task A_reader_above_1_KiB_a_second_is_never_cut()
    {
        const int length = 64 << 20, seconds = 66;
        await using Stage stage = new();
        string files = stage.MakeFiles("one", ("big.bin", new byte[length]));
        Edge edge = await Edge.StartAsync(stage, files);
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 256 * 1024 };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, edge.HttpPort));
        await socket.SendAsync("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        // Fast at first, so that the kernel learns to hold megabytes for it; then each of them takes minutes.
        byte[] buffer = new byte[1 << 20];
        long left = length;
        while (left > length / 2) left -= await socket.ReceiveAsync(buffer);
        for (int second = 0; second < seconds; second++)
        {
            left -= await socket.ReceiveAsync(buffer.AsMemory(0, 8192));
            await Stage.PassAsync(TimeSpan.FromSeconds(1), "a slow line, judged by the server over 30 s, and once more");
        }
        // What the kernel held can be read even after a cut; what follows it cannot.
        while (left > 0)
        {
            int read = await socket.ReceiveAsync(buffer);
            Assert.True(read > 0, $"cut with {left} bytes to come");
            left -= read;
        }
    }
}
