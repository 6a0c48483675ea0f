using MicroCdn.Index;
using MicroCdn.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

// REPORT: anybody may, so it only ever asks a server last, and for half a minute.
public sealed class ReportsTests
{
    private const string Hello = "WELCOME MICRO-CDN 2\n";
    private readonly IndexWorld _index = new();

    public ReportsTests()
    {
        foreach (string id in new[] { "CS1", "CS2" }) _index.Register(id, "10.0.0.5", "a 1");
        _index.Register("CS3", "10.0.0.5", "only 1");
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("stall")]
    [InlineData("missing")]
    [InlineData("wrong")]
    public void A_reported_server_is_asked_last_for_thirty_seconds_and_looked_at(string reason)
    {
        Assert.Equal($"{Hello}OK REPORTED\n", _index.Ask($"HELLO 2\nREPORT a CS1 {reason}\n", "192.0.2.1"));
        Assert.Equal(["CS1"], _index.Looks);
        for (int ask = 0; ask < 20; ask++) Assert.Contains(" CS2 ", _index.Ask("GET a\n"), StringComparison.Ordinal);
        Assert.Equal((ServerState.Suspect, ServerState.Unknown), (_index.StateOf("CS1"), _index.StateOf("CS2")));
        _index.Time.Advance(TimeSpan.FromSeconds(29.9));
        _index.Fleet.Forget();
        Assert.Equal(ServerState.Suspect, _index.StateOf("CS1"));
        _index.Time.Advance(TimeSpan.FromSeconds(0.1));
        _index.Fleet.Forget();
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        Assert.Equal(reason == "wrong" ? 1 : 0, _index.Log.Lines.Count(line => line.Contains(
            "CS1 is reported for wrong bytes of 'a' by 192.0.2.1", StringComparison.Ordinal)));
    }

    [Fact]
    public void Where_nobody_else_has_the_file_the_reported_server_is_still_asked()
    {
        Report("only", "CS3", "wrong");
        Assert.Equal("SERVER 10.0.0.5 7001 CS3 1\n", _index.Ask("GET only\n"));
    }

    [Theory]
    [InlineData("connect", ServerState.Unknown)]
    [InlineData("stall", ServerState.Suspect)]
    public void That_it_cannot_be_reached_is_disproved_by_a_look_and_nothing_else_is(string reason, ServerState state)
    {
        Report("a", "CS1", reason);
        _index.Looked("CS1", answers: true);
        Assert.Equal(state, _index.StateOf("CS1"));
    }

    [Theory]
    [InlineData("only", "CS1")]
    [InlineData("nothing", "CS1")]
    [InlineData("a", "CS9")]
    public void A_report_about_a_file_that_the_server_is_not_said_to_hold_counts_for_nothing(string file, string id)
    {
        Report(file, id, "wrong");
        Assert.Equal(ServerState.Unknown, _index.StateOf("CS1"));
        Assert.Empty(_index.Looks);
    }

    [Fact]
    public void No_more_than_a_third_of_the_servers_is_asked_last_for_reports_at_a_time()
    {
        Report("a", "CS1", "stall");
        Report("a", "CS2", "stall");
        Report("only", "CS3", "stall");
        Assert.Equal([ServerState.Suspect, ServerState.Unknown, ServerState.Unknown],
            new[] { "CS1", "CS2", "CS3" }.Select(_index.StateOf));
        // The index looks at them all the same.
        Assert.Equal(["CS1", "CS2", "CS3"], _index.Looks);
    }

    [Fact]
    public void The_eleventh_report_of_an_address_within_ten_seconds_is_refused()
    {
        string reports = string.Concat(Enumerable.Repeat("REPORT a CS1 stall\n", 11));
        string answers = Hello + string.Concat(Enumerable.Repeat("OK REPORTED\n", 10)) + "ERROR LIMIT_REACHED\n";
        Assert.Equal(answers, _index.Ask($"HELLO 2\n{reports}", "192.0.2.1"));
        Assert.Equal($"{Hello}ERROR LIMIT_REACHED\n", _index.Ask("HELLO 2\nREPORT a CS1 stall\n", "::ffff:192.0.2.1"));
        Assert.Equal($"{Hello}OK REPORTED\n", _index.Ask("HELLO 2\nREPORT a CS1 stall\n", "192.0.2.2"));
        _index.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal($"{Hello}OK REPORTED\n", _index.Ask("HELLO 2\nREPORT a CS1 stall\n", "192.0.2.1"));
    }

    [Fact]
    public void An_IPv6_client_reports_with_its_whole_network_and_what_is_remembered_of_clients_has_an_end()
    {
        FakeTimeProvider time = new();
        ReportBudget budget = new();
        for (int n = 0; n < ReportBudget.Most; n++) Assert.True(budget.TryTake(Address($"2001:db8::{n + 1}"), time));
        Assert.False(budget.TryTake(Address("2001:db8::ffff"), time));
        Assert.True(budget.TryTake(Address("2001:db8:0:1::1"), time));
        int taken = Enumerable.Range(0, 20_000)
            .Count(n => budget.TryTake(new System.Net.IPAddress([10, 1, (byte)(n >> 8), (byte)n]), time));
        Assert.InRange(taken, 9_000, 10_000);
        time.Advance(ReportBudget.Window);
        Assert.True(budget.TryTake(Address("10.1.77.77"), time));

        static System.Net.IPAddress Address(string text) => System.Net.IPAddress.Parse(text);
    }

    [Fact]
    public void A_report_in_version_1_or_malformed_is_refused()
    {
        Assert.Equal("ERROR UNKNOWN_COMMAND\n", _index.Ask("REPORT a CS1 stall\n"));
        Assert.Equal($"{Hello}ERROR MALFORMED\n", _index.Ask("HELLO 2\nREPORT a CS1 sad\n"));
    }

    private void Report(string file, string id, string reason) =>
        Assert.Equal($"{Hello}OK REPORTED\n", _index.Ask($"HELLO 2\nREPORT {file} {id} {reason}\n"));
}
