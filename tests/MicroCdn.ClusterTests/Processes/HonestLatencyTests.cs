using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>What honest clients feel while others attack: the 99th percentile of their requests, before and during.</summary>
public sealed class HonestLatencyTests(BadInputTests.Fleet fleet) : IClassFixture<BadInputTests.Fleet>
{
    private static readonly TimeSpan Compiled = TimeSpan.FromSeconds(40);

    private const int Requests = 400;

    [Theory]
    [InlineData("an endless line")]
    [InlineData("random bytes")]
    [InlineData("a crowd that says nothing")]
    [InlineData("downloads that are never read")]
    [InlineData("a flood of datagrams")]
    public async Task An_attack_raises_it_by_at_most_50_ms_and_leaves_no_memory_behind(string attack)
    {
        // What is done once a second is compiled anew after thirty times, whether somebody attacks or not: some MiB that
        // stay.
        TimeSpan young = Compiled - fleet.ProcessOf("index").Age;
        if (young > TimeSpan.Zero) await Stage.PassAsync(young, "the runtime compiles what is done again and again");
        // Once to warm up, so that what the runtime compiles on the way counts for neither side.
        await AttackAsync(attack, TimeSpan.FromSeconds(1), () => Task.CompletedTask);
        await NinetyNinthAsync();
        await Stage.PassAsync(TimeSpan.FromSeconds(7), "the quiet in which memory is given back");
        await Measured.OnceOfThreeAsync(async () =>
        {
            double quiet = await NinetyNinthAsync(), attacked = 0;
            Dictionary<string, long> before = Resident();
            await AttackAsync(attack, TimeSpan.FromSeconds(3), async () => attacked = await NinetyNinthAsync());
            if (attacked - quiet > 50) return $"{quiet:F1} ms before, {attacked:F1} ms during {attack}";
            Dictionary<string, long> now = before;
            bool isBack = await Measured.HoldsAsync(TimeSpan.FromSeconds(20), () =>
                (now = Resident()).All(role => role.Value - before[role.Key] <= 5 * 1024));
            return isBack ? null : $"memory is not back within 5 MiB: {string.Join(", ",
                now.Select(role => $"{role.Key} {before[role.Key]} KiB before, {role.Value} after"))}";
        });
        await fleet.AssertWorksAsync();
    }

    private Dictionary<string, long> Resident() =>
        new[] { "index", "monitor", "content" }.ToDictionary(role => role, role => fleet.ProcessOf(role).ResidentKiB);

    // Milliseconds of the 99th percentile of lookups and small downloads, one after another.
    private async Task<double> NinetyNinthAsync()
    {
        List<double> times = [];
        for (int n = 0; n < Requests; n++)
        {
            long began = Stopwatch.GetTimestamp();
            await AskAsync(fleet.Stage.IndexPort, "SERVER ");
            await AskAsync(fleet.ContentPort, "OK 1\na");
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        times.Sort();
        return times[Requests * 99 / 100];
    }

    private static async Task AskAsync(int port, string expected)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await client.GetStream().WriteAsync("GET a.txt\n"u8.ToArray());
        byte[] buffer = new byte[200];
        int read = 0;
        while (read < expected.Length) read += await client.GetStream().ReadAsync(buffer.AsMemory(read)) is > 0 and var more
            ? more : throw new IOException("closed");
        Assert.StartsWith(expected, Encoding.UTF8.GetString(buffer, 0, read), StringComparison.Ordinal);
    }

    private async Task AttackAsync(string attack, TimeSpan time, Func<Task> meanwhile)
    {
        using CancellationTokenSource over = new(time);
        Task[] attackers = attack switch
        {
            "an endless line" => [.. Many(3, n => PourAsync(PortOf(n), Fill(1 << 16, (byte)'x'), over.Token))],
            "random bytes" => [.. Many(3, n => PourAsync(PortOf(n), Stage.Noise(3000, n), over.Token))],
            "a crowd that says nothing" => [.. Many(3, n => CrowdAsync(PortOf(n), ""u8.ToArray(), 1000, over.Token))],
            "downloads that are never read" =>
                [CrowdAsync(fleet.ContentPort, "GET big.bin\nGET big.bin\n"u8.ToArray(), 200, over.Token)],
            _ => [FloodAsync(over.Token)],
        };
        await meanwhile();
        await over.CancelAsync();
        await Task.WhenAll(attackers);
    }

    private static IEnumerable<Task> Many(int count, Func<int, Task> attacker) => Enumerable.Range(0, count).Select(attacker);

    private int PortOf(int n) => fleet.PortOf(n switch { 0 => "index", 1 => "monitor", _ => "content" });

    private static byte[] Fill(int length, byte value)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    // Connects again and again, and sends until it is closed.
    private static async Task PourAsync(int port, byte[] bytes, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            try
            {
                using TcpClient client = new();
                await client.ConnectAsync(IPAddress.Loopback, port, over);
                while (true) await client.GetStream().WriteAsync(bytes, over);
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
            {
                // Closed on us, or over.
            }
        }
    }

    private static async Task CrowdAsync(int port, byte[] words, int count, CancellationToken over)
    {
        List<TcpClient> crowd = [];
        try
        {
            for (int n = 0; n < count && !over.IsCancellationRequested; n++)
            {
                TcpClient client = new() { ReceiveBufferSize = 4096 };
                crowd.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, port, over);
                await client.GetStream().WriteAsync(words, over);
            }
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, over);
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
        finally
        {
            foreach (TcpClient client in crowd) client.Dispose();
        }
    }

    private Task FloodAsync(CancellationToken over) => Task.Run(() =>
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        IPEndPoint target = new(IPAddress.Loopback, fleet.Stage.MonitorUdpPort);
        byte[] noise = Stage.Noise(60_000);
        for (int n = 0; n < 300_000 && !over.IsCancellationRequested; n++)
        {
            socket.SendTo(noise.AsSpan(0, n % 10 == 0 ? noise.Length : 40), target);
        }
    }, CancellationToken.None);
}
