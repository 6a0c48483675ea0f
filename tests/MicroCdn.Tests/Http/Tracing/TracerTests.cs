using System.Collections.Concurrent;
using System.Diagnostics;
using MicroCdn.Http;
using MicroCdn.Http.Tracing;
using MicroCdn.Network;
using MicroCdn.Tests.Http.Exchanges;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http.Tracing;

// Which requests get a span, and what it says.
// Not beside others that listen to the same name.
[Collection("spans")]
public sealed class TracerTests : IDisposable
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736", Parent = "00f067aa0ba902b7";

    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly Answerer _answerer = new();
    private readonly List<IDisposable> _open = [];
    private readonly FakeTimeProvider _time = new();
    private const double Chance = 0.5;

    public void Dispose() => _open.ForEach(one => one.Dispose());

    [Fact]
    public void A_span_goes_on_from_its_traceparent_and_says_method_status_path_and_server_but_no_query()
    {
        Ask(0, "GET /a/5?key=SECRET", $"traceparent: 00-{Trace}-{Parent}-01\r\ntracestate: x=y\r\n");
        Activity span = Assert.Single(_spans);
        Assert.Equal((Trace, Parent, "x=y"),
            (span.TraceId.ToString(), span.ParentSpanId.ToString(), span.TraceStateString));
        Assert.Equal((ActivityKind.Server, "GET", ActivityStatusCode.Unset),
            (span.Kind, span.DisplayName, span.Status));
        Assert.Equal(["http.request.method=GET", "http.response.status_code=200", "server.address=cdn.example",
            "server.port=8080", "url.path=/a/5", "url.scheme=http"], Tags(span));
        Assert.Null(Activity.Current);
    }

    [Theory]
    [InlineData(0, $"traceparent: 00-{Trace}-{Parent}-01\r\n", 1)]
    [InlineData(1, $"traceparent: 00-{Trace}-{Parent}-00\r\n", 0)]
    [InlineData(0, $"traceparent: 00-{Trace}-{Parent}-xx\r\n", 0)]
    [InlineData(0, "", 0)]
    [InlineData(0.5, "", 0)]
    [InlineData(0.51, "", 1)]
    [InlineData(1, "", 1)]
    public void The_client_decides_by_its_flag_and_chance_where_it_says_nothing_sound(
        double ratio, string fields, int spans)
    {
        Ask(ratio, "GET /a/5", fields);
        Assert.Equal(spans, _spans.Count);
        Assert.All(_spans, span => Assert.Equal(fields.Length > 0, span.TraceId.ToString() == Trace));
    }

    [Fact]
    public void One_that_begins_with_a_broken_traceparent_begins_a_trace_of_its_own()
    {
        Ask(1, "GET /a/5", $"traceparent: 00-{Trace}-{Parent}-xx\r\ntracestate: x=y\r\n");
        Activity span = Assert.Single(_spans);
        Assert.NotEqual(Trace, span.TraceId.ToString());
        Assert.Equal((default, null), (span.ParentSpanId, span.TraceStateString));
    }

    [Fact]
    public void A_method_that_nobody_knows_is_not_told_and_a_cut_answer_is_an_error()
    {
        Ask(1, "EVIL /taken/5");
        Assert.Equal("HTTP", _spans.Single().DisplayName);
        Assert.Contains("http.request.method=_OTHER", Tags(_spans.Single()));
        _spans.Clear();
        Ask(1, "GET /later").Conversation.End();
        Assert.Equal(ActivityStatusCode.Error, Assert.Single(_spans).Status);
        Assert.Contains("error.type=cut", Tags(_spans.Single()));
    }

    [Fact]
    public void Who_wants_all_of_many_requests_recorded_gets_a_thousand_a_second_and_no_text_is_long()
    {
        string fields = $"traceparent: 00-{Trace}-{Parent}-01\r\ntracestate: {new string('x', 513)}\r\n";
        string line = $"GET /{new string('p', 5000)}";
        Wire wire = Ask(0, line, fields);
        for (int more = 0; more < Tracer.MostPerSecond + 100; more++) Receive(wire, line, fields);
        Assert.Equal(Tracer.MostPerSecond, _spans.Count);
        _time.Advance(TimeSpan.FromSeconds(1));
        Receive(wire, line, fields);
        Assert.Equal(Tracer.MostPerSecond + 1, _spans.Count);
        Assert.All(_spans, span => Assert.Null(span.TraceStateString));
        Assert.All(_spans.SelectMany(span => span.TagObjects), tag => Assert.InRange($"{tag.Value}".Length, 1, 1024));
    }

    [Fact]
    public void Where_nobody_listens_nothing_is_made()
    {
        using Tracer tracer = new(1, () => 0);
        Wire wire = new(Service(tracer));
        wire.Receive("GET /a/5 HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Empty(_spans);
    }

    // A listener of this test hears no tracer of another one.
    private Wire Ask(double ratio, string line, string fields = "")
    {
        Tracer tracer = new(ratio, () => Chance);
        ActivityListener listener = new()
        {
            ShouldListenTo = source => source == tracer.Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        _open.AddRange([listener, tracer]);
        Wire wire = new(Service(tracer));
        return Receive(wire, line, fields);
    }

    private static Wire Receive(Wire wire, string line, string fields)
    {
        wire.Receive($"{line} HTTP/1.1\r\nHost: cdn.example:8080\r\n{fields}\r\n");
        return wire;
    }

    private HttpService Service(Tracer tracer) => new(_answerer, new TrustedNetworks([]),
        new Complaints(new LogBook(), _time), _time) { Tracer = tracer };

    private static string[] Tags(Activity span) =>
        [.. span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal)];
}
