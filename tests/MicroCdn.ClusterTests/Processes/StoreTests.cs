using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Bytes are brought to a real content server that is killed at every stage of it.</summary>
public sealed class StoreTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task Killed_while_bytes_come_it_goes_on_where_it_was_and_what_it_called_stored_is_there_after_every_kill()
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise((20 * MiB) + 5), small = "small"u8.ToArray();
        int port = Stage.FreePort();
        RunningProcess content = await StartAsync(stage, port);
        Assert.Equal("OK STORED", await StoreAsync(port, small));
        content.Kill();
        await content.UntilEndAsync();

        long offset = 0;
        foreach (int many in new[] { 3 * MiB, (7 * MiB) + 100 })
        {
            content = await StartAsync(stage, port);
            using Upload upload = await Upload.BeginAsync(port, bytes);
            Assert.True(upload.Offset >= offset, $"{upload.Offset} after {offset}");
            offset = upload.Offset;
            await upload.SendAsync(many);
            // Whole mebibytes are written down as they come; the one that is under way is not.
            string part = $"{Hex(bytes)}.part.marks";
            await Stage.UntilAsync("they are written", TimeSpan.FromSeconds(20), () => Task.FromResult(
                Directory.EnumerateFiles(stage.Folder, part, SearchOption.AllDirectories)
                    .Any(marks => new FileInfo(marks).Length >= 88 + ((offset + many) / MiB))));
            content.Kill();
            await content.UntilEndAsync();
        }
        content = await StartAsync(stage, port);
        using (Upload last = await Upload.BeginAsync(port, bytes))
        {
            Assert.Equal(10 * MiB, last.Offset);
            await last.SendAsync(bytes.Length - (int)last.Offset);
            Assert.Equal("OK STORED", await last.ReadLineAsync());
        }
        content.Kill();
        await content.UntilEndAsync();

        content = await StartAsync(stage, port);
        foreach (byte[] one in new[] { bytes, small })
        {
            Assert.Equal("OK STORED", await StoreAsync(port, one));
            using Upload asked = await Upload.DialAsync(port);
            await asked.SayAsync($"RANGE 0 {one.Length} x sha256={Hex(one)}");
            Assert.Equal($"OK {one.Length}", await asked.ReadLineAsync());
            byte[] got = await asked.ReadAsync(one.Length);
            Assert.True(got.AsSpan().SequenceEqual(one));
        }
        Assert.Empty(Directory.EnumerateFiles(stage.Folder, "*.part*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Killed_at_any_moment_of_many_small_ones_it_lost_none_that_it_called_stored()
    {
        await using Stage stage = new();
        int port = Stage.FreePort();
        List<byte[]> stored = [];
        Random chance = new(1);
        for (int round = 0; round < 4; round++)
        {
            RunningProcess content = await StartAsync(stage, port);
            foreach (byte[] one in stored) Assert.Equal("OK STORED", await StoreAsync(port, one, mayBring: false));
            int until = stored.Count + 10 + chance.Next(60);
            Task[] bringing = [.. Enumerable.Range(0, 4).Select(lane => Task.Run(async () =>
            {
                for (int n = 0; ; n++)
                {
                    byte[] bytes = Stage.Noise(4096, seed: (round * 1_000_000) + (lane * 100_000) + n);
                    try
                    {
                        if (await StoreAsync(port, bytes) != "OK STORED") return;
                    }
                    catch (Exception exception) when (exception is IOException or SocketException)
                    {
                        return;
                    }
                    lock (stored)
                    {
                        stored.Add(bytes);
                        if (stored.Count == until) content.Kill();
                    }
                }
            }))];
            await Task.WhenAll(bringing);
            await content.UntilEndAsync();
        }
        RunningProcess last = await StartAsync(stage, port);
        foreach (byte[] one in stored) Assert.Equal("OK STORED", await StoreAsync(port, one, mayBring: false));
        Assert.DoesNotContain("damaged", last.Output, StringComparison.Ordinal);
    }

    // Without a folder of files: it holds what is published to it.
    private static async Task<RunningProcess> StartAsync(Stage stage, int port)
    {
        RunningProcess content = stage.MicroCdn("content", "--server-id", "CS1", "--tcp-port", $"{port}", "--udp-port",
            $"{Stage.FreePort()}", "--index-port", $"{stage.IndexPort}", "--monitor-udp-port", $"{stage.MonitorUdpPort}",
            "--monitor-tcp-port", $"{stage.MonitorTcpPort}", "--data", Path.Combine(stage.Folder, "data"),
            "--publish-free", "0");
        await content.UntilLineAsync("listens on");
        // It reads what it holds first.
        await Stage.UntilAsync("it takes uploads", TimeSpan.FromSeconds(10),
            async () => await StoreAsync(port, []) == "OK STORED");
        return content;
    }

    private static async Task<string> StoreAsync(int port, byte[] bytes, bool mayBring = true)
    {
        using Upload upload = await Upload.BeginAsync(port, bytes);
        if (upload.Refusal is { } answer) return answer;
        Assert.True(mayBring, "what was stored is gone");
        await upload.SendAsync(bytes.Length - (int)upload.Offset);
        return await upload.ReadLineAsync();
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private sealed class Upload(TcpClient client, byte[] bytes) : IDisposable
    {
        private int _sent;

        public long Offset { get; private set; }

        public string? Refusal { get; private set; }

        public static async Task<Upload> DialAsync(int port)
        {
            TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, port);
            Upload upload = new(client, []);
            await upload.SayAsync("HELLO 2");
            Assert.Equal("WELCOME MICRO-CDN 2", await upload.ReadLineAsync());
            return upload;
        }

        public static async Task<Upload> BeginAsync(int port, byte[] bytes)
        {
            Upload upload = new((await DialAsync(port)).Client, bytes);
            await upload.SayAsync($"STORE {bytes.Length} sha256={Hex(bytes)} put=test");
            string answer = await upload.ReadLineAsync();
            if (answer.StartsWith("SEND ", StringComparison.Ordinal))
            {
                upload.Offset = long.Parse(answer.AsSpan(5), CultureInfo.InvariantCulture);
                upload._sent = (int)upload.Offset;
            }
            else upload.Refusal = answer;
            return upload;
        }

        private TcpClient Client => client;

        public Task SayAsync(string line) => client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(line + "\n")).AsTask();

        public async Task SendAsync(int count)
        {
            await client.GetStream().WriteAsync(bytes.AsMemory(_sent, count));
            _sent += count;
        }

        public async Task<byte[]> ReadAsync(int count)
        {
            byte[] read = new byte[count];
            await client.GetStream().ReadExactlyAsync(read);
            return read;
        }

        public async Task<string> ReadLineAsync()
        {
            List<byte> line = [];
            byte[] one = new byte[1];
            while (await client.GetStream().ReadAsync(one) == 1 && one[0] != '\n') line.Add(one[0]);
            return Encoding.UTF8.GetString([.. line]);
        }

        public void Dispose() => client.Dispose();
    }
}
