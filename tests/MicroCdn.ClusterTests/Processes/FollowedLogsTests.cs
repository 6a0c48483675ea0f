using System.Text.Json;

namespace MicroCdn.ClusterTests.Processes;

/// <summary><c>logs --follow</c> over restarts of a real index: it goes on by itself, and tells each event once.</summary>
public sealed class FollowedLogsTests : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private readonly int _httpPort = Stage.FreePort();

    private string[] Admin => ["--admin", $"http://127.0.0.1:{_stage.AdminPort}"];

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task They_go_on_over_restarts_with_all_that_the_index_still_tells_and_nothing_twice()
    {
        RunningProcess index = await StartAsync();
        await index.UntilSaidAsync("the first token");
        RunningProcess logs = _stage.MicroCdn(["logs", "--follow", "--json", .. Admin]);
        await TestEventAsync();
        await logs.UntilLineAsync("\"kind\":\"test\"");
        for (int round = 0; round < 4; round++)
        {
            if (round % 2 == 0) index.Kill();
            else index.AskToEnd();
            await index.UntilEndAsync();
            await logs.UntilLineAsync("Trying on; Ctrl-C ends it.");
            index = await StartAsync();
            // Some before it is there again, some after.
            for (int more = 0; more < 3; more++) await TestEventAsync();
            await logs.UntilLineAsync("the index tells again what happens.");
            await TestEventAsync();
            long[] told = await ListAsync();
            Assert.True(told.Length >= 4, $"{told.Length} events");
            await Stage.UntilAsync("all of them were told", Soon,
                () => Task.FromResult(told.All(Followed(logs).Contains)));
            Assert.Equal(told, Followed(logs)[^told.Length..]);
        }
        long[] all = Followed(logs);
        Assert.Equal(all.Order().Distinct(), all);
        Assert.False(logs.HasExited);
        logs.PressControlC();
        Assert.Equal(130, await logs.UntilEndAsync());
    }

    private async Task<RunningProcess> StartAsync()
    {
        RunningProcess index = await _stage.IndexAsync("--http-port", $"{_httpPort}", "--notify-command", "true");
        await index.UntilSaidAsync("admin: listens on");
        return index;
    }

    private async Task TestEventAsync()
    {
        RunningProcess test = _stage.MicroCdn(["notify", "test", .. Admin]);
        Assert.True(await test.UntilEndAsync() == 0, test.Output);
    }

    private async Task<long[]> ListAsync()
    {
        RunningProcess logs = _stage.MicroCdn(["logs", "--json", .. Admin]);
        Assert.True(await logs.UntilEndAsync() == 0, logs.Output);
        return IdsOf(logs.Output);
    }

    private static long[] Followed(RunningProcess logs) => IdsOf(logs.Output);

    private static long[] IdsOf(string output) => [.. output.Split('\n').Where(line => line.StartsWith('{'))
        .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetInt64())];
}
