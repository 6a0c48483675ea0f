using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A slow line is no attack: what counts is what the reader takes, not what the kernel takes for it.</summary>
public abstract class SlowReaderTests(bool secure)
{
    [Fact]
    public async Task A_reader_above_1_KiB_a_second_is_never_cut_and_gets_every_byte_once()
    {
        await using Stage stage = new();
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("one", ("big.bin", Stage.Noise(SlowReader.Length))));
        await using Stream stream = await SlowReader.OpenAsync(edge, secure);
        // Fast at first, so that the kernel learns to hold megabytes for it; then each of them takes minutes.
        byte[] got = new byte[SlowReader.Length];
        int at = 0;
        while (at < SlowReader.Length / 2) at += await ReadAsync(stream, got.AsMemory(at, Math.Min(1 << 20, SlowReader.Length - at)), at);
        for (int second = 0; second < 66; second++)
        {
            at += await ReadAsync(stream, got.AsMemory(at, 8192), at);
            await Stage.PassAsync(TimeSpan.FromSeconds(1), "a slow line, judged by the server over 30 s, and once more");
        }
        // What the kernel held can be read even after a cut; what follows it cannot.
        while (at < SlowReader.Length) at += await ReadAsync(stream, got.AsMemory(at), at);
        Assert.True(got.AsSpan().SequenceEqual(Stage.Noise(SlowReader.Length)), "other bytes");
    }

    private static async Task<int> ReadAsync(Stream stream, Memory<byte> buffer, int at)
    {
        int read = await stream.ReadAsync(buffer);
        Assert.True(read > 0, $"cut at {at}");
        return read;
    }
}

/// <summary>Over clear text.</summary>
public sealed class SlowPlainReaderTests() : SlowReaderTests(secure: false);

/// <summary>Over TLS, with HTTP/1.1.</summary>
public sealed class SlowSecureReaderTests() : SlowReaderTests(secure: true);

/// <summary>Over TLS, and longer than the server thinks about a reader.</summary>
public sealed class PausingReaderTests
{
    [Fact]
    public async Task A_reader_that_pauses_gets_the_bytes_of_the_file_or_is_cut()
    {
        await using Stage stage = new();
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("one", ("big.bin", Stage.Noise(SlowReader.Length))));
        await using Stream stream = await SlowReader.OpenAsync(edge, secure: true);
        byte[] got = new byte[SlowReader.Length];
        int at = await stream.ReadAsync(got.AsMemory(0, 100_000));
        await Stage.PassAsync(TimeSpan.FromSeconds(33), "longer than the server thinks about a reader");
        try
        {
            while (at < SlowReader.Length && await stream.ReadAsync(got.AsMemory(at)) is > 0 and var read) at += read;
        }
        catch (IOException)
        {
            // Cut.
        }
        Assert.True(got.AsSpan(0, at).SequenceEqual(Stage.Noise(SlowReader.Length).AsSpan(0, at)), $"other bytes among {at}");
    }
}

/// <summary>Over TLS, where the kernel is not told of files.</summary>
public sealed class IdleReaderTests
{
    [Fact]
    public async Task Readers_that_take_nothing_are_shed_within_a_minute()
    {
        await using Stage stage = new();
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("one", ("big.bin", Stage.Noise(SlowReader.Length))));
        int quiet = edge.Sockets();
        List<Stream> crowd = [];
        try
        {
            for (int n = 0; n < 100; n++) crowd.Add(await SlowReader.OpenAsync(edge, secure: true));
            Assert.True(edge.Sockets() >= quiet + 100);
            // Thirty seconds for what the kernel took at once, thirty for what followed.
            await Stage.UntilAsync("all are shed", TimeSpan.FromSeconds(75), () => Task.FromResult(edge.Sockets() <= quiet));
        }
        finally
        {
            foreach (Stream stream in crowd) await stream.DisposeAsync();
        }
    }
}
