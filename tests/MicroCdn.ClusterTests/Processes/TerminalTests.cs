using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>What verbs draw: on a terminal, with colours or without, and nothing of it in a pipe; and the terminal is
/// as before when they are over, however they end.</summary>
public sealed partial class TerminalTests : IAsyncLifetime
{
    private const int HangUp = 1, Interrupt = 2, Quit = 3, Terminate = 15;
    private const string Taken = "\e[?1049h\e[?25l\e[?7l", GivenBack = "\e[?7h\e[?25h\e[?1049l";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly Stage _stage = new();
    private RunningProcess _index = null!;

    private string Admin => $"--admin http://127.0.0.1:{_stage.AdminPort}";

    public async ValueTask InitializeAsync()
    {
        _index = await _stage.IndexAsync("--http-port", $"{Stage.FreePort()}");
        await _index.UntilSaidAsync("the first token");
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData("", true)]
    [InlineData("NO_COLOR=", true)]
    [InlineData("NO_COLOR=1", false)]
    public async Task Colours_are_there_but_where_NO_COLOR_is_set(string environment, bool isColored)
    {
        Terminal top = new(_stage, $"top {Admin}", environment);
        await top.UntilAsync("q ends");
        top.Press("q");
        Assert.Equal(0, await top.UntilEndAsync());
        Assert.True(Styles().IsMatch(top.Screen) == isColored, top.Screen);

        await using SlowFile slow = new();
        Terminal get = new(_stage, $"get big.bin --direct-host 127.0.0.1 --direct-port {slow.Port}", environment);
        await get.UntilAsync("50%");
        slow.GoOn();
        Assert.Equal(0, await get.UntilEndAsync());
        Assert.Contains("100%", get.Screen, StringComparison.Ordinal);
        Assert.True(Styles().IsMatch(get.Screen) == isColored, get.Screen);
        // Behind the last of the bar, which would else be written over it.
        Assert.Matches(@"100%[^%]*\e\[\?25h[^%]*saved downloads/big\.bin", get.Screen);
        Assert.Equal(get.Settings.Before, get.Settings.After);
    }

    [Fact]
    public async Task In_a_pipe_nothing_moves_and_nothing_is_for_a_terminal()
    {
        await _stage.RegisteredContentAsync("CS1", _stage.MakeFiles("files", ("a", [1])), Stage.FreePort(),
            "--data", _stage.MakeFolder("state"));
        await _stage.UntilPublishesOnAsync("CS1");
        _stage.MakeFiles("site", ("one", Stage.Noise(100_000)), ("two", [2]));
        string index = $"--index-port {_stage.IndexPort}", monitor = $"--monitor-tcp-port {Stage.FreePort()}";
        foreach (string verb in (string[])
        [
            $"put site/one {index} --replicas 1", $"put site www {index} --replicas 1",
            $"sync site www --delete {index} --replicas 1", $"get one {index}", $"get one a {index} --out there/",
            $"ls {index}", $"stat one {index}", $"servers {index} {monitor}", $"status {index}", $"releases {index}",
            $"policy list {index}", $"token list {index}", $"purge /a {index}", $"top {Admin}", $"logs {Admin}",
            $"explain a {Admin}", $"notify list {Admin}", $"doctor {index} {monitor} {Admin}", "--help", "get --help",
        ])
        {
            RunningProcess process = _stage.MicroCdn(verb.Split(' '));
            int code = await process.UntilEndAsync();
            Assert.True(code is 0 or 1 or 7, $"{verb}: {code} and {process.Output}");
            Assert.True(!process.Output.Any(letter => char.IsControl(letter) && letter != '\n'),
                $"{verb}: {process.Output}");
        }
        await using SlowFile slow = new();
        RunningProcess get =
            _stage.MicroCdn("get", "big.bin", "--direct-host", "127.0.0.1", "--direct-port", $"{slow.Port}");
        await slow.WasAsked;
        slow.GoOn();
        Assert.Equal(0, await get.UntilEndAsync());
        Assert.Equal($"saved downloads/big.bin ({SlowFile.Bytes} bytes from 127.0.0.1:{slow.Port})", get.Output);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(Interrupt, 130)]
    [InlineData(Terminate, 130)]
    [InlineData(HangUp, 128 + HangUp)]
    [InlineData(Quit, 128 + Quit)]
    public async Task Top_gives_the_terminal_back_however_it_is_ended(int signal, int code)
    {
        Terminal top = new(_stage, $"top {Admin}");
        await top.UntilAsync("q ends");
        if (signal == 0) top.Press("q");
        else if (signal == Interrupt) top.Press("\x03");
        else RunningProcess.Send(signal, top.Id);
        Assert.Equal(code, await top.UntilEndAsync());
        AssertGivenBack(top);
    }

