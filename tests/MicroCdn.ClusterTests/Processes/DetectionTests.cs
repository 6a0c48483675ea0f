using System.Diagnostics;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Real processes that crash and hang: the index knows it long before version 1 would.</summary>
/// <remarks>The bars stand in issue 4 (50 ms, and one second); here they have room for a machine that is busy with
/// other tests. docs/reliability.md has what was measured.</remarks>
public sealed class DetectionTests
{
    private static readonly TimeSpan Crashed = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Hung = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task A_crash_a_hang_and_a_return_are_known_within_seconds()
    {
        await using Stage stage = new();
        await stage.MonitorAsync();
        RunningProcess index = await stage.IndexAsync();
        string files = stage.MakeFiles("files", ("hello.txt", [1]));
        int port = Stage.FreePort();
        RunningProcess first = await TetheredAsync("CS1", port);
        RunningProcess second = await TetheredAsync("CS2", Stage.FreePort());

        await Measure("CS1 crashes", first.Kill, index, "CS1 is dead", Crashed);
        await TetheredAsync("CS1", port);

        await Measure("CS2 hangs", second.Freeze, index, "CS2 is suspect", Hung);
        await index.UntilLineAsync("CS2 is dead", Hung);
        await Measure("CS2 goes on", second.Thaw, index, "CS2 is ", Hung);

        async Task<RunningProcess> TetheredAsync(string id, int at)
        {
            RunningProcess content = stage.Content(id, files, at);
            await content.UntilLineAsync($"holds the tether of {id}");
            await index.UntilLineAsync($"{id} registered");
            return content;
        }
    }

    private static async Task Measure(
        string what, Action happen, RunningProcess index, string line, TimeSpan most)
    {
        long began = Stopwatch.GetTimestamp();
        happen();
        await index.UntilLineAsync(line, most);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{what}: '{line}' after {Stopwatch.GetElapsedTime(began).TotalMilliseconds:F0} ms");
    }
}
