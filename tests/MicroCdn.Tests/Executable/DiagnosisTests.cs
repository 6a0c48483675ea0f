using MicroCdn.Doctor;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Tests.Executable;

public sealed class DiagnosisTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    private static readonly FleetFacts Well = new(Now, [new IndexFact(new DoorFact("i:5050", null), null)],
        new AdminFact("http://i:8081", null, Fleet(), TimeSpan.FromSeconds(1)), [new DoorFact("m:6001", null)],
        [Server(View())], new DiskFact("/srv", 60, 100), 65_536);

    [Fact]
    public void Of_a_fleet_that_is_well_every_check_says_so()
    {
        Finding[] findings = [.. Diagnosis.Of(Well)];
        Assert.All(findings, one => Assert.Equal((Verdict.Ok, ""), (one.Verdict, one.Mend)));
        Assert.Equal(["index", "admin", "clock", "monitor", "server", "disk", "disk", "limit"],
            findings.Select(one => one.About));
        Assert.Equal(Verdict.Ok, Diagnosis.Worst(findings));
    }

    [Fact]
    public void A_port_that_is_of_no_use_is_an_error_with_the_command_that_starts_what_is_missing()
    {
        Finding[] wrong = Wrong(Well with
        {
            Indexes = [new IndexFact(new DoorFact("i:5051", "Connection refused"), null)],
            Monitors = [new DoorFact("m:6002", "no answer in 5 s")],
            Admin = new AdminFact("http://i:8081", "the index cannot be asked.", null, null), Servers = [],
        });
        Assert.Equal(["The index at i:5051 is of no use: Connection refused.", "the index cannot be asked.",
            "The monitor at m:6002 is of no use: no answer in 5 s."], wrong.Select(one => one.Text));
        Assert.StartsWith("microcdn index --port 5051", wrong[0].Mend, StringComparison.Ordinal);
        Assert.StartsWith("microcdn token add", wrong[1].Mend, StringComparison.Ordinal);
        Assert.StartsWith("microcdn monitor --tcp-port 6002", wrong[2].Mend, StringComparison.Ordinal);
        Assert.All(wrong, one => Assert.Equal(Verdict.Error, one.Verdict));
    }

    [Theory]
    [InlineData("dead", null, "error", "CS1 is dead to the index (it is silent), but its line port at s:7001 answers")]
    [InlineData("dead", "refused", "error", "CS1 is dead to the index (it is silent), and its line port at s:7001 is")]
    [InlineData("suspect", null, "warning", "CS1 is suspect to the index (it is silent); its line port")]
    [InlineData("suspect", "refused", "error", "CS1 is suspect to the index (it is silent); its line port")]
    [InlineData("draining", null, "warning", "CS1 drains (it is silent): it gets no new client.")]
    [InlineData("alive", "refused", "error", "CS1 is alive to the index, but its line port at s:7001 is of no use")]
    public void A_server_is_judged_by_what_the_index_says_and_by_what_is_seen_from_here(
        string state, string? trouble, string level, string text)
    {
        ServerView view = View() with { State = state, Why = "it is silent", IsAsked = state != "dead" };
        Finding wrong = Assert.Single(Wrong(Well with
        {
            Servers = [Server(view) with { Door = new DoorFact("s:7001", trouble) }],
        }));
        Assert.Equal(level, wrong.Level);
        Assert.StartsWith(text, wrong.Text, StringComparison.Ordinal);
        Assert.StartsWith("microcdn ", wrong.Mend, StringComparison.Ordinal);
    }

    [Fact]
    public void A_retired_server_may_be_gone() => Assert.Empty(Wrong(Well with
    {
        Servers = [new ServerFact(View() with { IsRetired = true }, new DoorFact("s:7001", "refused"),
            new WebFact("http://s", "refused", null, null, null))],
    }));

    [Theory]
    [InlineData(-1, null, "error", "The certificate of CS1 ended on 2026-11-28.")]
    [InlineData(13, null, "warning", "The certificate of CS1 ends on 2026-12-12.")]
    [InlineData(90, "it is for another name", "error",
        "The certificate of CS1 at https://s is not believed here: it is for another name.")]
    [InlineData(15, null, null, null)]
    public void A_certificate_is_told_of_two_weeks_before_its_end(int days, string? tls, string? level, string? text)
    {
        Finding? wrong = Wrong(Well with
        {
            Servers = [Server(View()) with { Web = new WebFact("https://s", null, null, Now.AddDays(days), tls) }],
        }).SingleOrDefault();
        Assert.Equal((level, text), (wrong?.Level, wrong?.Text));
    }

    [Theory]
    [InlineData(1.9, false), InlineData(-2, false), InlineData(2.1, true), InlineData(-60, true)]
    public void A_clock_that_is_off_by_more_than_two_seconds_is_told_of(double seconds, bool isTold)
    {
        Finding[] wrong = Wrong(Well with { Admin = Well.Admin with { ClockAhead = TimeSpan.FromSeconds(seconds) } });
        Assert.Equal(isTold, wrong.Length == 1);
        if (isTold) Assert.Equal((Verdict.Warning, "clock"), (wrong[0].Verdict, wrong[0].About));
    }

    [Fact]
    public void A_disk_without_room_and_a_low_limit_are_told_of()
    {
        Assert.Equal([Verdict.Warning, Verdict.Error, Verdict.Warning], Wrong(Well with
        {
            Servers = [Server(View() with { Told = new ServerTold(1, "0.1.0", 4, 100, null, null) })],
            Disk = new DiskFact("/srv", 0, 100), OpenFiles = 1024,
        }).Select(one => one.Verdict));
        Assert.Equal("A file that belongs on CS1 found no room there.",
            Assert.Single(Wrong(Well with { Servers = [Server(View() with { IsFull = true })] })).Text);
    }

    [Theory]
    [InlineData("a:1", "a:1", null)]
    [InlineData("", "", "No index writes (a:1 says nobody, b:1 says nobody): nothing can be published.")]
    [InlineData("a:1", "b:1", "The indexes do not agree on who writes: a:1 says a:1, b:1 says b:1.")]
    public void Several_indexes_have_to_agree_on_who_writes(string one, string other, string? text) =>
        Assert.Equal(text, Wrong(Well with
        {
            Indexes = [new IndexFact(new DoorFact("a:1", null), one), new IndexFact(new DoorFact("b:1", null), other)],
        }).SingleOrDefault()?.Text);

    [Fact]
    public void What_the_index_itself_complains_of_is_told_and_its_servers_once()
    {
        Finding[] wrong = Wrong(Well with
        {
            Admin = Well.Admin with
            {
                Now = Fleet() with
                {
                    Problems = [new("error", "server", "CS1", "CS1 is dead"), new("error", "copies", "", "2 are lost"),
                        new("warning", "origin", "o", "o is down")],
                },
            },
        });
        Assert.Equal([("copies", "2 are lost", "microcdn status"), ("origin", "o is down", "microcdn logs --since 1h")],
            wrong.Select(one => (one.About, one.Text, one.Mend)));
        Assert.Equal(Verdict.Error, Diagnosis.Worst(wrong));
    }

    private static Finding[] Wrong(FleetFacts facts) =>
        [.. Diagnosis.Of(facts).Where(one => one.Verdict != Verdict.Ok)];

    private static ServerFact Server(ServerView view) => new(view, new DoorFact("s:7001", null), null);

    private static ServerView View() => new("CS1", "alive", "", true, false, "s:7001", null, null, null, 100, 0, [], 0,
        null, null, null, false, 0, new ServerTold(1, "0.1.0", 50, 100, null, null), null);

    private static Overview Fleet() => new(Now, "0.1.0", Now, true, null, null, [], new Dictionary<string, int>(), 0,
        null, new Figures(0, 0, 0, 0, 0, 0, 0), 0, 0);
}
