using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace MicroCdn.Bench;

/// <summary>How soon the admin API answers for a large fleet, how soon a change is told to who listens, and the same of
/// the page in a browser.</summary>
/// <remarks>An index on every core, 200 servers that are only on the wire and tell figures once a second, a million
/// files on three of them, and 50 streams that somebody reads.</remarks>
internal static class AdminTimes
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "The admin API and the page with 200 servers and a million files: searches (bar: 100 ms), "
        + "from a change of a server to the stream and the page (bar: p99 500 ms), paint and memory of the page";

    private const int Servers = 200, Holders = 3, Streams = 50;

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        int http = Machine.FreePort(), admin = Machine.FreePort();
        string state = workspace.MakeFolder("index");
        int port = Machine.FreePort();
        ServerProcess index = Index.Begin(workspace, Machine.AllCores, state, port, "--http-port", $"{http}",
            "--admin-port", $"{admin}");
        index.WaitFor("microcdn index", () => Conversation.Answers(port, "HELLO", "WELCOME"));
        List<Registration> servers = [];
        using CancellationTokenSource enough = new();
        List<Task> beside = [];
        try
        {
            Machine.Say($"registering {Servers} servers, {settings.Files:N0} files on {Holders} of them");
            for (int number = 1; number <= Servers; number++)
            {
                Registration server = new(port, number, web: true);
                servers.Add(server);
                server.AddFiles(number <= Holders ? settings.Files : 1, lineBySend: false);
                beside.Add(AnswerLooksAsync(Registration.ServerPort(number), enough.Token));
                int one = number;
                beside.Add(Task.Factory.StartNew(() => TellFigures(port, one, enough.Token), enough.Token,
                    TaskCreationOptions.LongRunning, TaskScheduler.Default));
            }
            index.WaitUntilQuiet(settings.Patience(60));
            MeasureAsync(settings, workspace, admin, state, servers, index).GetAwaiter().GetResult();
        }
        finally
        {
            enough.Cancel();
            foreach (Registration server in servers) server.Dispose();
            Task.WhenAll(beside).ContinueWith(_ => { }, TaskScheduler.Default).Wait(TimeSpan.FromSeconds(10));
        }
    }

    private static async Task MeasureAsync(Settings settings, Workspace workspace, int admin, string state,
        List<Registration> servers, ServerProcess index)
    {
        string token = (await File.ReadAllTextAsync(Path.Combine(state, "admin.token")).ConfigureAwait(false)).Trim();
        await MeasureApiAsync(settings, admin, token, servers, index).ConfigureAwait(false);
        PageTimes? page = await PageTimes.StartAsync(workspace, $"http://127.0.0.1:{admin}/").ConfigureAwait(false);
        if (page is null) return;
        await using (page.ConfigureAwait(false))
        {
            await page.MeasureAsync(settings, token, servers[Holders..]).ConfigureAwait(false);
        }
    }

    private static async Task MeasureApiAsync(Settings settings, int admin, string token,
        List<Registration> servers, ServerProcess index)
    {
        using HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{admin}/api/v1/") };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        int times = settings.Quick ? 3 : 50;
        Table table = new($"{times} answers each, one after the other: {Servers} servers, {settings.Files:N0} files",
            "what", "p50, ms", "p99, ms", "longest, ms", "bytes", "bar, ms");
        foreach ((string what, string path) in ((string, string)[])
        [
            ("search that finds one file", $"files?search=pkg-{settings.Files - 7:D7}"),
            ("search that finds nothing", "files?search=no-such-name"),
            ("search that finds all", "files?search=STABLE"),
            ("the last page of all", $"files?after=releases/2026/channel-stable/pkg-{settings.Files - 50:D7}"),
            ("one file with its copies", "files/releases/2026/channel-stable/pkg-0000000-x00000.tar.zst"),
            ("all servers", $"servers?limit={Servers}"),
            ("overview", "overview"),
            ("the last hour", "figures"),
        ])
        {
            List<double> took = [];
            int bytes = 0;
            for (int time = -2; time < times; time++)
            {
                long began = Stopwatch.GetTimestamp();
                using HttpResponseMessage answer =
                    await client.GetAsync(new Uri(path, UriKind.Relative)).ConfigureAwait(false);
                bytes = (await answer.Content.ReadAsByteArrayAsync().ConfigureAwait(false)).Length;
                if (time >= 0) took.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
            string[] at = PublishFleet.At(took, 50, 99, 100);
            table.Add(what, at[0], at[1], at[2], $"{bytes:N0}", what.StartsWith("search") ? "100" : "");
        }
        table.Print($"The index has {index.Memory >> 20} MiB in memory. Load average {PublishFleet.Load()}.");
        await MeasureEventsAsync(client, servers, settings.Quick ? 5 : 200).ConfigureAwait(false);
    }

    private static async Task MeasureEventsAsync(HttpClient client, List<Registration> servers, int times)
    {
        List<Stream> streams = [];
        for (int number = 0; number < Streams; number++) streams.Add(await ListenAsync(client).ConfigureAwait(false));
        Task[] reading = [.. streams.Skip(1).Select(stream => stream.CopyToAsync(Stream.Null))];
        using StreamReader told = new(streams[0]);
        List<double> took = [];
        for (int time = 0; time < times; time++)
        {
            // Behind the three with files, so that nothing but the state changes.
            Registration server = servers[Holders + (time / 2 % (Servers - Holders))];
            string what = time % 2 == 0 ? "DRAIN" : "RESUME";
            long began = Stopwatch.GetTimestamp();
            server.Demand(what);
            while (await told.ReadLineAsync().ConfigureAwait(false) is { } line
                && !(line.Contains($"\"{server.Id} is ", StringComparison.Ordinal)
                    && line.Contains("is draining", StringComparison.Ordinal) == (time % 2 == 0)))
            {
                // Figures, and what was before.
            }
            took.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        foreach (Stream stream in streams) await stream.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        string[] at = PublishFleet.At(took, 50, 99, 100);
        Table table = new($"{times} changes of a server's state, one after the other, {Streams} streams", "what",
            "p50, ms", "p99, ms", "longest, ms", "bar, p99");
        table.Add("from what the server says to its line in the stream", at[0], at[1], at[2], "500");
        table.Print($"Load average {PublishFleet.Load()}.");
    }

    private static async Task<Stream> ListenAsync(HttpClient client)
    {
        using HttpRequestMessage ask = new(HttpMethod.Get, "events");
        ask.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        HttpResponseMessage answer =
            await client.SendAsync(ask, HttpCompletionOption.ResponseHeadersRead).ConfigureAwait(false);
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync().ConfigureAwait(false);
    }

    // The index looks for itself whether a server answers; that it closes is an answer.
    private static async Task AnswerLooksAsync(int port, CancellationToken enough)
    {
        using TcpListener door = new(IPAddress.Loopback, port);
        door.Start();
        while (true) (await door.AcceptTcpClientAsync(enough).ConfigureAwait(false)).Dispose();
    }

    private static void TellFigures(int port, int number, CancellationToken enough)
    {
        using Conversation index = new(port);
        index.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
        for (long second = 1; !enough.IsCancellationRequested; second++)
        {
            index.Demand($"FIGURES B{number} requests={1_000 * second} bytes={50_000_000 * second} hits={900 * second} "
                + $"misses={100 * second} cached={45_000_000 * second} filled={5_000_000 * second} downloads={number} "
                + "version=0.1.0 diskfree=500000000000 disksize=1000000000000", "OK NOTED");
            enough.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
        }
    }
}
