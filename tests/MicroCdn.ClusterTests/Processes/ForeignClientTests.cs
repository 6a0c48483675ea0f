namespace MicroCdn.ClusterTests.Processes;

/// <summary>Foreign version 1 clients against our index, monitor and content servers.</summary>
[Trait("Needs", "python3")]
public sealed class ForeignClientTests
{
    [Theory]
    [InlineData("")]
    [InlineData("no-hello")]
    [InlineData("byte-by-byte")]
    [InlineData("all-at-once")]
    [InlineData("one-connection")]
    [InlineData("header-byte-by-byte")]
    [InlineData("read-to-eof")]
    [InlineData("no-hello,byte-by-byte,one-connection")]
    public async Task It_downloads_every_file_whole(string style)
    {
        await using Stage stage = new();
        byte[] big = Stage.Noise(700_000);
        string folder = stage.MakeFiles("one", ("hello.txt", "Hello\n"u8.ToArray()), ("empty", []), ("big.bin", big));
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, Stage.FreePort());

        RunningProcess client = ForeignPeer.Client(stage, style, "hello.txt", "empty", "big.bin", "--out", "got/");
        Assert.True(await client.UntilEndAsync(TimeSpan.FromSeconds(90)) == 0, client.Output);
        Assert.DoesNotContain("UNEXPECTED", client.Output, StringComparison.Ordinal);
        Assert.Equal(big, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got", "big.bin")));
        Assert.Empty(await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got", "empty")));
    }

    [Fact]
    public async Task It_is_told_when_a_file_is_not_found_and_reads_every_list()
    {
        await using Stage stage = new();
        RunningProcess monitor = await stage.MonitorAsync();
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        await monitor.UntilLineAsync("CS1 is alive");

        RunningProcess missing = ForeignPeer.Client(stage, "", "nope.txt");
        Assert.Equal(3, await missing.UntilEndAsync());
        foreach ((string style, string expected) in new[]
            { ("list", "a.txt 1"), ("servers", "CS1"), ("monitor-servers", "CS1"), ("ping", "PONG") })
        {
            RunningProcess asks = ForeignPeer.Client(stage, style);
            Assert.True(await asks.UntilEndAsync() == 0, asks.Output);
            Assert.Contains(expected, asks.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("UNEXPECTED", asks.Output, StringComparison.Ordinal);
        }
    }
}
