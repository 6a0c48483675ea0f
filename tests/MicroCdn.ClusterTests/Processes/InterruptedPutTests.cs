using System.Globalization;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Ctrl-C in the middle of a folder: what was published stays, and the same command goes on.</summary>
public sealed class InterruptedPutTests : IAsyncDisposable
{
    private const int Files = 200, LargeBytes = 200 << 20;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(45);

    private readonly Stage _stage = new();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_folder_that_was_interrupted_goes_on_by_the_same_command()
    {
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"));
        await _stage.RegisteredContentAsync("CS1", _stage.MakeFolder("files"), Stage.FreePort(),
            "--data", _stage.MakeFolder("state"));
        await _stage.UntilPublishesOnAsync("CS1");
        string folder = _stage.MakeFolder("app");
        for (int file = 0; file < Files; file++)
        {
            Stage.WriteFile(Path.Combine(folder, $"{file}.txt"), Stage.Noise(5000, file));
        }

        RunningProcess put = Put();
        await Stage.UntilAsync("some are published", Soon, async () => await CountAsync() > 5);
        put.PressControlC();
        Assert.Equal(130, await put.UntilEndAsync(Soon));
        Assert.DoesNotContain("   at ", put.Output, StringComparison.Ordinal);
        Assert.EndsWith("the same command goes on from there", put.Output, StringComparison.Ordinal);
        int there = await CountAsync();
        Assert.True(there < Files, "it was done before it was interrupted");

        RunningProcess again = Put();
        Assert.True(await again.UntilEndAsync(Soon) == 0, again.Output);
        string[] said = again.Output.Split('\n')[^1].Split(' ');
        int put2 = int.Parse(said[0], CultureInfo.InvariantCulture);
        Assert.InRange(put2, 1, Files - there);
        Assert.Contains($"published, {Files - put2} were there", again.Output, StringComparison.Ordinal);
        Assert.Equal(Files, await CountAsync());
    }

    [Fact]
    public async Task A_large_file_that_was_interrupted_goes_on_by_the_same_command()
    {
        await _stage.IndexAsync("--data", _stage.MakeFolder("index"));
        string state = _stage.MakeFolder("state");
        RunningProcess content = await _stage.RegisteredContentAsync("CS1", _stage.MakeFolder("files"),
            Stage.FreePort(), "--data", state);
        await _stage.UntilPublishesOnAsync("CS1");
        Stage.WriteFile(Path.Combine(_stage.Folder, "app"), Stage.Noise(LargeBytes));

        RunningProcess put = Put();
        await Stage.UntilAsync("some of it was brought", Soon, () => Task.FromResult(Brought(state) > 1 << 20));
        content.Freeze();
        put.PressControlC();
        int code = await put.UntilEndAsync(Soon);
        Assert.SkipWhen(code == 0, "this machine was faster than Ctrl-C");
        Assert.Equal(130, code);
        Assert.EndsWith("the same command goes on from there", put.Output, StringComparison.Ordinal);
        content.Thaw();

        RunningProcess again = Put();
        Assert.True(await again.UntilEndAsync(Soon) == 0, again.Output);
        Assert.StartsWith("published app (", again.Output, StringComparison.Ordinal);
    }

    private static long Brought(string state) => new DirectoryInfo(state)
        .EnumerateFiles("*", SearchOption.AllDirectories).Select(file => file.Length).DefaultIfEmpty().Max();

    private RunningProcess Put() =>
        _stage.MicroCdn("put", "app", "--replicas", "1", "--index-port", $"{_stage.IndexPort}");

    private async Task<int> CountAsync() =>
        (await Stage.ConverseAsync(_stage.IndexPort, "HELLO 2\nPUBLISHED app/\n")).Split("NAME ").Length - 1;
}
