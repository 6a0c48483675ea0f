using System.Net;
using CsCheck;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

// What is believed of a server when monitors, clients and the index itself have something to say.
public sealed class JuryTests
{
    private static readonly ServerId Id = Names.Id("CS1");

    // Who told what he has is asked before who is only remembered, whatever monitors say.
    [Theory]
    [InlineData("", false, ServerState.Unknown)]
    [InlineData("alive", false, ServerState.Unknown)]
    [InlineData("suspect", false, ServerState.Suspect)]
    [InlineData("dead", false, ServerState.Dead)]
    [InlineData("", true, ServerState.Dead)]
    [InlineData("alive", true, ServerState.Dead)]
    public void A_server_that_has_not_registered_since_the_start_is_unknown_and_then_given_up(
        string monitors, bool isForgotten, ServerState expected)
    {
        Jury jury = new();
        foreach (string word in monitors.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            Juror juror = new($"m {word}");
            jury.Seat(juror);
            juror.Set(Id, Enum.Parse<ServerState>(word, ignoreCase: true));
        }
        Assert.Equal(expected, jury.Judge(Id, new Evidence(IsRemembered: true, IsForgotten: isForgotten)).State);
    }

    [Fact]
    public void Who_is_called_dead_or_suspected_is_so_for_what_the_monitor_says()
    {
        Jury jury = new();
        Juror juror = new("m1");
        jury.Seat(juror);
        juror.Hear(Id, new Statement(ServerState.Suspect, 1, 1, Why: "it is silent"));
        Assert.Equal("monitor m1 suspects it: it is silent", jury.Judge(Id, default).Why);
        juror.Hear(Id, new Statement(ServerState.Dead, 1, 2, Why: "its port refused"));
        Assert.Equal("monitor m1 says that it is dead: its port refused", jury.Judge(Id, default).Why);
        juror.Hear(Id, new Statement(ServerState.Dead, 1, 3));
        Assert.Equal("monitor m1 says that it is dead", jury.Judge(Id, default).Why);
    }

    [Theory]
    // One word for each monitor: its state, or - for nothing; ? behind it when it doubts itself.
    [InlineData("alive", ServerState.Alive)]
    [InlineData("dead", ServerState.Dead)]
    [InlineData("suspect", ServerState.Suspect)]
    [InlineData("returning", ServerState.Returning)]
    [InlineData("draining", ServerState.Draining)]
    [InlineData("-", ServerState.Unknown)]
    [InlineData("alive suspect alive", ServerState.Suspect)]
    [InlineData("dead alive alive", ServerState.Suspect)]
    [InlineData("dead alive", ServerState.Suspect)]
    [InlineData("dead dead alive", ServerState.Dead)]
    [InlineData("dead dead alive alive", ServerState.Suspect)]
    [InlineData("dead suspect -", ServerState.Suspect)]
    [InlineData("dead draining draining", ServerState.Draining)]
    [InlineData("suspect draining", ServerState.Draining)]
    [InlineData("returning alive", ServerState.Alive)]
    [InlineData("- returning", ServerState.Returning)]
    [InlineData("dead? alive", ServerState.Alive)]
    [InlineData("dead? dead? alive", ServerState.Alive)]
    [InlineData("spared", ServerState.Suspect)]
    [InlineData("spared dead -", ServerState.Suspect)]
    [InlineData("spared spared", ServerState.Suspect)]
    [InlineData("dead alive? alive?", ServerState.Dead)]
    [InlineData("suspect? alive", ServerState.Alive)]
    // When all doubt themselves, what they said last still puts the servers in order.
    [InlineData("dead? dead? alive?", ServerState.Dead)]
    [InlineData("dead? alive? alive?", ServerState.Suspect)]
    public void The_words_of_monitors_make_one_state(string words, ServerState expected) =>
        Assert.Equal(expected, Bench(words).Judge(Id, new Evidence()).State);

