using System.Globalization;
using System.Net;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

// A machine that loses its power sends no FIN: the kernel has to ask after a silent peer.
public sealed class SilenceTests
{
    private const string KeepAliveTimer = "02";

    [Fact]
    public async Task Both_ends_of_a_silent_connection_are_asked_after_within_five_seconds()
    {
        using EventLoops loops = new(new LogBook(), TimeProvider.System);
        int port = loops.Listen(new Listener(new IPEndPoint(IPAddress.Loopback, 0), ScriptService.Echo())).Port;
        await using LineConnection connection = await new TcpDialer(TimeProvider.System)
            .DialAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        await connection.SendAsync("x\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await connection.ReadLineAsync(TestContext.Current.CancellationToken);
        // A timer of another kind runs only until the last bytes are acknowledged.
        string[][] ends = Ends(port);
        for (int looks = 0; looks < 1000 && !(ends.Length == 2 && Array.TrueForAll(ends, IsAsked)); looks++)
        {
            await Task.Yield();
            ends = Ends(port);
        }
        Assert.Equal(2, ends.Length);
        Assert.All(ends, words => Assert.True(IsAsked(words), string.Join(' ', words)));
    }

    // From the kernel's own table: the ends of a connection are in state 01, which a listener is not.
    private static string[][] Ends(int port) =>
    [
        .. File.ReadLines("/proc/net/tcp").Where(line => line.Contains($":{port:X4} ", StringComparison.Ordinal))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words[3] == "01"),
    ];

    // The sixth word is the timer and when it is due, in hundredths of a second.
    private static bool IsAsked(string[] words) => words[5].Split(':') is [KeepAliveTimer, { } due]
        && int.Parse(due, NumberStyles.HexNumber, CultureInfo.InvariantCulture) <= 500;
}
