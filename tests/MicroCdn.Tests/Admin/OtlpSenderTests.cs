using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using MicroCdn.Admin.Otlp;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Http.Tracing;
using MicroCdn.Network;
using MicroCdn.Tests.Http.Exchanges;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Admin;

// What is measured goes to a collector by OTLP: the names are read out of what it got.
[Collection("spans")]
public sealed class OtlpSenderTests : IDisposable
{
    private readonly Collector _collector = new();
    private readonly LogBook _log = new();
    private readonly OtlpSender _sender;

    public OtlpSenderTests()
    {
        Assert.True(OtlpTarget.TryParse("http://collector.example:4318/", out OtlpTarget? target));
        _sender = new OtlpSender(target!, _log, () => _collector);
    }

    public void Dispose() => _sender.Dispose();

    [Fact]
    public void A_collector_gets_the_instruments_of_roles_how_long_requests_took_and_who_tells_it()
    {
        HttpService service = Serving(_sender.DurationsOf("CS1"));
        _sender.Start([new Watched()], "machine:5050", "1.2.3");
        new Wire(service).Receive("GET /a/5 HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.True(_sender.Flush());
        Assert.All(_collector.Calls, call => Assert.Equal("http://collector.example:4318/v1/metrics", call.Url));
        string sent = _collector.Sent("metrics");
        foreach (string name in new[]
        {
            "microcdn.test.age", "http.server.request.duration", "http.request.method", "GET",
            "http.response.status_code", "url.scheme", "server", "CS1", "service.name", "microcdn",
            "service.instance.id", "machine:5050", "service.version", "1.2.3",
        }) Assert.Contains(name, sent, StringComparison.Ordinal);
        Assert.DoesNotContain("/a/5", sent, StringComparison.Ordinal);
    }

    [Fact]
    public void A_collector_that_is_away_or_refuses_is_one_line_of_the_log_and_its_return_another()
    {
        _sender.Start([new Watched()], "machine:5050", "1.2.3");
        _collector.Answers = null;
        for (int times = 0; times < 3; times++) _sender.Flush();
        Assert.Equal(["metrics cannot be sent to the collector at collector.example:4318: refused"], _log.Lines);
        _collector.Answers = HttpStatusCode.OK;
        for (int times = 0; times < 3; times++) _sender.Flush();
        Assert.Equal("metrics are sent to the collector at collector.example:4318 again", _log.Lines[1]);
        _collector.Answers = HttpStatusCode.Forbidden;
        for (int times = 0; times < 3; times++) _sender.Flush();
        Assert.Equal(3, _log.Lines.Length);
        Assert.EndsWith(": it answered 403 (Forbidden)", _log.Lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_collector_gets_spans_of_the_requests_that_are_to_be_traced_and_no_others()
    {
        _sender.Start([], "machine:5050", "1.2.3");
        Wire wire = new(Serving(null, _sender.Tracer));
        wire.Receive("GET /not/told HTTP/1.1\r\nHost: x\r\n\r\n");
        wire.Receive("GET /told HTTP/1.1\r\nHost: x\r\n"
            + "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
        Assert.True(_sender.Flush());
        string sent = _collector.Sent("traces");
        foreach (string word in new[] { "url.path", "/told", "http.response.status_code", "service.instance.id" })
        {
            Assert.Contains(word, sent, StringComparison.Ordinal);
        }
        Assert.Contains(Encoding.Latin1.GetString(Convert.FromHexString("4bf92f3577b34da6a3ce929d0e0e4736")), sent,
            StringComparison.Ordinal);
        Assert.DoesNotContain("/not/told", sent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://c:4318", false, "http://c:4318/v1/metrics")]
    [InlineData("https://c/", false, "https://c/v1/metrics")]
    [InlineData("https://c/otlp/", false, "https://c/otlp/v1/metrics")]
    [InlineData("grpc://c", true, "http://c:4317/")]
    [InlineData("grpcs://[::1]:99", true, "https://[::1]:99/")]
    public void A_collector_is_a_URL_and_its_scheme_says_how_it_is_spoken_to(string text, bool isGrpc, string url)
    {
        Assert.True(OtlpTarget.TryParse(text, out OtlpTarget? target));
        Assert.Equal((isGrpc, url), (target!.IsGrpc, target.UrlOf("metrics").ToString()));
    }

    [Theory]
    [InlineData("collector:4318")]
    [InlineData("ftp://c")]
    [InlineData("http://")]
    [InlineData("http://user:secret@c")]
    [InlineData("http://c/?key=1")]
    [InlineData("")]
    public void What_is_no_such_URL_is_refused(string text) => Assert.False(OtlpTarget.TryParse(text, out _));

    private static HttpService Serving(IExchangeListener? listener, Tracer? tracer = null) => new(
        new Answerer(), new TrustedNetworks([]), new Complaints(new LogBook(), new FakeTimeProvider()),
        new FakeTimeProvider()) { Listener = listener, Tracer = tracer };

    private sealed class Watched : IWatched
    {
        public string? ServerName => null;

        public void Measure(Meter meter) =>
            meter.CreateObservableGauge("microcdn.test.age", () => 1.5, "s", "An age.");

        public IEnumerable<ReadyCheck> Checks() => [];
    }
}
