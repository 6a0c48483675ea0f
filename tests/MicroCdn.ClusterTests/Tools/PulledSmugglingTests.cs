using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A cache of ours between clients and an origin: nobody's request rides in another's, and no answer in
/// another's.</summary>
public sealed class PulledSmugglingTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";
    private const string Evil = $"HTTP/1.1 200 OK\r\n{Keep}Content-Length: 4\r\n\r\nevil";
    private const string Ok = $"HTTP/1.1 200 OK\r\n{Keep}";
    private const string Chunked = $"{Ok}Transfer-Encoding: chunked\r\n";

    // Each ends in a whole answer that only who is fooled gives to somebody.
    private static readonly string[] Lies =
    [
        $"{Ok}Content-Length: 2\r\n\r\nok{Evil}",
        $"{Ok}Content-Length: 2\r\nContent-Length: 60\r\n\r\nok{Evil}",
        $"{Ok}Content-Length: 2, 60\r\n\r\nok{Evil}",
        $"{Ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok{Evil}",
        $"{Ok}Content-Length: +2\r\n\r\nok{Evil}",
        $"{Ok}Content-Length: 0x2\r\n\r\nok{Evil}",
        $"{Ok}Content-Length: 2\v\r\n\r\nok{Evil}",
        $"{Ok}Content-Length:\r\n 2\r\n\r\nok{Evil}",
        $"{Ok}Content-Length : 2\r\n\r\nok{Evil}",
        $"{Ok}X: a\r\n Content-Length: 2\r\n\r\nok{Evil}",
        $"{Ok}X: a\nContent-Length: 2\r\n\r\nok{Evil}",
        $"{Ok}X: a\rContent-Length: 2\r\n\r\nok{Evil}",
        $"{Ok}\r\nok{Evil}",
        $"{Ok}Content-Length: 2\r\n\n\r\nok{Evil}",
        $"{Ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nok{Evil}",
        $"{Ok}Transfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok{Evil}",
        $"{Ok}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer-Encoding:\r\n chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer-Encoding:\vchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Ok}Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\nok{Evil}",
        $"HTTP/1.0 200 OK\r\n{Keep}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Chunked}\r\n2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Chunked}\r\n2;a=\"\r\n\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Chunked}\r\n2;a=\nok\r\n0\r\n\r\n{Evil}",
        $"{Chunked}\r\n2\nok\n0\n\n{Evil}",
        $"{Chunked}\r\n0x2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Chunked}\r\n+2\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Chunked}\r\n10000000000000002\r\nok\r\n0\r\n\r\n{Evil}",
        $"{Chunked}\r\n2\r\nok0\r\n\r\n{Evil}",
        $"{Chunked}\r\n2\r\nokXX0\r\n\r\n{Evil}",
        $"{Chunked}\r\n2\r\nok\r\n0\r\nContent-Length: 4\r\nSet-Cookie: evil\r\nVary: *\r\n\r\n{Evil}",
        $"{Chunked}\r\n2\r\nok\r\n0\r\n folded: evil\r\n\r\n{Evil}",
        $"{Chunked}\r\n2\r\nok\r\n0\r\n{Evil}",
        $"HTTP/1.1 204 No Content\r\n{Keep}Content-Length: 2\r\n\r\n{Evil}",
        $"HTTP/1.1 304 Not Modified\r\n{Keep}\r\n{Evil}",
        $"HTTP/1.1 100 Continue\r\nContent-Length: 64\r\n\r\n{Ok}Content-Length: 2\r\n\r\nok{Evil}",
        $"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n{Ok}Content-Length: 2\r\n\r\nok{Evil}",
        $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n{Evil}",
        $"HTTP/1.1 200 OK\r\r\n{Keep}Content-Length: 2\r\n\r\nok{Evil}",
        $"HTTP/1.1 2000 OK\r\n{Keep}Content-Length: 2\r\n\r\nok{Evil}",
        $"HTTP/1.1 200 OK\r\n{Keep}X: a\0\r\nContent-Length: 2\r\n\r\nok{Evil}",
        $"ok\r\n{Evil}",
    ];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task No_request_hides_in_another_on_its_way_to_the_origin()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("ok", "Cache-Control: no-store\r\n"));
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        List<(string Name, string Bytes)> probes = [];
        foreach ((string name, _, string bytes) in SmugglingProbes.All)
        {
            probes.Add((name, bytes));
            if (!bytes.StartsWith("GET ", StringComparison.Ordinal)) continue;
            probes.Add(($"POST: {name}", $"POST {bytes[4..]}"));
            probes.Add(($"get: {name}", $"get {bytes[4..]}"));
        }
        await Parallel.ForAsync(0, probes.Count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (at, _) =>
        {
            string bytes = probes[at].Bytes.Replace("@", $"probe-{at}", StringComparison.Ordinal)
                .Replace("%S", $"GET /smuggled-{at:000} HTTP/1.1\r\nHost: x\r\n\r\n", StringComparison.Ordinal);
            using RawConnection connection = await RawConnection.OpenAsync(cache.Port);
            await connection.SendAsync($"{bytes}GET /last-{at} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            await connection.ReadAllAsync(TimeSpan.FromSeconds(60));
        });
        string[] seen = [.. origin.Calls.Where(call => call.Target.StartsWith("/smuggled", StringComparison.Ordinal))
            .Select(call => probes[int.Parse(call.Target.AsSpan("/smuggled-".Length), null)].Name).Order()];
        // Requests of their own, behind a body that ends as its framing says.
        string[] rightly =
        [
            "two in one piece", "POST: two in one piece", "get: two in one piece",
            "no body, said", "POST: no body, said", "get: no body, said",
            "POST: coding chunked", "get: coding chunked", "POST: coding CHUNKED", "get: coding CHUNKED",
            "POST: coding \tchunked", "get: coding \tchunked",
        ];
        Assert.Equal(rightly.Order(), seen);
        // What was a body there came as one, and nothing of it as a head.
        Assert.All(origin.Calls, call => Assert.DoesNotContain("smuggled", call.Head[call.Head.IndexOf('\r',
            StringComparison.Ordinal)..], StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_answer_hides_in_another_on_its_way_from_the_origin()
    {
        await using ScriptedOrigin origin = new(async call =>
        {
            string[] words = call.Target.Split('/');
            if (words[1] == "honest") await call.AnswerAsync(call.Target, Keep);
            else
            {
                await call.SayAsync(Lies[int.Parse(words[2], null)]);
                call.Client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            }
        });
        Cache cache = await Cache.StartAsync(_stage, origin.Url);
        List<string> wrong = [];
        for (int lie = 0; lie < Lies.Length; lie++)
        {
            foreach (string method in (string[])["GET", "HEAD", "POST"])
            {
                string honest = $"/honest/{lie}-{method}";
                string? found = await FoundOnOneConnectionAsync(cache, method, $"/lie/{lie}", honest)
                    ?? await FoundLaterAsync(cache, honest)
                    ?? (method == "GET" ? await FoundKeptAsync(cache, origin, $"/lie/{lie}") : null);
                if (found is not null) wrong.Add($"lie {lie} by {method}: {found}");
            }
        }
        Assert.Empty(wrong);
    }

    // What follows a lie on one connection must be its own answer, or nothing.
    private static async Task<string?> FoundOnOneConnectionAsync(
        Cache cache, string method, string target, string honest)
    {
        using RawConnection connection = await RawConnection.OpenAsync(cache.Port);
        await connection.SendAsync($"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            + $"GET {honest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        if (method == "HEAD")
        {
            string all = await connection.ReadRawAsync(Patience);
            return all.Contains("evil", StringComparison.Ordinal) ? all : null;
        }
        try
        {
            RawResponse[] final = [.. (await connection.ReadAllAsync(Patience))
                .Where(response => response.Status >= 200)];
            bool isRight = final.Length <= 2 && final.All(response => response.Body != "evil")
                && (final.Length < 2 || final[1].Body == honest);
            return isRight ? null : string.Join(" | ", final.Select(response => response.Head + response.Body));
        }
        catch (InvalidDataException exception)
        {
            return exception.Message.StartsWith("cut", StringComparison.Ordinal) ? null : exception.Message;
        }
    }

    // Over the connections that the cache keeps to the origin.
    private static async Task<string?> FoundLaterAsync(Cache cache, string honest)
    {
        for (int times = 0; times < 2; times++)
        {
            RawResponse later = await cache.GetAsync(honest);
            if ((later.Status, later.Body) != (200, honest)) return later.Head + later.Body;
        }
        return null;
    }

    // Whatever of a lie was kept is what every reader takes it for.
    private static async Task<string?> FoundKeptAsync(Cache cache, ScriptedOrigin origin, string target)
    {
        int asked = origin.CountOf(target);
        try
        {
            string again = (await cache.GetAsync(target)).Body;
            return origin.CountOf(target) > asked || again is "ok" or "" ? null : $"kept {again}";
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            // Cut: so it was not kept.
            return null;
        }
    }
}
