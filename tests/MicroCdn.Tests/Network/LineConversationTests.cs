using System.Text;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

// docs/protocol.md, framing.
public sealed class LineConversationTests
{
    // What arrives, what is answered by a session that puts brackets around each line.
    public static TheoryData<string, string> Transcripts => new()
    {
        { "a\n", "[a]\n" },
        { "a\r\n", "[a]\n" },
        { "a\nb\r\nc\n", "[a]\n[b]\n[c]\n" },
        { "\n\r\n", "[]\n[]\n" },
        { "unfinished", "" },
        { "done\nunfinished", "[done]\n" },
        { "  two  words  \n", "[  two  words  ]\n" },
        { "größe 😀\n", "[größe 😀]\n" },
        { "a\rb\nc\n", "ERROR BAD_LINE\n" },
        { "a\r\r\n", "ERROR BAD_LINE\n" },
        { "a\tb\nc\n", "ERROR BAD_LINE\n" },
        { "ok\nNUL \0\nc\n", "[ok]\nERROR BAD_LINE\n" },
        { "\u001b[31mred\n", "ERROR BAD_LINE\n" },
        { "\u007f\n", "ERROR BAD_LINE\n" },
        { "\u00ff\u00fe\n", "ERROR BAD_LINE\n" },
        { "ok\n\u00c3\n", "[ok]\nERROR BAD_LINE\n" },
        { "\u00c0\u00ae\nnever\n", "ERROR BAD_LINE\n" },
    };