    [Theory]
    [InlineData("dead alive alive", ServerState.Dead)]
    [InlineData("dead? alive alive", ServerState.Suspect)]
    [InlineData("suspect alive", ServerState.Suspect)]
    [InlineData("alive", ServerState.Suspect)]
    [InlineData("-", ServerState.Suspect)]
    [InlineData("draining", ServerState.Draining)]
    [InlineData("", ServerState.Dead)]
    // Whom a monitor's limit of removals spares it would call dead.
    [InlineData("spared alive", ServerState.Dead)]
    [InlineData("spared? alive", ServerState.Suspect)]
    [InlineData("spared", ServerState.Dead)]
    public void One_word_and_a_look_of_the_indexs_own_that_failed_are_as_good_as_a_majority(
        string words, ServerState expected) =>
        Assert.Equal(expected, Bench(words).Judge(Id, new Evidence(IsUnreached: true)).State);

    [Theory]
    [InlineData("")]
    [InlineData("alive")]
    [InlineData("alive suspect")]
    [InlineData("-")]
    public void What_clients_report_makes_a_server_suspect_and_never_dead(string words)
    {
        Verdict verdict = Bench(words).Judge(Id, new Evidence(Reported: Trouble.Wrong));
        Assert.Equal(ServerState.Suspect, verdict.State);
        Assert.NotEmpty(verdict.Why);
    }

    [Fact]
    public void With_every_monitor_gone_a_server_may_be_used_unless_the_index_cannot_reach_it()
    {
        Jury jury = Bench("dead dead");
        Assert.Equal(ServerState.Dead, jury.Judge(Id, new Evidence()).State);
        foreach (Juror juror in jury.All.ToArray()) jury.Dismiss(juror);
        Assert.True(jury.IsEmpty);
        Assert.Equal(ServerState.Unknown, jury.Judge(Id, new Evidence()).State);
        Assert.Equal(ServerState.Dead, jury.Judge(Id, new Evidence(IsUnreached: true)).State);
        Assert.Equal(ServerState.Draining, jury.Judge(Id, new Evidence(Drains: true)).State);
        Assert.Equal(ServerState.Dead, jury.Judge(Id, new Evidence(IsCalledDead: true)).State);
    }

    [Fact]
    public void A_SERVER_DOWN_of_a_stranger_kills_nobody_whom_a_monitor_hears_unless_the_index_finds_nobody()
    {
        Jury jury = Bench("alive");
        Assert.Equal(ServerState.Suspect, jury.Judge(Id, new Evidence(IsCalledDead: true)).State);
        Assert.True(jury.Judge(Id, new Evidence(IsCalledDead: true)).IsOpen);
        Assert.Equal(ServerState.Dead, jury.Judge(Id, new Evidence(IsCalledDead: true, IsUnreached: true)).State);
    }

    [Theory]
    [InlineData("")]
    [InlineData("alive")]
    [InlineData("suspect alive")]
    public void Who_registered_by_a_key_that_is_gone_is_asked_last_and_after_a_while_not_at_all(string words)
    {
        Jury jury = Bench(words);
        Assert.Equal(ServerState.Suspect, jury.Judge(Id, new Evidence(IsLapsed: true)).State);
        Assert.Equal(ServerState.Draining, jury.Judge(Id, new Evidence(IsLapsed: true, IsExpelled: true)).State);
    }

    [Fact]
    public void A_SERVER_DOWN_without_any_bench_is_believed_until_the_index_has_reached_the_server_itself()
    {
        IndexWorld index = new();
        index.Register("CS1", "10.0.0.5", "a 1");
        Assert.Equal("OK SERVER_MARKED_DEAD\n", index.Ask("SERVER_DOWN CS1 1700000000\n"));
        Assert.Equal(ServerState.Dead, index.StateOf("CS1"));
        Assert.Equal(["CS1"], index.Looks);
        // A look that found out nothing is repeated.
        index.Fleet.Forget();
        Assert.Equal(["CS1", "CS1"], index.Looks);
        index.Looked("CS1", answers: false);
        Assert.Equal(ServerState.Dead, index.StateOf("CS1"));
        index.Looked("CS1", answers: true);
        Assert.Equal("SERVER 10.0.0.5 7001 CS1 1\n", index.Ask("GET a\n"));
    }

