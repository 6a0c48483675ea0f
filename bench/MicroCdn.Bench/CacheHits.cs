namespace MicroCdn.Bench;

/// <summary>Compares what a hit costs a core with nginx proxy_cache and varnish: from memory, and from files.</summary>
internal static class CacheHits
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "Hits of the cache in front of an origin, against nginx proxy_cache and varnish: 1 KiB "
        + "and 16 KiB from memory, 1 MiB and 100 MiB from files in the page cache. Ratios of requests a "
        + "processor-second; the bar is 1.0 of the better. An origin asked more than once for a file ends the run";

    private static readonly SampleFile[] Small =
        [Of("1 KiB", 1 << 10, 64), Of("16 KiB", 16 << 10, 64)];

    private static readonly SampleFile[] Large =
        [Of("1 MiB", 1 << 20, 16), Of("100 MiB", 100 << 20, 4)];

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        IEnumerable<SampleFile> copying = Small.Select(file => file with { Client = "copying" });
        Play(settings, workspace, "memory", [.. copying], isMemory: true);
        Play(settings, workspace, "files", Large, isMemory: false);
    }

    private static void Play(
        Settings settings, Workspace workspace, string where, SampleFile[] files, bool isMemory)
    {
        SampleFile[] chosen = [.. files.Where(file => settings.Only is null || file.Label == settings.Only)];
        if (chosen.Length == 0) return;
        using WebOrigin origin = new();
        Caches ours = Caches.Ours(workspace, origin, "--cache-memory", isMemory ? "256MiB" : "1MiB");
        List<Caches> peers = [Caches.Nginx(workspace, origin, holds: true),
            Caches.Nginx(workspace, origin, holds: false)];
        if (isMemory) peers.Add(Caches.Varnish(workspace, origin));
        Caches[] all = [ours, .. peers];
        foreach (SampleFile file in chosen) Fill(file, all);
        ours.Process.WaitUntilQuiet(settings.Patience(60));
        Contest contest = new(settings, $"Hits from {where}: HTTP/1.1 over kept connections, on the same core",
            Contestant(ours), [.. peers.Select(Contestant)]) { Peer = isMemory ? "peer" : "nginx" };
        contest.Run(chosen);
        foreach (SampleFile file in chosen)
        {
            int asked = origin.CountOf($"/{file.Name}");
            if (asked == all.Length) continue;
            throw new BenchException($"{all.Length} caches asked for {file.Label} {asked} times: not all were hits.");
        }
        foreach (Caches cache in all) workspace.Stop(cache.Process);
    }

    // Asked for three times: some store at the first, some write down at the second.
    private static void Fill(SampleFile file, Caches[] all)
    {
        byte[] right = Body.BlockOf($"/{file.Name}", file.Size), got = new byte[right.Length];
        foreach (Caches cache in all)
        {
            for (int time = 0; time < 3; time++)
            {
                using Conversation conversation = new(cache.Port);
                string line = conversation.Ask($"GET /{file.Name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r");
                if (!line.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
                    throw new BenchException($"{cache.Name} answered {file.Label} with `{line}`.");
                while (conversation.ReadLine().Length > 0) continue;
                for (long read = 0; read < file.Size; read += got.Length)
                {
                    Span<byte> part = got.AsSpan(0, (int)Math.Min(got.Length, file.Size - read));
                    conversation.ReadBytes(part);
                    if (part.SequenceEqual(right.AsSpan(0, part.Length))) continue;
                    throw new BenchException($"{cache.Name} sent wrong bytes for {file.Label}.");
                }
            }
        }
    }

    private static Contestant Contestant(Caches cache) => new(cache.Name, cache.Process, file =>
        new LoadClient(cache.Port, new Demand(Requests.ForHttp(file, keep: true), file.Connections)
        {
            Keeps = true, Copies = file.Client == "copying",
        }));

    private static SampleFile Of(string label, long size, int connections) =>
        new($"keep/{size}/object.bin", label, size, connections);
}
