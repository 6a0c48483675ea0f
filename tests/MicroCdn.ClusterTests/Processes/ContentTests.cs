using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A real content server and its folder: huge files, changes, replacements and edits during a download.</summary>
public sealed class ContentTests
{
    [Fact]
    public async Task Digests_are_kept_below_data_and_a_restart_computes_those_of_new_files_alone()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("one", ("a", "a"u8.ToArray()), ("docs/b c", Stage.Noise(3_000_000)));
        string data = Path.Combine(stage.Folder, "data");
        await stage.IndexAsync();
        RunningProcess content = stage.Content("CS1", folder, Stage.FreePort(), "--data", data);
        await content.UntilLineAsync("computed 2 digests");
        content.Kill();
        Assert.Equal(2, File.ReadAllLines(Path.Combine(data, "digests")).Length);

        Stage.WriteFile(Path.Combine(folder, "new"), "new"u8.ToArray());
        content = stage.Content("CS1", folder, Stage.FreePort(), "--data", data, "--zone", "upper hall", "--weight", "7");
        await content.UntilLineAsync("computed 1 digests");
        Assert.Equal(3, File.ReadAllLines(Path.Combine(data, "digests")).Length);
        await Stage.UntilAsync("it is named", TimeSpan.FromSeconds(5), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET new\n")).Contains("CS1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_sparse_file_of_five_GiB_arrives_whole_in_flat_memory()
    {
        await using Stage stage = new();
        const long size = 5L << 30;
        string folder = stage.MakeFolder("one");
        string path = Path.Combine(folder, "huge.img");
        byte[] end = "the end"u8.ToArray();
        await using (FileStream huge = new(path, FileMode.CreateNew))
        {
            huge.SetLength(size - end.Length);
            huge.Seek(0, SeekOrigin.End);
            await huge.WriteAsync(end);
        }
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        int port = Stage.FreePort();
        await stage.IndexAsync();
        RunningProcess content = await stage.RegisteredContentAsync("CS1", folder, port);
        await Stage.ConverseAsync(port, "GET nope\n");
        long before = content.ResidentKiB;

        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await client.GetStream().WriteAsync("GET huge.img\n"u8.ToArray());
        byte[] buffer = new byte[1 << 20];
        byte[] tail = [];
        string header = $"OK {size}\n";
        long total = 0;
        long peak = 0;
        while (total < header.Length + size)
        {
            int read = await client.GetStream().ReadAsync(buffer);
            Assert.True(read > 0, $"ended after {total} bytes");
            if (total == 0) Assert.Equal(header, Encoding.UTF8.GetString(buffer, 0, header.Length));
            total += read;
            tail = [.. tail.TakeLast(end.Length), .. buffer[Math.Max(0, read - end.Length)..read]];
            if (total % 97 == 0) peak = Math.Max(peak, content.ResidentKiB);
        }
        Assert.Equal(header.Length + size, total);
        Assert.Equal(end, tail[^end.Length..]);
        // The first digest loads the system's cryptography, once and for some MiB, while the file is sent.
        Assert.True(peak - before < 16 * 1024, $"{peak - before} KiB more");
    }

    [Fact]
    public async Task Hundreds_of_downloads_at_once_are_all_whole_in_flat_memory()
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(2_000_000);
        int port = Stage.FreePort();
        await stage.IndexAsync();
        RunningProcess content =
            await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a.bin", bytes)), port);
        Assert.Equal(bytes, await DownloadAsync(port, "a.bin"));
        long before = content.ResidentKiB;
        byte[][] all = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => DownloadAsync(port, "a.bin")));
        Assert.All(all, got => Assert.True(got.AsSpan().SequenceEqual(bytes)));
        Assert.True(content.ResidentKiB - before < 32 * 1024, $"{content.ResidentKiB - before} KiB more");
    }

    [Fact]
    public async Task Added_changed_and_removed_files_are_known_within_two_seconds()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()));
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort());

        await File.WriteAllTextAsync(Path.Combine(folder, "b.txt"), "bb");
        await UntilIndexSaysAsync(stage, "GET b.txt\n", " 2\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "b.txt"), "bbbb");
        await UntilIndexSaysAsync(stage, "GET b.txt\n", " 4\n");
        Directory.CreateDirectory(Path.Combine(folder, "new", "deep"));
        await File.WriteAllTextAsync(Path.Combine(folder, "new", "deep", "c.txt"), "ccc");
        await UntilIndexSaysAsync(stage, "GET new/deep/c.txt\n", " 3\n");
        Directory.Move(Path.Combine(folder, "new"), Path.Combine(folder, "moved"));
        await UntilIndexSaysAsync(stage, "GET moved/deep/c.txt\n", " 3\n");
        await UntilIndexSaysAsync(stage, "GET new/deep/c.txt\n", "ERROR FILE_NOT_FOUND");
        File.Delete(Path.Combine(folder, "b.txt"));
        await UntilIndexSaysAsync(stage, "GET b.txt\n", "ERROR FILE_NOT_FOUND");
        await UntilIndexSaysAsync(stage, "GET a.txt\n", " 1\n");
    }

    [Fact]
    public async Task Tens_of_thousands_of_short_connections_are_all_answered_right()
    {
        await using Stage stage = new();
        (string Name, byte[] Bytes)[] files =
            [.. Enumerable.Range(0, 8).Select(n => ($"f{n}", Stage.Noise(3000 + n, seed: n)))];
        int port = Stage.FreePort();
        await stage.IndexAsync();
        RunningProcess content = await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", files), port);
        await Task.WhenAll(files.Select(file => Task.Run(async () =>
        {
            for (int n = 0; n < 3000; n++)
            {
                byte[] got = await DownloadAsync(port, file.Name);
                Assert.True(got.AsSpan().SequenceEqual(file.Bytes), $"{file.Name}, download {n}: {got.Length} bytes");
            }
        })));
        Assert.DoesNotContain("error", content.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_replaced_by_rename_is_never_missed()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("one", ("a.txt", "0"u8.ToArray()));
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort());
        for (int n = 1; n <= 20; n++)
        {
            string next = Path.Combine(stage.Folder, "next");
            await File.WriteAllTextAsync(next, $"{n % 10}");
            File.Move(next, Path.Combine(folder, "a.txt"), overwrite: true);
            for (int asked = 0; asked < 3; asked++)
            {
                (int code, string output) = await stage.GetAsync("a.txt", "--out", "got.txt");
                Assert.True(code == 0, output);
            }
        }
    }

    [Fact]
    public async Task A_folder_that_is_replaced_by_another_is_served_and_watched_on()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()));
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort());
        Directory.Move(folder, folder + ".gone");
        await UntilIndexSaysAsync(stage, "GET a.txt\n", "ERROR FILE_NOT_FOUND", seconds: 4);
        stage.MakeFiles("one", ("b.txt", "bb"u8.ToArray()));
        await UntilIndexSaysAsync(stage, "GET b.txt\n", " 2\n", seconds: 4);
        Stage.WriteFile(Path.Combine(folder, "c.txt"), "ccc"u8.ToArray());
        await UntilIndexSaysAsync(stage, "GET c.txt\n", " 3\n");
    }

    [Fact]
    public async Task A_file_replaced_by_rename_during_a_download_finishes_from_the_old_one()
    {
        await using Stage stage = new();
        byte[] old = Stage.Noise(40_000_000, seed: 1);
        byte[] next = Stage.Noise(40_000_000, seed: 2);
        string folder = stage.MakeFiles("one", ("a.bin", old));
        string waiting = stage.MakeFiles("waiting", ("a.bin", next));
        int port = Stage.FreePort();
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, port);

        using TcpClient client = await StartDownloadAsync(port, "a.bin");
        File.Move(Path.Combine(waiting, "a.bin"), Path.Combine(folder, "a.bin"), overwrite: true);
        byte[] got = await FinishDownloadAsync(client, old.Length);
        Assert.True(got.AsSpan().SequenceEqual(old));
        await Stage.UntilAsync("the new one is served", TimeSpan.FromSeconds(2), async () =>
            (await DownloadAsync(port, "a.bin")).AsSpan().SequenceEqual(next));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_edited_or_truncated_in_place_during_a_download_is_cut_short_at_once(bool truncated)
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(40_000_000);
        string folder = stage.MakeFiles("one", ("a.bin", bytes));
        int port = Stage.FreePort();
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, port);

        using TcpClient client = await StartDownloadAsync(port, "a.bin");
        await using (FileStream edited = new(Path.Combine(folder, "a.bin"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            edited.Seek(-1000, SeekOrigin.End);
            await edited.WriteAsync(new byte[500]);
            if (truncated) edited.SetLength(30_000_000);
        }
        byte[] got = await FinishDownloadAsync(client, bytes.Length).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.True(got.Length < bytes.Length, "the last byte was sent");
    }

    private static Task UntilIndexSaysAsync(Stage stage, string line, string answer, int seconds = 2) =>
        Stage.UntilAsync($"'{line.Trim()}' is answered '{answer.Trim()}'", TimeSpan.FromSeconds(seconds), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, line))
                .Contains(answer, StringComparison.Ordinal));

    private static async Task<byte[]> DownloadAsync(int port, string name)
    {
        using TcpClient client = await StartDownloadAsync(port, name);
        return await FinishDownloadAsync(client, int.MaxValue);
    }

    // Asks and takes nothing of the answer yet: the small window keeps the server in the middle of the file.
    private static async Task<TcpClient> StartDownloadAsync(int port, string name)
    {
        TcpClient client = new() { ReceiveBufferSize = 32 * 1024 };
        await client.ConnectAsync(IPAddress.Loopback, port);
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"GET {name}\n"));
        Assert.Equal((byte)'O', client.GetStream().ReadByte());
        return client;
    }

    private static async Task<byte[]> FinishDownloadAsync(TcpClient client, int length)
    {
        NetworkStream stream = client.GetStream();
        StringBuilder header = new("O");
        for (int value = 0; value != '\n'; header.Append((char)value)) value = stream.ReadByte();
        int announced = int.Parse(header.ToString().AsSpan(3).Trim(), System.Globalization.CultureInfo.InvariantCulture);
        byte[] bytes = new byte[Math.Min(announced, length)];
        int done = 0;
        try
        {
            while (done < bytes.Length && await stream.ReadAsync(bytes.AsMemory(done)) is > 0 and var read) done += read;
        }
        catch (IOException)
        {
            // Cut short.
        }
        return bytes[..done];
    }
}