    [Theory, MemberData(nameof(Transcripts))]
    public void A_conversation_split_at_any_byte_is_answered_alike(string input, string output)
    {
        byte[] bytes = Bytes(input);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Wire wire = new Wire(ScriptService.Echo()).Receive(bytes.AsSpan(0, cut)).Receive(bytes.AsSpan(cut));
            Assert.Equal(output, wire.Sent);
            Assert.Equal(output.Contains("ERROR", StringComparison.Ordinal), wire.Conversation.IsOver);
        }
    }

    [Theory, MemberData(nameof(Transcripts))]
    public void One_byte_at_a_time_is_answered_alike(string input, string output)
    {
        Wire wire = new(ScriptService.Echo());
        foreach (byte value in Bytes(input)) wire.Receive([value]);
        Assert.Equal(output, wire.Sent);
    }

    [Fact]
    public void Lines_that_come_together_are_each_foreseen_once_before_they_are_handled()
    {
        Seer seer = new();
        new Wire(seer).Receive("one\n").Receive("a\nb\nc\nd\ne\nf").Receive("\nx\n").Receive("two\n");
        Assert.Equal(["one", "?a b c", "a", "b", "c", "?d e", "d", "e", "?f x", "f", "x", "two"], seer.Seen);
    }

    [Fact]
    public void Many_commands_in_one_segment_are_answered_in_order()
    {
        string[] lines = [.. Enumerable.Range(0, 20_000).Select(number => $"line {number}")];
        Wire wire = new Wire(ScriptService.Echo()).Receive(string.Join('\n', lines) + "\n");
        Assert.Equal(string.Concat(lines.Select(line => $"[{line}]\n")), wire.Sent);
        Assert.False(wire.Conversation.IsOver);
    }

    // "A line longer than 8 KiB": LF included, so 8,191 bytes and their LF are the longest.
    [Theory]
    [InlineData(8190, false)]
    [InlineData(8191, false)]
    [InlineData(8192, true)]
    [InlineData(8193, true)]
    [InlineData(100_000, true)]
    public void A_line_of_more_than_8_KiB_is_refused(int length, bool refused)
    {
        string line = new('x', length);
        foreach (int piece in new[] { 1, 100, 8191, 8192, 1_000_000 })
        {
            Wire wire = new(ScriptService.Echo());
            foreach (char[] part in $"{line}\n".Chunk(piece)) wire.Receive(new string(part));
            Assert.Equal(refused ? "ERROR LINE_TOO_LONG\n" : $"[{line}]\n", wire.Sent);
            Assert.Equal(refused, wire.Conversation.IsOver);
            Assert.Equal(refused, wire.Conversation.WasRefused);
        }
    }

    [Fact]
    public void Bytes_without_a_newline_are_refused_at_8_KiB_and_hold_no_memory_after()
    {
        Wire wire = new(ScriptService.Echo());
        wire.Receive(new byte[1000].Select(_ => (byte)'x').ToArray());
        Assert.False(wire.Conversation.IsOver);
        byte[] more = new byte[16 * 1024];
        more.AsSpan().Fill((byte)'x');
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int times = 0; times < 10_000; times++) wire.Conversation.Receive(more, wire.Now);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
        Assert.Equal("ERROR LINE_TOO_LONG\n", wire.Turn().Sent);
    }

    [Fact]
    public void After_a_refusal_nothing_more_is_taken()
    {
        ScriptService service = ScriptService.Echo();
        Wire wire = new Wire(service).Receive("\t\nlater\n");
        wire.Receive("later still\n");
        Assert.Empty(service.Lines);
        Assert.Equal("ERROR BAD_LINE\n", wire.Sent);
        Assert.Equal(1, service.Complaints.Total);
    }

    [Fact]
    public void A_peer_that_ends_its_input_still_gets_all_its_answers()
    {
        Wire wire = new(ScriptService.Echo()) { Window = 0 };
        wire.Receive("a\nb\nleft over");
        wire.Conversation.EndInput();
        Assert.False(wire.Conversation.IsOver);
        wire.Window = 6;
        Assert.False(wire.Turn().Conversation.IsOver);
        wire.Window = 100;
        Assert.True(wire.Turn().Conversation.IsOver);
        Assert.Equal("[a]\n[b]\n", wire.Sent);
    }

    [Fact]
    public void A_session_may_close_after_its_answer()
    {
        ScriptService service = new((_, answer) =>
        {
            answer.Write("bye\n"u8);
            answer.Close();
        });
        Wire wire = new Wire(service) { Window = 0 }.Receive("a\nb\n");
        Assert.False(wire.Conversation.IsOver);
        wire.Window = 100;
        Assert.True(wire.Turn().Conversation.IsOver);
        Assert.Equal("bye\n", wire.Sent);
        Assert.Equal(["a"], service.Lines);
        Assert.False(wire.Conversation.WasRefused);
    }

    [Fact]
    public void A_peer_that_reads_nothing_is_asked_to_wait_and_then_goes_on_in_order()
    {
        ScriptService service = new((line, answer) =>
            answer.Write(Encoding.UTF8.GetBytes(line + new string('.', 4000) + "\n")));
        Wire wire = new(service) { Window = 0 };
        wire.Receive(string.Concat(Enumerable.Range(0, 100).Select(number => $"{number}\n")));
        Assert.True(wire.Conversation.IsPaused);
        Assert.True(service.Lines.Count < 20, "the answers must not pile up");
        Assert.True(wire.Answer.UnsentBytes <= BufferPool.Size);
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.Equal(Enumerable.Range(0, 100).Select(number => $"{number}"), service.Lines);
        Assert.Equal(100, wire.Sent.Count(c => c == '\n'));
    }

    // Latin-1, so that a transcript can hold bytes that are no UTF-8; what is beyond Latin-1 is written as UTF-8.
    private static byte[] Bytes(string text) => text.Any(c => c > 0xFF) || text.Contains('ö')
        ? Encoding.UTF8.GetBytes(text) : Encoding.Latin1.GetBytes(text);

    // Foresees three lines at once, and notes what it saw when.
    private sealed class Seer : ILineService, ILineSession
    {
        public List<string> Seen { get; } = [];

        public Complaints Complaints { get; } = new(new LogBook(), TimeProvider.System);

        public ILineSession Open(IPeer peer) => this;

        public int Foresee(ReadOnlySpan<byte> lines)
        {
            string[] whole = [.. Encoding.UTF8.GetString(lines).Split('\n')[..^1].Take(3)];
            Seen.Add($"?{string.Join(' ', whole)}");
            return whole.Length;
        }

        public void Handle(ReadOnlySpan<byte> line, Answer answer) => Seen.Add(Encoding.UTF8.GetString(line));
    }
}
