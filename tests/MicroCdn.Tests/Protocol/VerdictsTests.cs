using System.Buffers;
using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, "Life and death" and REPORT: what an index understands of health.
public sealed class VerdictsTests
{
    [Theory]
    [InlineData("SERVER_DOWN CS1 1767225600 inc=7 ev=9", "CS1|1767225600|Dead|7|9")]
    [InlineData("SERVER_DOWN CS1 0 ev=9 colour=blue inc=0", "CS1|0|Dead|0|9")]
    [InlineData("SERVER_SUSPECT CS1 5 inc=1 ev=2", "CS1|5|Suspect|1|2")]
    [InlineData("SERVER_UP CS1 5 inc=1 ev=2", "CS1|5|Alive|1|2")]
    [InlineData("SERVER_UP CS1 5 inc=1 ev=2 state=returning", "CS1|5|Returning|1|2")]
    [InlineData("SERVER_UP CS1 5 inc=1 ev=2 state=draining", "CS1|5|Draining|1|2")]
    [InlineData("SERVER_UP CS1 5 inc=1 ev=2 state=dead", null)]
    [InlineData("SERVER_UP CS1 5 inc=1 ev=2 state=", null)]
    [InlineData("SERVER_DOWN CS1 5", null)]
    [InlineData("SERVER_DOWN CS1 5 inc=1", null)]
    [InlineData("SERVER_DOWN CS1 5 ev=1", null)]
    [InlineData("SERVER_DOWN CS1 5 inc=1 ev=0", null)]
    [InlineData("SERVER_DOWN CS1 5 inc=-1 ev=1", null)]
    [InlineData("SERVER_DOWN CS1 5 inc=1 ev=1 more", null)]
    [InlineData("SERVER_DOWN CS1 inc=1 ev=1", null)]
    [InlineData("SERVER_DOWN 5 inc=1 ev=1", null)]
    [InlineData("SERVER_GONE CS1 5 inc=1 ev=1", null)]
    [InlineData("STATE CS1 returning inc=3 ev=4", "CS1|Returning|3|4")]
    [InlineData("STATE CS1 unknown ev=0 inc=0 x=y", "CS1|Unknown|0|0")]
    [InlineData("STATE CS1 Alive inc=3 ev=4", null)]
    [InlineData("STATE CS1 alive inc=3", null)]
    [InlineData("STATE CS1 alive 3 4", null)]
    [InlineData("STATE alive inc=3 ev=4", null)]
    [InlineData("MONITOR m1", "m1")]
    [InlineData("MONITOR m1 key=value", "m1")]
    [InlineData("MONITOR", null)]
    [InlineData("MONITOR m1 m2", null)]
    [InlineData("DOUBT on", "True")]
    [InlineData("DOUBT off why=x", "False")]
    [InlineData("DOUBT maybe", null)]
    [InlineData("DOUBT", null)]
    [InlineData("REPORT a%20b CS1 wrong", "a%20b|CS1|Wrong")]
    [InlineData("REPORT a CS1 connect offset=5", "a|CS1|Connect")]
    [InlineData("REPORT a CS1 stall", "a|CS1|Stall")]
    [InlineData("REPORT a CS1 missing", "a|CS1|Missing")]
    [InlineData("REPORT a CS1 ugly", null)]
    [InlineData("REPORT a CS1", null)]
    [InlineData("REPORT a b CS1 wrong", null)]
    public void Every_line_says_what_it_says_or_nothing(string line, string? says)
    {
        byte[] whole = line.Utf8();
        Assert.Equal(says, Read(whole));
        Assert.Equal(says, Read($"  {line.Replace(" ", "  ", StringComparison.Ordinal)} ".Utf8()));
    }

    // What nobody knows at the end of a line may be missing; numbers are told by their line's end alone.
    [Theory]
    [InlineData("SERVER_UP CS1 5 ev=2 inc=1 state=returning")]
    [InlineData("SERVER_DOWN CS1 5 inc=1 ev=2")]
    [InlineData("STATE CS1 alive inc=3 ev=4")]
    [InlineData("DOUBT off")]
    [InlineData("MONITOR m")]
    [InlineData("REPORT a CS1 wrong")]
    public void A_line_cut_at_any_byte_never_reads_as_the_whole_one(string line)
    {
        byte[] whole = line.Utf8();
        string says = Read(whole)!;
        for (int cut = 0; cut < whole.Length; cut++) Assert.NotEqual(says, Read(whole.AsSpan(0, cut)));
    }