    [Theory]
    [InlineData(7, 8, ServerState.Unknown)]
    [InlineData(7, 7, ServerState.Dead)]
    [InlineData(8, 7, ServerState.Dead)]
    [InlineData(0, 7, ServerState.Dead)]
    [InlineData(7, 0, ServerState.Dead)]
    public void A_word_about_an_older_start_than_the_registered_one_counts_for_nothing(
        long said, long registered, ServerState expected)
    {
        Jury jury = new();
        Juror juror = new("m1");
        jury.Seat(juror);
        Assert.True(juror.Hear(Id, new Statement(ServerState.Dead, said, 1)));
        Assert.Equal(expected, jury.Judge(Id, new Evidence(registered)).State);
    }

    [Fact]
    public void A_server_that_registers_without_a_count_overrules_what_was_said_before_but_not_what_is_said_anew()
    {
        Jury jury = new();
        Juror juror = new("m1");
        jury.Seat(juror);
        juror.Hear(Id, new Statement(ServerState.Dead, 0, 5));
        juror.Overrule(Id, 0);
        Assert.Equal(ServerState.Alive, jury.Judge(Id, new Evidence(IsNew: true)).State);
        // The digest says the same once more.
        juror.Replace([new DigestRow(Id, new Statement(ServerState.Dead, 0, 5))], 5);
        Assert.Equal(ServerState.Alive, jury.Judge(Id, new Evidence(IsNew: true)).State);
        juror.Hear(Id, new Statement(ServerState.Dead, 0, 6));
        Assert.Equal(ServerState.Dead, jury.Judge(Id, new Evidence(IsNew: true)).State);
    }

    [Fact]
    public void A_server_that_went_back_to_version_1_is_called_dead_like_any_other()
    {
        Jury jury = new();
        Juror juror = new("m1");
        jury.Seat(juror);
        juror.Hear(Id, new Statement(ServerState.Alive, 7, 3));
        Assert.True(juror.Hear(Id, new Statement(ServerState.Alive, 0, 4)));
        Assert.True(juror.Hear(Id, new Statement(ServerState.Dead, 0, 5)));
        Assert.Equal(ServerState.Dead, jury.Judge(Id, new Evidence()).State);
        // By a digest too, and an echo of what was said in version 2 changes nothing.
        juror.Replace([new DigestRow(Id, new Statement(ServerState.Suspect, 0, 6))], 6);
        Assert.False(juror.Hear(Id, new Statement(ServerState.Alive, 7, 3)));
        Assert.Equal(ServerState.Suspect, jury.Judge(Id, new Evidence()).State);
    }

    [Fact]
    public void A_monitor_that_speaks_both_versions_has_one_vote()
    {
        Jury jury = new();
        Juror asked = new("monitor:6001", isVersion1: true) { IsHere = true, Address = IPAddress.Loopback };
        jury.Seat(asked);
        asked.Set(Id, ServerState.Alive);
        Juror speaks = new("m1") { Address = IPAddress.Loopback };
        jury.Seat(speaks);
        speaks.Hear(Id, new Statement(ServerState.Dead, 0, 1));
        Assert.Equal(ServerState.Dead, jury.Judge(Id, new Evidence()).State);
        jury.Dismiss(speaks);
        Assert.Equal(ServerState.Alive, jury.Judge(Id, new Evidence()).State);
    }

    [Fact]
    public void A_monitor_that_is_asked_at_other_addresses_than_it_speaks_from_has_one_vote()
    {
        Jury jury = new();
        Juror[] asked = [.. new[] { "gate:6001", "10.0.0.9:6001" }.Select(name =>
            new Juror(name, isVersion1: true) { IsHere = true, CallsItself = "m1" })];
        Juror speaks = new("m1") { Address = IPAddress.Loopback }, other = new("m2");
        foreach (Juror juror in (Juror[])[.. asked, speaks, other])
        {
            jury.Seat(juror);
            juror.Hear(Id, new Statement(juror == other ? ServerState.Alive : ServerState.Dead, 0, 1));
        }
        Assert.Equal([speaks, other], jury.Present);
        Assert.Equal(ServerState.Suspect, jury.Judge(Id, new Evidence()).State);
        // Also while it is asked alone.
        jury.Dismiss(speaks);
        Assert.Equal([asked[0], other], jury.Present);
        asked[0].IsHere = false;
        Assert.Equal([asked[1], other], jury.Present);
    }

