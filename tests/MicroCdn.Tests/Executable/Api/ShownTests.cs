using System.Text;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Top;
using MicroCdn.Verbs;

namespace MicroCdn.Tests.Executable.Api;

/// <summary>What the verbs show that ask the admin API.</summary>
public sealed class ShownTests
{
    [Fact]
    public void An_explanation_begins_with_the_verdict_and_names_each_exclusion_with_its_reason()
    {
        CandidateView chosen = new("CS1", "alive", "", 3, 12, "eu", "DE", 100, "http://h/a", null);
        CandidateView dead = chosen with
        {
            Id = "CS2", State = "dead", Why = "its port refused", Excluded = "It is dead: its port refused.",
        };
        Explanation told = new(null!, "203.0.113.9", "eu", "DE", false, "CS1", "http://h/a",
            "203.0.113.9 is sent to CS1.", [chosen, dead], [new OtherBytes("CS3", 7, null)])
        {
            File = new("a.bin", 1536, "ab12", 4, null, 1, 2),
        };
        Assert.Equal(
        [
            "203.0.113.9 is sent to CS1.", "at http://h/a", "", "file    a.bin, 1.5 KiB, 1 of 2 copies",
            "sha256  ab12", "client  203.0.113.9, zone eu, DE", "",
            "   SERVER  STATE  SCORE  LOAD  WEIGHT  ZONE  COUNTRY  WHY",
            "1  CS1     alive     12     3     100  eu    DE       chosen",
            "-  CS2     dead       -     3     100  eu    DE       It is dead: its port refused.",
            "CS3 has other bytes by that name (7 bytes), which are not offered",
        ], ExplainVerb.Lines(told));
    }

    [Theory]
    [InlineData("Server", "CS1 CS2 CS3")]
    [InlineData("Requests", "CS2 CS1 CS3")]
    [InlineData("Bytes", "CS1 CS2 CS3")]
    [InlineData("Hits", "CS2 CS1 CS3")]
    [InlineData("Load", "CS3 CS1 CS2")]
    public void Servers_are_sorted_by_what_is_wanted_and_those_that_tell_nothing_come_last(string word, string ids)
    {
        TopOrder order = Enum.Parse<TopOrder>(word);
        string[] lines = [.. View().Lines(order).Select(line => line.Text)];
        Assert.Equal(ids.Split(' '), lines[^3..].Select(line => line.Split(' ')[0]));
        Assert.Equal("2 servers (1 alive, 1 dead)  1,234 requests/s  3.0 MiB/s  hit 75 %  7 downloads  9 files  "
            + "2 copies missing", lines[0]);
        Assert.Equal("CS3 is dead: it is silent", lines[1]);
        Assert.Contains("and 1 more: microcdn logs", lines);
        Assert.Equal(1, lines[6].Count(letter => letter == '*'));
    }

    [Fact]
    public void A_row_says_what_a_server_does_and_what_stands_out_is_what_is_wrong()
    {
        TopLine[] lines = [.. View().Lines(TopOrder.Requests)];
        Assert.Contains("REQ/S*", lines[6].Text, StringComparison.Ordinal);
        Assert.Equal(["CS2", "alive", "5.5", "1.0", "KiB", "50", "%", "1", "50", "%", "-", "0.1.0"],
            lines[^3].Text.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((TopStyle.Plain, TopStyle.Bad), (lines[^3].Style, lines[^1].Style));
    }

    [Fact]
    public void The_screen_obeys_nobody_else_and_is_left_as_it_was()
    {
        MemoryStream terminal = new();
        using (Screen screen = new(terminal, isColored: false))
        {
            screen.Draw([new TopLine("CS1\e[2Jforged and long", TopStyle.Bad), new TopLine("2", TopStyle.Plain),
                new TopLine("3", TopStyle.Plain)], "q ends", 12, 3);
        }
        Assert.Equal("\e[?1049h\e[?25l\e[?7l" + "\e[HCS1?[2Jforge\e[K\r\n2\e[K\r\nq ends\e[J"
            + "\e[?7h\e[?25h\e[?1049l\e[?1l\e>", Encoding.UTF8.GetString(terminal.ToArray()));
    }

    [Fact]
    public void An_event_is_one_line()
    {
        EventView dead = new(7, new DateTimeOffset(2026, 11, 29, 12, 54, 20, TimeSpan.Zero), "server", "error", "CS1",
            "CS1 is dead: it is silent");
        Assert.Equal("2026-11-29T12:54:20Z  error    server       CS1 is dead: it is silent", LogsVerb.Line(dead));
        Assert.EndsWith("  CS1: no room", LogsVerb.Line(dead with { Text = "no room" }), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_was_told_of_a_test_and_who_was_not_is_seen_and_decides_the_exit_code()
    {
        NotifyTargetView works = new("http://h/...", DateTimeOffset.UnixEpoch, null, null, 3, 0, 0, 1);
        NotifyTargetView fails = works with { Target = "page", Trouble = "it answered 404", Waiting = 1 };
        string[] lines = [.. NotifyVerb.Lines([works, fails, works], [true, true, false])];
        Assert.Contains("works ", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("  it answered 404", lines[2], StringComparison.Ordinal);
        Assert.Contains("no answer yet", lines[3], StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, NotifyVerb.CodeOf([works], [true]));
        Assert.Equal(ExitCode.Partial, NotifyVerb.CodeOf([works, fails], [true, true]));
        Assert.Equal(ExitCode.Failed, NotifyVerb.CodeOf([works], [false]));
        Assert.Equal(ExitCode.Failed, NotifyVerb.CodeOf([], []));
    }

    private static TopView View()
    {
        Figures fleet = new(1234, 0, 3 << 20, 75, 25, 0, 7);
        const string Bad = "CS3 is dead: it is silent";
        Overview now = new(DateTimeOffset.UnixEpoch, "0.1.0", DateTimeOffset.UnixEpoch, true, null, null,
            [new("error", "server", "CS3", Bad), new("error", "server", "CS3", Bad),
                new("warning", "copies", "", "x"), new("warning", "disk", "", "x")],
            new Dictionary<string, int> { ["dead"] = 1, ["alive"] = 1, ["suspect"] = 0 }, 9,
            new CopyCounts(9, 18, 16, 0, 2, 0, 0, 0, 0), fleet, 0, 7);
        ServerTold told = new(1, "0.1.0", 50, 100, null, null);
        ServerView one = new("CS1", "alive", "", true, false, null, null, null, null, 100, 2, [], 0, null, null, null,
            false, 0, told, new Figures(2, 0, 9000, 9, 1, 0, 2));
        return new TopView(now,
        [
            one with { Id = "CS3", State = "dead", Why = "it is silent", Load = 3, Figures = null, Told = null }, one,
            one with { Id = "CS2", Load = 1, Figures = new Figures(5.5, 0, 1024, 1, 1, 0, 1) },
        ]);
    }
}