    [Fact]
    public void Random_bytes_are_read_without_harm() =>
        Gen.Select(Gen.Byte.Array[0, 60], Gen.Int[0, 5]).Sample((bytes, verb) =>
        {
            string[] verbs = ["SERVER_UP", "SERVER_DOWN", "STATE", "MONITOR", "DOUBT", "REPORT"];
            Read([.. verbs[verb].Utf8(), (byte)' ', .. bytes]);
        });

    [Fact]
    public void What_is_written_is_read_as_it_was_meant() =>
        Gen.Select(Gen.Enum<ServerState>(), Gen.Long[0, long.MaxValue], Gen.Long[1, long.MaxValue])
            .Sample((state, incarnation, number) =>
            {
                ArrayBufferWriter<byte> row = new(), change = new();
                StateEvent news = new(Names.Id("CS1"), state, incarnation, number, 17);
                row.WriteState(news);
                Assert.Equal($"CS1|{state}|{incarnation}|{number}", Read(row.WrittenSpan[..^1]));
                change.WriteEvent(news);
                // Of an unknown server no change is told.
                Assert.Equal(state == ServerState.Unknown ? null : $"CS1|17|{state}|{incarnation}|{number}",
                    Read(change.WrittenSpan[..^1]));
            }, iter: 200);

    [Theory]
    [InlineData(0, "heard=0", 0)]
    [InlineData(41.9, "heard=41", 41)]
    [InlineData(5e14, "heard=1099511627776", 1_099_511_627_776)]
    public void How_long_ago_a_server_was_heard_is_told_in_milliseconds(double age, string word, long told)
    {
        ArrayBufferWriter<byte> row = new();
        row.WriteState(
            new StateEvent(Names.Id("CS1"), ServerState.Alive, 7, 9, 5), TimeSpan.FromMicroseconds(age * 1e3));
        Assert.Equal($"STATE CS1 alive inc=7 ev=9 {word}\n", row.WrittenSpan.Text());
        Assert.True(StateRow.TryParse(new Words(row.WrittenSpan[6..^1]), out StateRow read));
        Assert.Equal(TimeSpan.FromMilliseconds(told), read.Heard);
    }

    [Theory]
    [InlineData("heard=")]
    [InlineData("heard=-1")]
    [InlineData("heard=1.5")]
    [InlineData("heard=1099511627777")]
    public void An_impossible_time_since_a_server_was_heard_is_refused(string word) => Assert.False(
        StateRow.TryParse(new Words($"CS1 alive inc=7 ev=9 {word}".Utf8()), out _));

    [Fact]
    public void A_report_names_the_file_as_one_word() => Assert.Equal("REPORT a%20b CS1 stall\n",
        ((ReadOnlySpan<byte>)TroubleReport.Write(Names.Of("a b"), Names.Id("CS1"), Trouble.Stall)).Text());

    [Theory]
    [InlineData("SERVER CS1 10.0.0.1 7001 3 alive state=suspect why=a%20b%25 more=x", "True|Suspect|a b%")]
    [InlineData("SERVER CS1 10.0.0.1 7001 3 dead state=draining", "False|Draining|")]
    [InlineData("SERVER CS1 10.0.0.1 7001 3 alive state=happy", "True||")]
    [InlineData("SERVER CS1 10.0.0.1 7001 3 alive", "True||")]
    [InlineData("SERVER CS1 10.0.0.1 7001 3 alive suspect", null)]
    public void A_row_of_servers_may_tell_state_and_reason(string line, string? says) => Assert.Equal(says,
        ServerRow.TryParse(line.Utf8(), out ServerRow? row) ? $"{row!.Alive}|{row.State}|{row.Why}" : null);

    private static string? Read(ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        if (verb.SequenceEqual("STATE"u8))
        {
            return StateRow.TryParse(words, out StateRow row)
                ? $"{row.Id.Text()}|{row.State}|{row.Incarnation}|{row.Event}" : null;
        }
        if (verb.SequenceEqual("MONITOR"u8)) return OneId.TryParse(words, out ServerId id) ? id.Value : null;
        if (verb.SequenceEqual("DOUBT"u8)) return Doubt.TryParse(words, out bool doubts) ? $"{doubts}" : null;
        if (verb.SequenceEqual("REPORT"u8))
        {
            return TroubleReport.TryParse(words, out TroubleReport report)
                ? $"{report.Name.Text()}|{report.Id.Text()}|{report.Reason}" : null;
        }
        return StateChange.TryParse(verb, words, out StateChange change)
            ? $"{change.Id.Text()}|{change.UnixSeconds}|{change.State}|{change.Incarnation}|{change.Event}" : null;
    }
}
