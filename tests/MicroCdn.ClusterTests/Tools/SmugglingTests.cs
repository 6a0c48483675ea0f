using System.Collections.Concurrent;
using System.Text;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Nobody's request rides in another's: not at our own port, and not behind proxies of others.</summary>
public sealed class SmugglingTests(SmugglingTests.Server server) : IClassFixture<SmugglingTests.Server>
{
    // Proxies give up a request that never ends after five seconds; the rest is for a slow machine.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private int _broken;

    [Fact]
    public async Task Every_probe_is_answered_once_or_refused_once_and_closed()
    {
        Assert.True(SmugglingProbes.All.Length >= 40);
        string[] wrong = await EachAsync(async number =>
        {
            (string name, string expected, _) = SmugglingProbes.All[number];
            List<RawResponse> responses = await AskAsync(server.Edge.HttpPort, number);
            string got = string.Join(' ', responses.Select(response =>
                response.Body == $"sentinel-{number}.txt" ? "sentinel" : $"{response.Status}"));
            return got == expected ? null : $"{name}: expected {expected}, got {got}";
        });
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("nginx")]
    [InlineData("haproxy")]
    [InlineData("varnish")]
    public async Task Behind_a_proxy_no_request_is_counted_differently_in_front_and_behind(string proxy)
    {
        await using Tap tap = new(server.Edge.HttpPort);
        ConcurrentDictionary<int, string> inFront = [];
        await using (Stage stage = new())
        {
            int port = await ReverseProxies.StartAsync(stage, proxy, tap.Port);
            Assert.Empty(await EachAsync(number => SmugglingProbes.AnsweredOtherwise.Contains(SmugglingProbes.All[number].Name)
                ? Task.FromResult<string?>(null) : AskInFrontAsync(port, number, inFront)));
            await AssertHonestAreServedAsync(port, inFront);
        }
        // As many answers behind as in front. Only a refusal that broke off a body still being sent may have become the
        // proxy's own word for a gateway that failed.
        Dictionary<int, RawResponse> behind = await tap.UntilAllEndAsync();
        foreach ((int id, RawResponse response) in behind)
        {
            if (response.Body == ReverseProxies.Ready) behind.Remove(id);
        }
        Assert.True(inFront.Count >= SmugglingProbes.All.Length / 4, $"only {inFront.Count} passed");
        Assert.Empty(inFront.Keys.Except(behind.Keys));
        RawResponse[] lost = [.. behind.Where(one => !inFront.ContainsKey(one.Key)).Select(one => one.Value)];
        Assert.True(lost.Length <= _broken && lost.All(one => one.Status is 400 or 413),
            $"answered, and not asked for in front: {string.Join(", ", lost.Select(one => $"{one.Status} {one.Body}"))}");
    }

    // Notes every response of ours that came through; what is wrong with one, or null.
    private async Task<string?> AskInFrontAsync(int port, int number, ConcurrentDictionary<int, string> inFront)
    {
        string[] own = [$"probe-{number}.txt", $"sentinel-{number}.txt", $"smuggled-{number:000}"];
        foreach (RawResponse response in await AskAsync(port, number))
        {
            if (response.Status is 502 or 503) Interlocked.Increment(ref _broken);
            if (response.Field(Tap.Field) is not { } id) continue;
            if (!inFront.TryAdd(int.Parse(id, null), response.Body)) return $"response {id} came twice";
            if (response.Status == 200 && !own.Contains(response.Body)) return $"{number} got {response.Body}";
        }
        return null;
    }

    // The proxy still gives everyone what is his, over the connections that it kept.
    private static async Task AssertHonestAreServedAsync(int port, ConcurrentDictionary<int, string> inFront)
    {
        for (int number = 0; number < 20; number++)
        {
            using RawConnection honest = await RawConnection.OpenAsync(port);
            await honest.SendAsync($"GET /probe-{number}.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            RawResponse response = Assert.Single(await honest.ReadAllAsync(Patience));
            Assert.Equal($"probe-{number}.txt", response.Body);
            Assert.True(inFront.TryAdd(int.Parse(response.Field(Tap.Field)!, null), response.Body));
        }
    }

    // Runs something for every probe, a few at a time; what each finds wrong.
    private static async Task<string[]> EachAsync(Func<int, Task<string?>> run)
    {
        ConcurrentBag<string> wrong = [];
        ParallelOptions options = new() { MaxDegreeOfParallelism = 24 };
        await Parallel.ForAsync(0, SmugglingProbes.All.Length, options, async (number, _) =>
        {
            string name = SmugglingProbes.All[number].Name;
            try
            {
                if (await run(number) is { } found) wrong.Add(found);
            }
            catch (Exception exception) when (exception is InvalidDataException or OperationCanceledException or FormatException)
            {
                wrong.Add($"{name}: {exception.Message}");
            }
        });
        return [.. wrong.Order()];
    }

    // Sends a probe, and on the same connection a request that asks to close; all that comes back.
    private static async Task<List<RawResponse>> AskAsync(int port, int number)
    {
        string smuggled = $"GET /smuggled-{number:000} HTTP/1.1\r\nHost: x\r\n\r\n";
        string bytes = SmugglingProbes.All[number].Bytes.Replace("@", $"probe-{number}.txt", StringComparison.Ordinal)
            .Replace("%S", smuggled, StringComparison.Ordinal);
        using RawConnection connection = await RawConnection.OpenAsync(port);
        await connection.SendAsync(
            $"{bytes}GET /sentinel-{number}.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return await connection.ReadAllAsync(Patience);
    }

    /// <summary>One server whose files tell their own names.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private readonly Stage _stage = new();

        internal Edge Edge { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            string files = _stage.MakeFiles("one", [.. Enumerable.Range(0, SmugglingProbes.All.Length)
                .SelectMany(n => new[] { $"probe-{n}.txt", $"sentinel-{n}.txt", $"smuggled-{n:000}" }).Append(ReverseProxies.Ready)
                .Select(name => (name, Encoding.UTF8.GetBytes(name)))]);
            Edge = await Edge.StartAsync(_stage, files);
        }

        public ValueTask DisposeAsync() => _stage.DisposeAsync();
    }
}
