using System.Text;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Tests.Network;

public sealed class AnswerTests
{
    private const int Small = Answer.CopiedBytes / 2;
    private const int Large = 300_000;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Small)]
    [InlineData(Answer.CopiedBytes)]
    [InlineData(Answer.CopiedBytes + 1)]
    [InlineData(Answer.PieceBytes - 64)]
    [InlineData(Answer.PieceBytes - 63)]
    [InlineData(Answer.PieceBytes)]
    [InlineData(Answer.PieceBytes + 1)]
    [InlineData(Large)]
    public void A_file_follows_its_header_whole_and_is_given_back_once(int length)
    {
        MemoryFile file = new(length);
        Wire wire = new Wire(Serving(file)).Receive("GET\nnext\n");
        Assert.Equal([.. $"OK {length}\n".Utf8(), .. file.Bytes, .. "[next]\n".Utf8()], wire.SentBytes);
        Assert.Equal(1, file.Released);
        Assert.False(wire.Conversation.IsOver);
    }

    [Fact]
    public void Part_of_a_file_is_sent_from_its_offset()
    {
        MemoryFile file = new(Large);
        ScriptService service = new((_, answer) => answer.SendFile("OK\n"u8, file, 1000, Large - 5000));
        Wire wire = new Wire(service).Receive("GET\n");
        Assert.Equal([.. "OK\n".Utf8(), .. file.Bytes.AsSpan(1000, Large - 5000)], wire.SentBytes);
    }

    [Fact]
    public void A_small_file_changed_in_place_is_not_begun()
    {
        MemoryFile file = new(Small) { IsEdited = true };
        Wire wire = new Wire(Serving(file)).Receive("GET\nnext\n");
        Assert.Equal("refused\n[next]\n", wire.Sent);
        Assert.Equal(0, file.Released);
    }

    [Fact]
    public void A_small_file_that_became_shorter_is_not_begun()
    {
        MemoryFile file = new(Small, announced: Small + 1);
        Assert.Equal("refused\n", new Wire(Serving(file)).Receive("GET\n").Sent);
    }

    [Fact]
    public void The_end_of_a_large_file_is_held_back_until_it_is_known_to_be_unchanged()
    {
        MemoryFile file = new(Large);
        Wire wire = new Wire(Serving(file)) { Window = 100_000 }.Receive("GET\nnext\n");
        file.IsEdited = true;
        wire.Window = long.MaxValue;
        wire.Turn();
        Assert.True(wire.Answer.Broken);
        Assert.True(wire.Conversation.IsOver, "closed short");
        Assert.True(wire.SentLength < "OK 300000\n".Length + Large);
        Assert.Equal(1, file.Released);
        Assert.DoesNotContain("next", wire.Sent, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_file_that_nobody_edits_nothing_is_held_back()
    {
        MemoryFile file = new(Large) { MayChange = false };
        Wire wire = new Wire(Serving(file)) { Window = "OK 300000\n".Length }.Receive("GET\n");
        Assert.Equal(Large, wire.Answer.FileLeft);
        wire.Answer.FileSent(Large);
        Assert.Equal((null, 1, false), (wire.Answer.File, file.Released, wire.Answer.Broken));
    }

    [Fact]
    public void A_large_file_that_became_shorter_is_closed_short()
    {
        MemoryFile file = new(Large, announced: Large + 10);
        Wire wire = new Wire(Serving(file)).Receive("GET\n");
        Assert.True(wire.Answer.Broken);
        Assert.True(wire.Conversation.IsOver);
        Assert.Equal(1, file.Released);
    }

    [Fact]
    public void While_a_file_is_under_way_no_line_is_taken_and_then_all_in_order()
    {
        MemoryFile file = new(Large);
        ScriptService service = Serving(file);
        Wire wire = new Wire(service) { Window = 50_000 }.Receive("GET\none\ntwo\n");
        Assert.True(wire.Conversation.IsPaused);
        wire.Receive("three\nfo");
        wire.Receive("ur\n");
        Assert.Equal(["GET"], service.Lines);
        wire.Window = long.MaxValue;
        Assert.EndsWith("[one]\n[two]\n[three]\n[four]\n", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.Equal(["GET", "one", "two", "three", "four"], service.Lines);
    }

    // The host must not wait for further input then: the peer waits for its answer.
    [Fact]
    public void Once_a_file_has_left_the_conversation_tells_that_lines_are_waiting()
    {
        MemoryFile file = new(Large);
        Conversation conversation = new Wire(Serving(file)) { Window = 9 }.Receive("GET\none\ntw").Conversation;
        Assert.False(conversation.HasMore);
        while (conversation.Answer.File is not null) conversation.Answer.FileSent(conversation.Answer.FileLeft);
        conversation.Answer.TextSent(conversation.Answer.UnsentBytes);
        Assert.True(conversation.HasMore);
        conversation.Continue(1_000_000);
        Assert.Equal("[one]\n", conversation.Answer.Unsent.Text());
        Assert.False(conversation.HasMore, "an unfinished line is none");
    }

    [Fact]
    public void A_file_is_given_back_when_its_connection_ends()
    {
        MemoryFile file = new(Large);
        Wire wire = new Wire(Serving(file)) { Window = 50_000 }.Receive("GET\n");
        wire.Conversation.End();
        Assert.Equal(1, file.Released);
    }

    // The header of a file comes on top of the piece it may fill: a full segment of small files must not overrun.
    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(20)]
    public void A_file_of_one_piece_fits_behind_whatever_is_unsent(int lessThanFull)
    {
        MemoryFile file = new(Answer.PieceBytes);
        int before = BufferPool.Size - Answer.PieceBytes - lessThanFull;
        ScriptService service = new((_, answer) =>
        {
            for (int left = before; left > 0; left -= Answer.PieceBytes)
            {
                answer.Write(new byte[Math.Min(left, Answer.PieceBytes)]);
            }
            Assert.True(answer.SendFile($"OK {Answer.PieceBytes}\n".Utf8(), file, 0, Answer.PieceBytes));
        });
        Wire wire = new Wire(service).Receive("GET\n");
        Assert.Equal(before + 9 + Answer.PieceBytes, wire.SentLength);
    }

    [Fact]
    public void A_long_list_comes_in_pieces_that_stay_within_the_buffer_and_the_next_line_waits()
    {
        CountingSource source = new(200_000);
        ScriptService service = new((line, answer) =>
        {
            if (line == "LIST") answer.SendList(source);
            else answer.Write("after\n"u8);
        });
        Wire wire = new Wire(service) { Window = 0 }.Receive("LIST\nnext\n");
        Assert.True(wire.Conversation.IsPaused);
        Assert.True(wire.Answer.UnsentBytes <= BufferPool.Size);
        Assert.True(source.Next < 20_000, "a list of millions must never stand in memory");
        wire.Window = long.MaxValue;
        string[] lines = wire.Turn().Sent.Split('\n');
        Assert.Equal(Enumerable.Range(0, 200_000).Select(number => $"FILE {number}"), lines.Take(200_000));
        Assert.Equal(["END", "after", ""], lines.Skip(200_000));
    }

    [Fact]
    public void While_an_answer_is_postponed_no_line_is_taken_and_then_all_in_order()
    {
        Answer? postponed = null;
        ScriptService service = new((line, answer) =>
        {
            if (line == "DONE") (postponed = answer).Later();
            else answer.Write(Encoding.UTF8.GetBytes($"[{line}]\n"));
        });
        Wire wire = new Wire(service).Receive("one\nDONE\ntwo\n");
        Assert.True(wire.Conversation.IsPaused);
        Assert.Equal("[one]\n", wire.Receive("three\n").Sent);
        wire.Conversation.EndInput();
        Assert.False(wire.Conversation.IsOver);
        postponed!.Complete("OK\n"u8);
        Assert.Equal("[one]\nOK\n[two]\n[three]\n", wire.Turn().Sent);
        Assert.True(wire.Conversation.IsOver);
    }

    [Fact]
    public void A_postponed_answer_may_come_from_another_thread_before_the_session_returns()
    {
        ScriptService service = new((_, answer) =>
        {
            answer.Later();
            Thread other = new(() => answer.Complete("OK\n"u8));
            other.Start();
            other.Join();
        });
        Wire wire = new Wire(service).Receive("DONE\n");
        Assert.Equal("OK\n", wire.Sent);
        Assert.False(wire.Conversation.IsPaused);
    }

    private static ScriptService Serving(MemoryFile file) => new((line, answer) =>
    {
        if (line != "GET") answer.Write(Encoding.UTF8.GetBytes($"[{line}]\n"));
        else if (!answer.SendFile(Encoding.UTF8.GetBytes($"OK {file.Announced}\n"), file, 0, file.Announced))
        {
            answer.Write("refused\n"u8);
        }
    });

    private sealed class CountingSource(int count) : ILineSource
    {
        public int Next { get; private set; }

        public bool Write(Answer answer)
        {
            int before = answer.UnsentBytes;
            for (; Next < count; Next++)
            {
                if (answer.UnsentBytes - before > Answer.PieceBytes - 64) return true;
                answer.Write(Encoding.UTF8.GetBytes($"FILE {Next}\n"));
            }
            answer.Write("END\n"u8);
            return false;
        }
    }

    private sealed class MemoryFile : IFileSource
    {
        public MemoryFile(int length, int? announced = null)
        {
            Announced = announced ?? length;
            Bytes = new byte[length];
            new Random(length).NextBytes(Bytes);
        }

        public byte[] Bytes { get; }

        public int Announced { get; }

        public bool IsEdited { get; set; }

        public int Released { get; private set; }

        public SafeFileHandle Handle { get; } = new(-1, ownsHandle: false);

        public int Read(Span<byte> buffer, long offset)
        {
            int count = (int)Math.Clamp(Bytes.Length - offset, 0, buffer.Length);
            Bytes.AsSpan((int)offset, count).CopyTo(buffer);
            return count;
        }

        public bool MayChange { get; init; } = true;

        public bool Unchanged() => !IsEdited;

        public void Release() => Released++;
    }
}