    [Fact]
    public void The_bench_has_an_end_and_a_monitor_with_many_connections_is_one()
    {
        Jury jury = new();
        for (int number = 0; number < Jury.MostJurors; number++) Assert.True(jury.Seat(new Juror($"m{number}")));
        Assert.False(jury.Seat(new Juror("one more")));
        Juror[] again = [.. Enumerable.Range(0, 100).Select(_ => new Juror("m3"))];
        Assert.All(again, one => Assert.True(jury.Seat(one)));
        Assert.Equal(Jury.MostJurors, jury.Present.Count());
        Assert.Contains(again[^1], jury.Present);
        Assert.InRange(jury.All.Count, Jury.MostJurors, Jury.MostJurors + 3);
        Assert.False(again[0].IsHere);
    }

    // Any order, any number of times, with digests of any moment in between: the end is the same.
    [Fact]
    public void Reordered_and_repeated_words_of_a_monitor_end_in_the_same_state()
    {
        Gen.Select(Gen.Int[0, 3].Array[1, 30], Gen.Int[0, 5].Array[30], Gen.Int[0, 3].Array[30], Gen.Int[0, 999])
            .Sample((servers, states, starts, seed) =>
            {
                List<DigestRow> events = History(servers, states, starts);
                Juror inOrder = new("m1"), mixed = new("m1");
                foreach (DigestRow row in events) inOrder.Hear(row.Id, row.Statement);
                Random chance = new(seed);
                List<Action> deliveries = [];
                foreach (DigestRow row in events)
                {
                    for (int copy = 0; copy <= chance.Next(3); copy++)
                    {
                        deliveries.Add(() => mixed.Hear(row.Id, row.Statement));
                    }
                }
                for (int digest = 0; digest < 3; digest++)
                {
                    int upTo = chance.Next(events.Count + 1);
                    Juror then = new("m1");
                    foreach (DigestRow row in events[..upTo]) then.Hear(row.Id, row.Statement);
                    deliveries.Add(() => mixed.Replace(Digest(then), upTo));
                }
                foreach (Action deliver in deliveries.OrderBy(_ => chance.Next())) deliver();
                return Digest(inOrder).SequenceEqual(Digest(mixed));
            }, iter: 2_000);
    }

    [Fact]
    public void A_digest_replaces_all_that_was_said_and_what_it_leaves_out_is_not_brought_back_by_an_echo()
    {
        Juror juror = new("m1");
        juror.Hear(Id, new Statement(ServerState.Dead, 1, 4));
        juror.Replace([], upTo: 5);
        Assert.Null(juror.Of(Id));
        Assert.False(juror.Hear(Id, new Statement(ServerState.Dead, 1, 4)));
        Assert.Null(juror.Of(Id));
        Assert.True(juror.Hear(Id, new Statement(ServerState.Suspect, 1, 6)));
        juror.Replace([], upTo: null);
        Assert.Null(juror.Of(Id));
    }

    // A monitor's events on four servers; a start is only ever followed by a later one.
    private static List<DigestRow> History(int[] servers, int[] states, int[] starts)
    {
        long[] start = new long[4];
        List<DigestRow> events = [];
        for (int at = 0; at < servers.Length; at++)
        {
            start[servers[at]] += starts[at] == 0 ? 1 : 0;
            events.Add(new DigestRow(Names.Id($"CS{servers[at]}"),
                new Statement((ServerState)states[at], start[servers[at]], at + 1)));
        }
        return events;
    }

    private static List<DigestRow> Digest(Juror juror) =>
    [
        .. Enumerable.Range(0, 4).Select(number => Names.Id($"CS{number}")).Where(id => juror.Of(id) is not null)
            .Select(id => new DigestRow(id, juror.Of(id)!.Value)),
    ];

    private static Jury Bench(string words)
    {
        Jury jury = new();
        int number = 0;
        foreach (string word in words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            Juror juror = new($"m{number++}") { Doubts = word.EndsWith('?') };
            Assert.True(jury.Seat(juror));
            if (word == "-") continue;
            string says = word.TrimEnd('?');
            bool isSpared = says == "spared";
            Assert.True(ServerStates.TryParse((isSpared ? "suspect" : says).Utf8(), out ServerState state));
            juror.Hear(Id, new Statement(state, 0, number, IsSpared: isSpared));
        }
        return jury;
    }
}
