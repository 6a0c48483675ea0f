namespace MicroCdn.ClusterTests.Processes;

/// <summary>Foreign version 1 content servers against our index, monitor and client.</summary>
[Trait("Needs", "python3")]
public sealed class ForeignServerTests
{
    [Theory]
    [InlineData("one-answer")]
    [InlineData("keep-open,keep-registered")]
    [InlineData("localhost,update-load")]
    [InlineData("small-recv")]
    [InlineData("slow")]
    [InlineData("unknown-close")]
    public async Task It_registers_beats_serves_and_is_missed_when_killed(string style)
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(30_000);
        string folder = stage.MakeFiles("one", ("a.bin", bytes), ("empty", []));
        RunningProcess monitor = await stage.MonitorAsync("--timeout", "4");
        RunningProcess index = await stage.IndexAsync();
        RunningProcess foreign = await ForeignPeer.ContentAsync(stage, "PY1", folder, Stage.FreePort(), style);
        await index.UntilLineAsync("PY1 registered 2 files");
        await monitor.UntilLineAsync("PY1 is alive");

        (int code, string output) = await stage.GetAsync("a.bin", "empty", "--out", "got/");
        Assert.True(code == 0, output + foreign.Output);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got", "a.bin")));
        Assert.DoesNotContain("UNEXPECTED", foreign.Output, StringComparison.Ordinal);

        foreign.Kill();
        await monitor.UntilLineAsync("PY1 is dead");
        await Stage.UntilAsync("it is no longer named", TimeSpan.FromSeconds(2), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET a.bin\n")).Contains("NOT_FOUND", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("die-mid-file")]
    [InlineData("stall")]
    [InlineData("lie-size")]
    public async Task When_it_fails_in_the_middle_the_client_ends_with_the_whole_file_from_another(string style)
    {
        await using Stage stage = new();
        byte[] bytes = Stage.Noise(300_000);
        string bad = stage.MakeFiles("bad", ("a.bin", bytes));
        string good = stage.MakeFiles("good", ("a.bin", bytes));
        RunningProcess index = await stage.IndexAsync();
        int port = Stage.FreePort();
        await ForeignPeer.ContentAsync(stage, "BAD", bad, port, style);
        await index.UntilLineAsync("BAD registered");
        await stage.RegisteredContentAsync("GOOD", good, Stage.FreePort());
        // Ask until the next client is sent to the bad one: both have no load, so answers take turns.
        await Stage.UntilAsync("the good one was named last", TimeSpan.FromSeconds(5), async () =>
            (await Stage.ConverseAsync(stage.IndexPort, "GET a.bin\n")).Contains("GOOD", StringComparison.Ordinal));

        (int code, string output) = await stage.GetAsync("a.bin", "--out", "got.bin");
        Assert.True(code == 0, output);
        Assert.Contains("from GOOD", output, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(stage.Folder, "got.bin")));
    }

    [Fact]
    public async Task Its_names_with_raw_spaces_are_taken_and_found()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("one", ("my summer holiday.txt", "sun"u8.ToArray()), ("100%.txt", "all"u8.ToArray()));
        RunningProcess index = await stage.IndexAsync();
        await ForeignPeer.ContentAsync(stage, "PY1", folder, Stage.FreePort(), "spaces");
        await index.UntilLineAsync("PY1 registered 2 files");
        (int code, string output) = await stage.GetAsync("my summer holiday.txt", "100%.txt", "--out", "got/");
        Assert.True(code == 0, output);
        Assert.Equal("sun", await File.ReadAllTextAsync(Path.Combine(stage.Folder, "got", "my summer holiday.txt")));
    }
}
