using System.Diagnostics;
using System.Text;
using MicroCdn.Http.Tracing;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Http.Tracing;

// W3C Trace Context, section 3.2: what is not sound is as if it were not there.
public sealed class TraceParentTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736", Parent = "00f067aa0ba902b7";
    private const string Sound = $"00-{Trace}-{Parent}-01";

    [Theory]
    [InlineData(Sound, true)]
    [InlineData($"00-{Trace}-{Parent}-00", false)]
    // Flags that are not known yet are passed over.
    [InlineData($"00-{Trace}-{Parent}-03", true)]
    [InlineData($"00-{Trace}-{Parent}-fe", false)]
    // So is what a later version has behind.
    [InlineData($"cc-{Trace}-{Parent}-01", true)]
    [InlineData($"cc-{Trace}-{Parent}-01-what-the-future-will-be-like", true)]
    public void A_sound_one_is_read(string value, bool isSampled)
    {
        Assert.True(TraceParent.TryRead(Fields(("TraceParent", value)), out ActivityContext context));
        Assert.Equal((Trace, Parent), (context.TraceId.ToString(), context.SpanId.ToString()));
        Assert.Equal(isSampled, context.TraceFlags == ActivityTraceFlags.Recorded);
        Assert.True(context.IsRemote);
    }

    [Theory]
    [InlineData("")]
    [InlineData($"ff-{Trace}-{Parent}-01")]
    [InlineData($"00-{Trace}-{Parent}-01-more")]
    [InlineData($"00-{Trace}-{Parent}-01.")]
    [InlineData($"cc-{Trace}-{Parent}-01.")]
    [InlineData($"00-00000000000000000000000000000000-{Parent}-01")]
    [InlineData($"00-{Trace}-0000000000000000-01")]
    [InlineData($"00-4BF92F3577B34DA6A3CE929D0E0E4736-{Parent}-01")]
    [InlineData($"00-{Trace}-{Parent}-0g")]
    [InlineData($"0g-{Trace}-{Parent}-01")]
    [InlineData($"00-{Trace}-00f067aa0ba902bg-01")]
    [InlineData($"00-{Trace}_{Parent}-01")]
    [InlineData($"00-{Trace}-{Parent}_01")]
    [InlineData($"{Sound}, {Sound}")]
    public void Any_other_is_not(string value) =>
        Assert.False(TraceParent.TryRead(Fields(("traceparent", value)), out _));

    [Fact]
    public void One_that_is_cut_anywhere_is_not_read_nor_one_in_two_lines()
    {
        for (int length = 0; length < Sound.Length; length++)
        {
            Assert.False(TraceParent.TryRead(Fields(("traceparent", Sound[..length])), out _));
        }
        Assert.False(TraceParent.TryRead(Fields(("traceparent", Sound), ("traceparent", Sound)), out _));
        Assert.False(TraceParent.TryRead(HeaderFields.Empty, out _));
    }

    [Fact]
    public void What_goes_on_has_the_new_parent_in_one_line_and_the_state_as_it_came()
    {
        HeaderFields came = Fields(("A", "1"), ("traceparent", Sound), ("tracestate", "congo=t61,rojo=00f0"),
            ("tracestate", "x=y"), ("B", "2"));
        Assert.True(TraceParent.TryRead(came, out ActivityContext context));
        ActivityContext next = new(context.TraceId, ActivitySpanId.CreateFromString("b7ad6b7169203331"),
            context.TraceFlags, context.TraceState);
        Assert.Equal("A: 1\r\nB: 2\r\n" + $"traceparent: 00-{Trace}-b7ad6b7169203331-01\r\n"
            + "tracestate: congo=t61,rojo=00f0, x=y\r\n", TraceParent.Put(came, next).ToString());
    }

    [Fact]
    public void A_trace_that_begins_here_takes_no_state_of_a_broken_one_along()
    {
        HeaderFields came = Fields(("traceparent", "nonsense"), ("tracestate", "x=y"));
        ActivityContext own = new(ActivityTraceId.CreateFromString(Trace), ActivitySpanId.CreateFromString(Parent),
            ActivityTraceFlags.Recorded);
        Assert.Equal($"traceparent: {Sound}\r\n", TraceParent.Put(came, own).ToString());
    }

    private static HeaderFields Fields(params (string Name, string Value)[] lines)
    {
        HeaderFields.Builder builder = new();
        foreach ((string name, string value) in lines)
        {
            builder.Add(Encoding.ASCII.GetBytes(name), Encoding.ASCII.GetBytes(value));
        }
        return builder.Build();
    }
}