    [Fact]
    public async Task Top_gives_the_terminal_back_when_it_hangs_and_is_told_twice()
    {
        Terminal top = new(_stage, $"top {Admin}");
        await top.UntilAsync("q ends");
        _index.Freeze();
        RunningProcess.Send(Terminate, top.Id);
        RunningProcess.Send(Terminate, top.Id);
        Assert.InRange(await top.UntilEndAsync(), 130, 128 + Terminate);
        AssertGivenBack(top);
    }

    [Fact]
    public async Task Top_gives_the_terminal_back_when_it_breaks_off_and_says_why()
    {
        Terminal top = new(_stage, $"top {Admin}");
        await top.UntilAsync("q ends");
        _index.Kill();
        await top.UntilAsync("NOT OF NOW");
        await using Liar liar = new(_stage.AdminPort);
        Assert.Equal(1, await top.UntilEndAsync());
        AssertGivenBack(top);
        Assert.Contains("is not what an index answers", top.Screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Top_ends_when_its_terminal_is_closed()
    {
        Terminal top = new(_stage, $"top {Admin}");
        await top.UntilAsync("q ends");
        int id = top.Id;
        top.Close();
        await Stage.UntilAsync("it is gone", Soon, () => Task.FromResult(!Directory.Exists($"/proc/{id}")));
    }

    private static void AssertGivenBack(Terminal top)
    {
        string screen = top.Screen;
        Assert.Contains(Taken, screen, StringComparison.Ordinal);
        int end = screen.LastIndexOf(GivenBack, StringComparison.Ordinal);
        Assert.True(end > screen.LastIndexOf(Taken, StringComparison.Ordinal), screen);
        // What the terminal is asked for behind it would stay: nothing is drawn any more.
        Assert.DoesNotContain("q ends", screen[end..], StringComparison.Ordinal);
        Assert.DoesNotContain("\e[?25l", screen[end..], StringComparison.Ordinal);
        Assert.Equal(top.Settings.Before, top.Settings.After);
        Assert.DoesNotContain("-echo ", top.Settings.After, StringComparison.Ordinal);
    }

    // Bold, and all colours; 0 is the end of them.
    [GeneratedRegex(@"\e\[[0-9;]*[1-9][0-9;]*m")]
    private static partial Regex Styles();

    /// <summary>A server of version 1 that sends half of a file, and the rest when it is told to.</summary>
    private sealed class SlowFile : IAsyncDisposable
    {
        public const int Bytes = 1 << 20;

        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly TaskCompletionSource _asked = new(), _mayGoOn = new();
        private readonly Task _work;

        public SlowFile()
        {
            _listener.Start();
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            _work = ServeAsync();
        }

        public int Port { get; }

        public Task WasAsked => _asked.Task.WaitAsync(Soon);

        public void GoOn() => _mayGoOn.TrySetResult();

        public async ValueTask DisposeAsync()
        {
            GoOn();
            _listener.Stop();
            await _work;
        }

        private async Task ServeAsync()
        {
            try
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                NetworkStream stream = client.GetStream();
                await stream.ReadExactlyAsync(new byte[1]);
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"OK {Bytes}\n"));
                await stream.WriteAsync(new byte[Bytes / 2]);
                _asked.TrySetResult();
                await _mayGoOn.Task;
                await stream.WriteAsync(new byte[Bytes / 2]);
                while (await stream.ReadAsync(new byte[1024]) > 0)
                {
                    // Until it has all and closes.
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                // Whoever asked is gone, or the test is over.
            }
        }
    }

    /// <summary>Something else at the port of an index: it answers everything with an empty object.</summary>
    private sealed class Liar : IAsyncDisposable
    {
        private static readonly byte[] Answer = Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");

        private readonly TcpListener _listener;
        private readonly Task _work;

        public Liar(int port)
        {
            _listener = new TcpListener(IPAddress.Loopback, port);
            _listener.Start();
            _work = ServeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _work;
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync();
                    _ = await client.GetStream().ReadAsync(new byte[4096]);
                    await client.GetStream().WriteAsync(Answer);
                    client.Client.Shutdown(SocketShutdown.Send);
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                // The test is over.
            }
        }
    }
}
