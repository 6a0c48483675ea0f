using System.Collections.Concurrent;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Several indexes that share one Redis, and two content servers that know all of them.</summary>
internal sealed class IndexFleet : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage;
    private readonly CancellationTokenSource _enough = new();
    private readonly ConcurrentQueue<string> _failures = [];
    private readonly List<Task> _lookups = [];
    private int _found;

    private IndexFleet(Stage stage, string store, int indexes)
    {
        _stage = stage;
        Ports = [.. Enumerable.Range(0, indexes).Select(_ => Stage.FreePort())];
        Indexes = [.. Ports.Select(port => stage.MicroCdn("index", "--port", $"{port}", "--bind", "127.0.0.1",
            "--advertise", "127.0.0.1", "--store", store, "--data", stage.MakeFolder($"index-{port}"),
            "--monitor-host", "127.0.0.1", "--monitor-tcp-port", $"{stage.MonitorTcpPort}"))];
    }

    public int[] Ports { get; }

    public RunningProcess[] Indexes { get; }

    /// <summary>Which one is the writer at the start.</summary>
    public int Writer => Array.FindIndex(
        Indexes, index => index.Output.Contains("this index is the writer", StringComparison.Ordinal));

    public static async Task<IndexFleet> StartAsync(Stage stage, string store, int indexes)
    {
        IndexFleet fleet = new(stage, store, indexes);
        await Stage.UntilAsync("one is the writer", Soon, () => Task.FromResult(fleet.Writer >= 0));
        RunningProcess[] contents = [.. new[] { "CS1", "CS2" }.Select(fleet.Content)];
        foreach (RunningProcess content in contents)
        {
            await Stage.UntilAsync("it takes orders of all indexes", Soon, () => Task.FromResult(
                content.Output.Split("is asked for orders").Length == indexes + 1));
        }
        return fleet;
    }

    /// <summary>Publishes a file on both servers; whichever index is asked. Of what is refused with the words that it
    /// may be tried again it tries so often.</summary>
    public async Task PutAsync(string name, int size = 1000, int tries = 1)
    {
        string file = Path.Combine(_stage.Folder, $"{name}-{size}");
        Stage.WriteFile(file, Stage.Noise(size));
        RunningProcess put = _stage.MicroCdn(
            ["put", file, name, .. Ports.SelectMany(port => new[] { "--index", $"127.0.0.1:{port}" })]);
        int code = await put.UntilEndAsync(Soon);
        if (code != 0 && tries > 1 && put.Output.Contains("Try again.", StringComparison.Ordinal))
        {
            await PutAsync(name, size, tries - 1);
            return;
        }
        Assert.True(code == 0, $"put {name}: {code}: {put.Output}\n"
            + string.Join('\n', Indexes.Select(index => index.Output)));
    }

    public Task UntilFoundAsync(int index, string name, int size = 1000) =>
        Stage.UntilAsync($"index {index} knows {name}", Soon, async () =>
            (await Stage.ConverseAsync(Ports[index], $"GET {name}\n")).EndsWith($" {size}\n", StringComparison.Ordinal));

    /// <summary>Asks some indexes for a file from now on, again and again.</summary>
    public void BeginLookups(string name, params int[] indexes) => _lookups.AddRange(indexes.Select(index =>
        Task.Run(async () =>
        {
            while (!_enough.IsCancellationRequested)
            {
                string answer = await Stage.ConverseAsync(Ports[index], $"GET {name}\n");
                if (answer.StartsWith("SERVER ", StringComparison.Ordinal)) Interlocked.Increment(ref _found);
                else _failures.Enqueue($"index {index}: {answer}");
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        })));

    /// <summary>Ends that; fails when one was not answered. How many were.</summary>
    public async Task<int> EndLookupsAsync()
    {
        await _enough.CancelAsync();
        await Task.WhenAll(_lookups);
        Assert.Empty(_failures);
        return _found;
    }

    public async ValueTask DisposeAsync()
    {
        await _enough.CancelAsync();
        await Task.WhenAll(_lookups).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _enough.Dispose();
    }

    private RunningProcess Content(string id) => _stage.MicroCdn(
        ["content", "--server-id", id, "--tcp-port", $"{Stage.FreePort()}", "--udp-port", $"{Stage.FreePort()}",
            "--data", _stage.MakeFolder($"state-{id}"), "--monitor-host", "127.0.0.1", "--monitor-tcp-port",
            $"{_stage.MonitorTcpPort}", .. Ports.SelectMany(port => new[] { "--index", $"127.0.0.1:{port}" })]);
}
