using System.Net.Sockets;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Network;

/// <summary>What systemd hears (sd_notify(3)).</summary>
public sealed class SupervisorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _variables = [];
    private readonly LogBook _log = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_hears_that_all_is_ready_and_that_it_ends(bool isAbstract)
    {
        string path = isAbstract ? $"@microcdn{_folder["notify"].Replace('/', '-')}" : _folder["notify"];
        using Socket heard = Listen(path);
        _variables["NOTIFY_SOCKET"] = path;
        using Supervisor supervisor = Open()!;
        supervisor.Ready();
        Assert.Equal($"READY=1\nMAINPID={Environment.ProcessId}", Hear(heard));
        supervisor.Stopping();
        Assert.Equal("STOPPING=1", Hear(heard));
        heard.Dispose();
        supervisor.Stopping();
    }

    [Fact]
    public async Task It_hears_twice_in_the_time_that_is_allowed_that_the_loops_take_turns()
    {
        using Socket heard = Listen(_folder["notify"]);
        _variables["NOTIFY_SOCKET"] = _folder["notify"];
        _variables["WATCHDOG_USEC"] = "20000000";
        _variables["WATCHDOG_PID"] = $"{Environment.ProcessId}";
        FakeTimeProvider time = new();
        using EventLoops loops = new(NullLoggerFactory.Instance, TimeProvider.System);
        using CancellationTokenSource end = new();
        using Supervisor supervisor = Open()!;
        Task watching = supervisor.WatchAsync(loops, time, end.Token);
        for (int beat = 0; beat < 2; beat++)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            Assert.Equal("WATCHDOG=1", Hear(heard));
        }
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
    }

    [Theory]
    [InlineData("", "1")]
    [InlineData("20000000", "1")]
    [InlineData("0", "")]
    [InlineData("soon", "")]
    public async Task Nobody_watches_who_does_not_ask_for_it_or_means_another_process(string microseconds, string pid)
    {
        using Socket heard = Listen(_folder["notify"]);
        _variables["NOTIFY_SOCKET"] = _folder["notify"];
        _variables["WATCHDOG_USEC"] = microseconds;
        _variables["WATCHDOG_PID"] = pid;
        using EventLoops loops = new(NullLoggerFactory.Instance, TimeProvider.System);
        using Supervisor supervisor = Open()!;
        await supervisor.WatchAsync(loops, new FakeTimeProvider(), CancellationToken.None);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("vsock:2:1234", 0)]
    [InlineData("/nowhere/notify", 1)]
    public void Where_nobody_listens_nothing_is_told(string path, int lines)
    {
        _variables["NOTIFY_SOCKET"] = path;
        Assert.Null(Open());
        Assert.Equal(lines, _log.Lines.Length);
    }

    private Supervisor? Open() => Supervisor.Open(name => _variables.GetValueOrDefault(name), _log);

    private static Socket Listen(string path)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Bind(new UnixDomainSocketEndPoint(path[0] == '@' ? $"\0{path[1..]}" : path));
        return socket;
    }

    private static string Hear(Socket socket)
    {
        byte[] text = new byte[1000];
        return Encoding.UTF8.GetString(text, 0, socket.Receive(text));
    }
}
