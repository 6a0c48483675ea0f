using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Real downloads that lose their server, or their own process, on the way.</summary>
public sealed class DownloadTests
{
    private const int MiB = 1024 * 1024;
    // The part is as long as the file from the start; behind its head the journal has a byte for each mebibyte.
    private const int HeadBytes = 88;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_client_that_was_killed_goes_on_where_it_was()
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(200 * MiB);
        await ServeAsync(stage, bytes, "CS1");
        string part = Path.Combine(stage.Folder, "got.bin.part");
        RunningProcess client = Get(stage);
        await UntilHalfAsync(client, part);
        client.Kill();
        await client.UntilEndAsync(Soon);
        Assert.SkipWhen(File.Exists(Path.Combine(stage.Folder, "got.bin")), "this machine was faster than the kill");

        RunningProcess again = Get(stage);
        Assert.True(await again.UntilEndAsync(Soon) == 0, again.Output);
        Assert.Contains("going on with 'big.bin'", again.Output, StringComparison.Ordinal);
        Assert.Contains("were there already", again.Output, StringComparison.Ordinal);
        CheckSaved(stage, bytes);
        Assert.False(File.Exists(part));
    }

    [Fact]
    public async Task A_server_that_is_killed_in_mid_file_is_replaced_by_the_others()
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(200 * MiB);
        RunningProcess[] servers = await ServeAsync(stage, bytes, "CS1", "CS2", "CS3");
        string part = Path.Combine(stage.Folder, "got.bin.part");
        RunningProcess client = Get(stage);
        await UntilHalfAsync(client, part);
        servers[0].Kill();
        servers[1].Kill();
        Assert.True(await client.UntilEndAsync(Soon) == 0, client.Output);
        CheckSaved(stage, bytes);
    }

    [Fact]
    public async Task Control_C_keeps_what_a_large_download_has_and_says_how_to_go_on()
    {
        await using Stage stage = new();
        await ServeAsync(stage, Stage.Noise(200 * MiB), "CS1");
        string part = Path.Combine(stage.Folder, "got.bin.part");
        RunningProcess client = Get(stage);
        await UntilHalfAsync(client, part);
        client.PressControlC();
        int code = await client.UntilEndAsync(Soon);
        Assert.SkipWhen(code == 0, "this machine was faster than Ctrl-C");
        Assert.Equal(130, code);
        Assert.Contains("the same command goes on from there", client.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(part));
    }

    [Fact]
    public async Task A_file_whose_bytes_rot_everywhere_is_exit_code_5_and_nothing_is_saved()
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(3 * MiB);
        await ServeAsync(stage, bytes, "CS1");
        // Size and time stay: nobody can tell but by reading.
        bytes[(2 * MiB) + 7] ^= 1;
        string served = Path.Combine(stage.Folder, "files", "big.bin");
        using (FileStream file = new(served, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Write(bytes);
        }
        File.SetLastWriteTimeUtc(served, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        RunningProcess client = Get(stage);
        Assert.True(await client.UntilEndAsync(Soon) == 5, client.Output);
        Assert.Contains("CS1", client.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(stage.Folder, "got.bin")));
    }

    [Fact]
    public async Task By_way_of_a_gateway_a_file_comes_over_HTTP_and_is_verified_too()
    {
        await using Stage stage = new();
        int gateway = Stage.FreePort();
        byte[] bytes = Stage.Noise(10 * MiB);
        await stage.IndexAsync("--http-port", $"{gateway}");
        string folder = stage.MakeFiles("files", ("some where/big%.bin", bytes));
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort(), "--http-port", $"{Stage.FreePort()}");
        await stage.RegisteredContentAsync("CS2", folder, Stage.FreePort(), "--http-port", $"{Stage.FreePort()}");
        await Stage.UntilAsync("the chunk root is known", Soon, async () => (await Stage.ConverseAsync(
            stage.IndexPort, "HELLO 2\nLOCATE some%20where/big%25.bin\n")).Contains(" chunks=", StringComparison.Ordinal));
        RunningProcess client = stage.MicroCdn(
            "get", "some where/big%.bin", "--out", "got.bin", "--gateway", $"http://127.0.0.1:{gateway}");
        Assert.True(await client.UntilEndAsync(Soon) == 0, client.Output);
        CheckSaved(stage, bytes);
        RunningProcess nope = stage.MicroCdn("get", "nope", "--gateway", $"http://127.0.0.1:{gateway}");
        Assert.Equal(3, await nope.UntilEndAsync(Soon));
    }

    // A signal cuts a sendfile short while its socket has room: of that epoll never tells.
    [Fact]
    public async Task A_download_goes_on_though_its_server_is_frozen_and_thawed_again_and_again()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        byte[] bytes = Stage.Noise(100 * MiB);
        RunningProcess server = stage.Content("CS1", stage.MakeFiles("files", ("big.bin", bytes)), port);
        await server.UntilSaidAsync("computed 1 digests");
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync("GET big.bin\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using CancellationTokenSource over = new();
        Task freezing = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                server.Freeze();
                await Stage.PassAsync(TimeSpan.FromMilliseconds(5), "it is frozen while it sends");
                server.Thaw();
                await Stage.PassAsync(TimeSpan.FromMilliseconds(5), "it sends on");
            }
        }, TestContext.Current.CancellationToken);
        byte[] came = new byte[bytes.Length + $"OK {bytes.Length}\n".Length];
        try
        {
            for (int length = 0; length < came.Length;)
            {
                using CancellationTokenSource late = new(Soon);
                int got = await stream.ReadAsync(came.AsMemory(length), late.Token);
                if (got == 0) Assert.Fail($"it ended after {length} bytes");
                length += got;
            }
        }
        finally
        {
            over.Cancel();
            await freezing;
        }
        Assert.True(came.AsSpan(came.Length - bytes.Length).SequenceEqual(bytes));
    }

    private static Task UntilHalfAsync(RunningProcess client, string part) =>
        Stage.UntilAsync("it has some of the file", Soon, () => Task.FromResult(client.HasExited
            || (File.Exists(part + ".marks") && new FileInfo(part + ".marks").Length > HeadBytes + 30)));

    private static void CheckSaved(Stage stage, byte[] bytes) =>
        Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(stage.Folder, "got.bin"))));

    private static RunningProcess Get(Stage stage) =>
        stage.MicroCdn("get", "big.bin", "--out", "got.bin", "--index", $"127.0.0.1:{stage.IndexPort}");

    private static async Task<RunningProcess[]> ServeAsync(Stage stage, byte[] bytes, params string[] ids)
    {
        await stage.IndexAsync();
        string folder = stage.MakeFiles("files", ("big.bin", bytes));
        List<RunningProcess> servers = [];
        foreach (string id in ids)
        {
            servers.Add(await stage.RegisteredContentAsync(id, folder, Stage.FreePort()));
        }
        await Stage.UntilAsync("every chunk root is known", Soon, async () =>
        {
            string answer = await Stage.ConverseAsync(stage.IndexPort, "HELLO 2\nLOCATE big.bin\n");
            return answer.Contains(" chunks=", StringComparison.Ordinal)
                && answer.Split("SERVER ").Length == ids.Length + 1;
        });
        return [.. servers];
    }
}
