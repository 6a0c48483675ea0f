namespace MicroCdn.ClusterTests.Processes;

/// <summary>Foreign version 1 indexes and monitors against our content servers, client, index and monitor.</summary>
[Trait("Needs", "python3")]
public sealed class ForeignIndexTests
{
    [Theory]
    [InlineData("keep-open", "keep-open")]
    [InlineData("one-answer", "one-answer")]
    [InlineData("silent-down,no-load", "scan-slow")]
    [InlineData("small-recv,subscribe", "unknown-close")]
    [InlineData("unknown-silent,one-recv", "keep-open")]
    [InlineData("unknown-close", "keep-open")]
    [InlineData("hello-loose", "keep-open")]
    public async Task A_foreign_index_and_monitor_know_our_server_and_send_our_client_to_it(string index, string monitor)
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(100_000);
        string folder = stage.MakeFiles("one", ("a.bin", bytes), ("docs/b.txt", "b"u8.ToArray()));
        RunningProcess foreignMonitor = await ForeignPeer.MonitorAsync(stage, monitor);
        RunningProcess foreignIndex = await ForeignPeer.IndexAsync(stage, index);
        RunningProcess content = stage.Content("CS1", folder, Stage.FreePort());
        await foreignIndex.UntilLineAsync("REGISTERED CS1");
        await foreignMonitor.UntilLineAsync("ALIVE CS1");

        (int code, string output) = await stage.GetAsync("a.bin", "docs/b.txt", "--out", "got/");
        Assert.True(code == 0, output + foreignIndex.Output);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got", "a.bin")));
        Assert.Equal(3, (await stage.GetAsync("nope")).Code);

        content.Kill();
        await foreignMonitor.UntilLineAsync("DEAD CS1");
        await foreignIndex.UntilLineAsync("DOWN CS1");
        // The content server asks the index once, and so does the client for each of the two files that it asks for at
        // the same moment; the second client remembers what the first one learned.
        AssertNothingUnexpected(foreignIndex.Output, 8);
        AssertNothingUnexpected(foreignMonitor.Output);
    }

    [Theory]
    [InlineData("keep-open")]
    [InlineData("one-answer")]
    [InlineData("silent-down")]
    [InlineData("subscribe")]
    public async Task Our_monitor_tells_a_foreign_index_of_a_death(string style)
    {
        await using Stage stage = new();
        RunningProcess monitor = await stage.MonitorAsync("--timeout", "4");
        RunningProcess index = await ForeignPeer.IndexAsync(stage, style);
        RunningProcess content = stage.Content("CS1", stage.MakeFiles("one", ("a", "a"u8.ToArray())), Stage.FreePort());
        await index.UntilLineAsync("REGISTERED CS1");
        await monitor.UntilLineAsync("CS1 is alive");
        content.Kill();
        await monitor.UntilLineAsync("CS1 is dead");
        await index.UntilLineAsync("DOWN CS1");
        AssertNothingUnexpected(index.Output);
    }

    [Theory]
    [InlineData("keep-open")]
    [InlineData("one-answer")]
    [InlineData("unknown-silent")]
    public async Task Our_index_learns_of_death_and_return_from_a_foreign_monitor(string style)
    {
        await using Stage stage = new();
        RunningProcess monitor = await ForeignPeer.MonitorAsync(stage, style);
        await stage.IndexAsync();
        RunningProcess content =
            await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a", "a"u8.ToArray())), Stage.FreePort());
        await monitor.UntilLineAsync("ALIVE CS1");
        content.Freeze();
        await monitor.UntilLineAsync("DEAD CS1");
        await Stage.UntilAsync("it is no longer named", TimeSpan.FromSeconds(3), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET a\n")).Contains("NOT_FOUND", StringComparison.Ordinal));
        content.Thaw();
        await monitor.UntilLineAsync("ALIVE CS1");
        await Stage.UntilAsync("it is named again", TimeSpan.FromSeconds(1), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET a\n")).Contains("CS1", StringComparison.Ordinal));
        AssertNothingUnexpected(monitor.Output);
    }

    // HELLO 2 is how a peer of version 1 is told from one of version 2: ours ask it now and then, never all the time,
    // and everything else is version 1.
    private static void AssertNothingUnexpected(string output, int most = 12)
    {
        string[] unexpected = [.. output.Split('\n').Where(line => line.Contains("UNEXPECTED", StringComparison.Ordinal))];
        Assert.DoesNotContain(unexpected, line => line != "UNEXPECTED line 'HELLO 2'");
        Assert.InRange(unexpected.Length, 0, most);
    }
}
