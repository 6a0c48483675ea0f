using System.Diagnostics.Metrics;
using MicroCdn.Admin;
using MicroCdn.Network;
using MicroCdn.Tests.Gateway;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Admin;

public sealed class WatchPagesTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private readonly List<WatchRole> _roles = [];

    public void Dispose() => _roles.ForEach(role => role.Dispose());

    [Fact]
    public void A_role_that_is_of_no_use_yet_says_why_and_is_not_ready()
    {
        Watched role = new() { Trouble = "the folder is still being read" };
        Reply reply = Ask("/readyz", role);
        Assert.Equal(503, reply.Status);
        Assert.Equal("files: the folder is still being read\nnot ready\n", reply.Body);
        role.Trouble = null;
        reply = Ask("/readyz", role);
        Assert.Equal((200, "files: ok\nready\n"), (reply.Status, reply.Body));
        Assert.Equal((200, "ok\n"), (Ask("/healthz", role).Status, Ask("/healthz", role).Body));
        Assert.Equal(404, Ask("/", role).Status);
    }

    [Fact]
    public async Task Counters_gauges_and_histograms_have_their_names_units_and_labels_and_hostile_ones_stay_labels()
    {
        using Measurements measurements = new([new Watched { ServerName = "C\"S\\1\n" }], _time);
        string[] lines = System.Text.Encoding.UTF8.GetString(await measurements.PageAsync()).Split('\n');
        const string Label = "server=\"C\\\"S\\\\1\\n\"";
        Assert.Contains("# TYPE microcdn_test_age_seconds gauge", lines);
        Assert.Contains($"microcdn_test_age_seconds{{{Label}}} 1.5", lines);
        Assert.Contains("# HELP microcdn_test_sent_bytes_total Bytes that were sent.", lines);
        Assert.Contains("# TYPE microcdn_test_sent_bytes_total counter", lines);
        Assert.Contains($"microcdn_test_sent_bytes_total{{{Label},how=\"quickly\"}} 7", lines);
        Assert.Contains("# TYPE microcdn_test_duration_seconds histogram", lines);
        const string Counted = $"{Label},http_request_method=\"GET\"";
        Assert.Contains("# TYPE microcdn_test_counted_seconds histogram", lines);
        Assert.Contains($"microcdn_test_counted_seconds_bucket{{{Counted},le=\"0.5\"}} 3", lines);
        Assert.Contains($"microcdn_test_counted_seconds_bucket{{{Counted},le=\"+Inf\"}} 7", lines);
        Assert.Contains($"microcdn_test_counted_seconds_sum{{{Counted}}} 2.5", lines);
        Assert.Contains($"microcdn_test_counted_seconds_count{{{Counted}}} 7", lines);
        string[] names = [.. lines.Where(line => line.StartsWith("# TYPE", StringComparison.Ordinal))];
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
    }

    [Fact]
    public async Task Two_servers_of_one_process_measure_the_same_thing_under_one_head()
    {
        using Measurements measurements =
            new([new Watched { ServerName = "CS1" }, new Watched { ServerName = "CS2" }], _time);
        string page = System.Text.Encoding.UTF8.GetString(await measurements.PageAsync());
        Assert.Contains("# TYPE microcdn_test_age_seconds gauge\nmicrocdn_test_age_seconds{server=\"CS1\"} 1.5\n"
            + "microcdn_test_age_seconds{server=\"CS2\"} 1.5\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task However_many_ask_within_a_second_the_instruments_are_read_once()
    {
        Watched role = new();
        using Measurements measurements = new([role], _time);
        byte[] page = await measurements.PageAsync();
        for (int asked = 0; asked < 100; asked++) Assert.Same(page, await measurements.PageAsync());
        Assert.Equal(1, role.Reads);
        _time.Advance(TimeSpan.FromSeconds(1));
        await measurements.PageAsync();
        Assert.Equal(2, role.Reads);
    }

    [Fact]
    public async Task An_instrument_that_breaks_does_not_take_the_others_with_it()
    {
        using Measurements measurements = new([new Watched { IsBroken = true }, new Watched()], _time);
        string page = System.Text.Encoding.UTF8.GetString(await measurements.PageAsync());
        Assert.Contains("microcdn_test_age_seconds 1.5", page, StringComparison.Ordinal);
        Assert.Contains("microcdn_test_counted_seconds_count", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Downloads_of_a_day_are_shown_as_CSV_where_a_role_counts_them()
    {
        Counting role = new();
        Reply reply = Ask("/downloads?day=2026-11-29", role);
        Assert.Equal((200, "name,count,bytes\r\n\"a \"\"b\"\"\",3,30\r\n"), (reply.Status, reply.Body));
        Assert.Equal(new DateOnly(2026, 11, 29), role.Asked);
        Assert.Equal(200, Ask("/downloads", role).Status);
        Assert.Equal(DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime), role.Asked);
        Assert.Equal(400, Ask("/downloads?day=yesterday", role).Status);
        Assert.Equal(400, Ask("/downloads?days=2026-11-29", role).Status);
        Assert.Equal(404, Ask("/downloads", new Watched()).Status);
    }

    private Reply Ask(string path, IWatched role)
    {
        WatchRole watch = new(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1), [role], _time, _log);
        _roles.Add(watch);
        Wire wire = new(watch.Listeners[0].Service);
        return new Reply(wire.Receive($"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").SentBytes);
    }

    private sealed class Counting : IWatched, IDownloadCounts
    {
        public string? ServerName => "CS1";

        public DateOnly Asked { get; private set; }

        public void Measure(Meter meter, bool inFull)
        {
        }

        public IEnumerable<ReadyCheck> Checks() => [];

        public IReadOnlyList<DownloadRow> Downloads(DateOnly day)
        {
            Asked = day;
            return [new DownloadRow("a \"b\"", 3, 30)];
        }
    }

    private sealed class Watched : IWatched
    {
        public string? ServerName { get; init; }

        public string? Trouble { get; set; }

        public bool IsBroken { get; init; }

        public int Reads { get; private set; }

        public void Measure(Meter meter, bool inFull)
        {
            meter.CreateObservableGauge("microcdn.test.age", () =>
            {
                Reads++;
                return IsBroken ? throw new InvalidOperationException("broken") : 1.5;
            }, "s", "An age.");
            meter.CreateObservableCounter("microcdn.test.sent", () =>
                new Measurement<long>(7, new KeyValuePair<string, object?>("how", "quickly")), "By",
                "Bytes that were sent.");
            meter.CreateHistogram<double>("microcdn.test.duration", "s", "How long it took.").Record(0.2);
        }

        public IEnumerable<WatchedHistogram> Histograms() => IsBroken ? throw new InvalidOperationException("broken")
            : [new WatchedHistogram("microcdn.test.counted", "s", "How long it took.", [0.5],
                [new WatchedSeries([new("http.request.method", "GET")], [3, 4], 2.5)])];

        public IEnumerable<ReadyCheck> Checks() => [new ReadyCheck("files", Trouble)];
    }
}
