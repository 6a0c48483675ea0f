using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

// docs/protocol.md, framing: "A connection's first line must be complete within 10 s, any later line within 10 s of its
// first byte. Registered and version 2 connections may be idle; others 60 s."
public sealed class DeadlineTests
{
    private const string Timeout = "ERROR TIMEOUT\n";

    [Fact]
    public void A_peer_that_says_nothing_is_refused_after_10_s()
    {
        Wire wire = new(ScriptService.Echo());
        Assert.False(Passes(wire, 9_999));
        Assert.True(Passes(wire, 1));
        Assert.Equal(Timeout, wire.Turn().Sent);
        Assert.True(wire.Conversation.IsOver);
        Assert.True(wire.Conversation.WasRefused);
    }

    [Fact]
    public void A_first_line_that_drips_in_is_refused_after_10_s_however_lively()
    {
        Wire wire = new(ScriptService.Echo());
        for (int second = 0; second < 9; second++)
        {
            Assert.False(Passes(wire, 1_000));
            wire.Receive("x");
        }
        Assert.False(Passes(wire, 999));
        Assert.True(Passes(wire, 1));
        Assert.Equal(Timeout, wire.Turn().Sent);
    }

    [Fact]
    public void A_later_line_has_10_s_from_its_first_byte()
    {
        Wire wire = new Wire(ScriptService.Echo()).Receive("one\n");
        wire.Take();
        Assert.False(Passes(wire, 30_000));
        wire.Receive("t");
        Assert.False(Passes(wire, 9_999));
        wire.Receive("w");
        Assert.True(Passes(wire, 1));
        Assert.Equal(Timeout, wire.Turn().Take());
    }

    [Fact]
    public void A_later_line_that_began_in_the_segment_of_the_one_before_has_10_s_too()
    {
        Wire wire = new Wire(ScriptService.Echo()).Receive("one\ntw");
        wire.Take();
        Assert.False(Passes(wire, 9_999));
        wire.Receive("o\nthr");
        Assert.Equal("[two]\n", wire.Take());
        Assert.False(Passes(wire, 9_999));
        Assert.True(Passes(wire, 1));
        Assert.Equal(Timeout, wire.Turn().Take());
    }

    [Fact]
    public void An_idle_connection_is_closed_silently_after_60_s()
    {
        Wire wire = new Wire(ScriptService.Echo()).Receive("one\n");
        Assert.False(Passes(wire, 59_999));
        wire.Receive("two\n");
        Assert.False(Passes(wire, 59_999));
        Assert.True(Passes(wire, 1));
        Assert.True(wire.Turn().Conversation.IsOver);
        Assert.False(wire.Conversation.WasRefused);
        Assert.Equal("[one]\n[two]\n", wire.Sent);
    }

    [Fact]
    public void A_session_that_may_idle_does_so_for_ever()
    {
        Wire wire = new Wire(new ScriptService((_, _) => { }, mayIdle: true)).Receive("REGISTER\n");
        Assert.False(Passes(wire, 1_000L * 3600 * 24 * 365));
        wire.Receive("GE");
        Assert.False(Passes(wire, 9_999));
        Assert.True(Passes(wire, 1), "only a line that it began must be finished");
        Assert.Equal(Timeout, wire.Turn().Sent);
    }

    [Fact]
    public void An_answer_that_nobody_reads_is_dropped_after_60_s()
    {
        ScriptService service = ScriptService.Echo();
        Wire wire = new Wire(service) { Window = 3 }.Receive("hello\n");
        Assert.False(Passes(wire, 59_999));
        Assert.True(Passes(wire, 1));
        Assert.True(wire.Conversation.IsOver);
        Assert.False(wire.Answer.IsPending);
        Assert.Equal(1, service.Complaints.Total);
    }

    [Fact]
    public void A_peer_that_reads_slowly_is_served_as_long_as_it_takes()
    {
        Wire wire = new Wire(ScriptService.Echo()) { Window = 0 }.Receive("hello\n");
        for (int step = 0; step < 8; step++)
        {
            Assert.False(Passes(wire, 59_000));
            wire.Window = 1;
            wire.Turn();
        }
        Assert.Equal("[hello]\n", wire.Sent);
        Assert.False(Passes(wire, 59_999));
        Assert.True(Passes(wire, 1));
    }

    [Fact]
    public void What_the_kernel_took_buys_time_only_as_the_peer_acknowledges_it()
    {
        Wire wire = new Wire(ScriptService.Echo()) { Window = 0 }.Receive("hello\n");
        wire.Conversation.Handed(6, wire.Now);
        Assert.False(Passes(wire, 59_000));
        wire.Conversation.Unacknowledged(5, wire.Now);
        Assert.False(Passes(wire, 59_000));
        wire.Conversation.Unacknowledged(5, wire.Now);
        Assert.True(Passes(wire, 1_000));
        Assert.False(wire.Answer.IsPending);
    }

    [Fact]
    public void A_postponed_answer_has_no_deadline_and_then_idleness_counts_from_it()
    {
        Answer? postponed = null;
        Wire wire = new(new ScriptService((_, answer) =>
        {
            answer.Later();
            postponed = answer;
        }));
        wire.Receive("DONE_FILES\n");
        Assert.False(Passes(wire, 120_000));
        postponed!.Complete("OK\n"u8);
        Assert.Equal(1, wire.Completions);
        Assert.Equal("OK\n", wire.Turn().Sent);
        Assert.False(Passes(wire, 59_999));
        Assert.True(Passes(wire, 1));
    }

    [Theory]
    [InlineData("a\n")]
    [InlineData("a\nhalf")]
    public void A_session_that_is_over_is_closed_at_the_next_look_without_a_word(string input)
    {
        ScriptService service = ScriptService.Echo();
        Wire wire = new(service);
        wire.Receive(input);
        Assert.False(Passes(wire, 0));
        service.IsOver = true;
        Assert.True(Passes(wire, 0));
        Assert.Equal("[a]\n", wire.Turn().Sent);
        Assert.True(wire.Conversation.IsOver);
        Assert.False(wire.Conversation.WasRefused);
    }

    [Fact]
    public void A_session_that_is_over_says_first_what_it_was_about_to_say()
    {
        ScriptService service = ScriptService.Echo();
        Wire wire = new(service) { Window = 0 };
        wire.Receive("a\n");
        service.IsOver = true;
        Assert.False(Passes(wire, 0));
        wire.Window = 100;
        Assert.Equal("[a]\n", wire.Turn().Sent);
        Assert.True(Passes(wire, 0));
    }

    private static bool Passes(Wire wire, long milliseconds)
    {
        wire.Now += milliseconds;
        return wire.Conversation.Expire(wire.Now);
    }
}
