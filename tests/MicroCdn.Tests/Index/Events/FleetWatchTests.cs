using MicroCdn.Index.Events;
using MicroCdn.Index.Figures;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index.Events;

public sealed class FleetWatchTests
{
    private const long GiB = 1L << 30;

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private readonly EventLog _events;
    private readonly FleetWatch _watch;
    private long _seen;

    public FleetWatchTests() => _watch = new FleetWatch(_events = new EventLog(_time), _time);

    [Fact]
    public void What_is_well_from_the_start_is_no_event()
    {
        LookFor(120, Disk(50 * GiB) with
        {
            Origins = [Origin(null)], Copies = (0, 0), Leads = true, Servers = [(CS1, ServerState.Alive, "")],
        });
        Assert.Empty(News());
        Assert.Empty(_watch.Concerns);
    }

    [Fact]
    public void An_origin_that_fails_and_answers_again_is_told_once_each()
    {
        LookFor(10, Told(new(CS1)) with { Origins = [Origin("unreachable")] });
        Assert.Equal(["Origin Error 'CS1 /img/': the origin of /img/ fails CS1: unreachable"], News());
        Assert.Equal(["Error Origin 'CS1 /img/'"], Concerns());
        LookFor(120, Told(new(CS1)) with { Origins = [Origin("unreachable")] });
        Assert.Empty(News());
        LookFor(5, Told(new(CS1)) with { Origins = [Origin(null)] });
        Assert.Equal(["Origin Info 'CS1 /img/': the origin of /img/ answers CS1"], News());
        Assert.Empty(Concerns());
    }

    [Fact]
    public void One_request_that_failed_among_many_is_no_outage()
    {
        for (int minute = 0; minute < 5; minute++)
        {
            LookFor(2, Told(new(CS1)) with { Origins = [Origin("closed")] });
            LookFor(58, Told(new(CS1)) with { Origins = [Origin(null)] });
        }
        Assert.Empty(News());
    }

    [Fact]
    public void A_flapping_origin_is_at_most_one_event_a_minute_and_the_last_state_wins()
    {
        for (int turn = 0; turn < 30; turn++)
        {
            LookFor(10, Told(new(CS1)) with { Origins = [Origin("closed")] });
            LookFor(10, Told(new(CS1)) with { Origins = [Origin(null)] });
        }
        Assert.InRange(News().Length, 2, 11);
        LookFor(70, Told(new(CS1)) with { Origins = [Origin("closed")] });
        Assert.Equal(["Error Origin 'CS1 /img/'"], Concerns());
        _seen = 0;
        Assert.Contains(" Error ", News()[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50, 1_000, Severity.Info)]
    [InlineData(49, 1_000, Severity.Warning)]
    [InlineData(9, 1_000, Severity.Error)]
    [InlineData(2, 10, Severity.Info)]
    [InlineData(1, 10, Severity.Warning)]
    public void A_disk_is_low_below_a_twentieth_or_2_GiB_and_nearly_full_below_a_hundredth(
        long free, long size, Severity severity)
    {
        LookFor(1, Disk(free * GiB, size * GiB));
        Assert.Equal(severity == Severity.Info ? [] : [$"{severity} Disk 'CS1'"], Concerns());
    }

    [Fact]
    public void A_disk_on_the_border_is_low_until_it_has_clearly_more()
    {
        LookFor(1, Disk(40 * GiB));
        Assert.Equal(["Disk Warning 'CS1': the disk of CS1 has 40.0 GiB (4 %) left"], News());
        LookFor(120, Disk(55 * GiB));
        Assert.Equal(["Warning Disk 'CS1'"], Concerns());
        Assert.Empty(News());
        LookFor(1, Disk(61 * GiB));
        Assert.Equal(["Disk Info 'CS1': the disk of CS1 has room: 61.0 GiB (6.1 %) left"], News());
        LookFor(70, Disk(5 * GiB));
        Assert.Equal(["Disk Error 'CS1': the disk of CS1 has 5.0 GiB (0.5 %) left"], News());
        LookFor(70, Disk(11 * GiB));
        Assert.Empty(News());
        LookFor(1, Disk(13 * GiB));
        Assert.Equal(["Disk Warning 'CS1': the disk of CS1 has 13.0 GiB (1.3 %) left"], News());
    }

    [Fact]
    public void A_certificate_is_told_14_days_before_it_ends_3_days_before_and_when_it_is_new()
    {
        LookFor(1, Certificate(15));
        Assert.Empty(News());
        LookFor(70, Certificate(13));
        Assert.Equal(["Certificate Warning 'CS1': the certificate of CS1 ends on 2026-12-12"], News());
        LookFor(70, Certificate(2));
        Assert.Equal(["Certificate Error 'CS1': the certificate of CS1 ends on 2026-12-01"], News());
        LookFor(70, Certificate(-1));
        Assert.Empty(News());
        Assert.Contains("ended on 2026-11-28", _watch.Concerns[0].Text, StringComparison.Ordinal);
        LookFor(70, Certificate(90));
        Assert.Equal(["Certificate Info 'CS1': the certificate of CS1 is good until 2027-02-27"], News());
    }

    [Fact]
    public void Missing_copies_are_told_once_and_when_all_are_there_again()
    {
        for (int missing = 900; missing > 800; missing--) LookFor(1, new() { Copies = (missing, 0) });
        Assert.Equal(["Copies Warning '': 900 copies are missing"], News());
        Assert.Equal("801 copies are missing", _watch.Concerns[0].Text);
        LookFor(1, new() { Copies = (800, 3) });
        Assert.Single(News(), "Copies Error '': 3 files are not to be had: no server that is there has them; "
            + "800 copies are missing");
        LookFor(70, new() { Copies = (0, 0) });
        Assert.Equal(["Copies Info '': all copies are there"], News());
        // Of an index that does not count them, nothing is known.
        LookFor(70, new());
        Assert.Empty(Concerns());
    }

    [Fact]
    public void An_index_says_when_it_leads_and_when_it_is_behind()
    {
        _watch.Begin();
        Assert.Equal(["Index Info '': the index has started"], News());
        LookFor(5, new());
        LookFor(1, new() { Leads = true });
        Assert.Equal(["Index Info 'writer': this index leads: it writes what is published"], News());
        LookFor(1, new() { Leads = true, Behind = TimeSpan.FromSeconds(4) });
        Assert.Equal(["Index Error '': this index is behind the others for 4 s: what it says may be old"], News());
        LookFor(70, new());
        Assert.Equal(["Index Info 'writer': this index leads no more: another one writes",
            "Index Info '': this index has caught up with the others"], News());
    }

    [Fact]
    public void What_is_wrong_now_has_the_dead_first_and_at_most_100_lines()
    {
        LookFor(1, Disk(40 * GiB) with
        {
            Servers = [(CS1, ServerState.Suspect, "it is late"), (CS2, ServerState.Dead, "its port refused")],
        });
        Assert.Equal(["Error Server 'CS2'", "Warning Server 'CS1'", "Warning Disk 'CS1'"], Concerns());
        Assert.Equal("CS2 is dead: its port refused", _watch.Concerns[0].Text);
        LookFor(1, new()
        {
            Servers = [.. Enumerable.Range(0, 300).Select(number => (Names.Id($"S{number}"), ServerState.Dead, ""))],
        });
        Assert.Equal(FleetWatch.MostConcerns, _watch.Concerns.Count);
    }

    [Fact]
    public void Of_a_server_that_tells_nothing_any_more_nothing_is_known()
    {
        LookFor(10, Disk(40 * GiB));
        Assert.Single(Concerns());
        LookFor(31, new() { Told = [new ToldFigures(new(CS1), TimeSpan.FromSeconds(40), null)] });
        Assert.Empty(Concerns());
    }

    private static ServerId CS1 => Names.Id("CS1");

    private static ServerId CS2 => Names.Id("CS2");

    private static OriginFigures Origin(string? down) => new(CS1, "/img/") { Down = down };

    private static FleetSituation Told(ServerFigures figures) =>
        new() { Told = [new ToldFigures(figures, TimeSpan.FromSeconds(1), null)] };

    private static FleetSituation Disk(long free, long size = 1_000 * GiB) =>
        Told(new(CS1) { DiskFree = free, DiskSize = size });

    private FleetSituation Certificate(int days) =>
        Told(new(CS1) { CertificateEnds = _time.GetUtcNow().AddDays(days).ToUnixTimeSeconds() });

    private void LookFor(int seconds, FleetSituation situation)
    {
        for (int second = 0; second < seconds; second++)
        {
            _watch.Look(situation);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    // What came since this was asked last.
    private string[] News()
    {
        IReadOnlyList<FleetEvent> events = _events.Since(_seen, 1_000, out _);
        if (events.Count > 0) _seen = events[^1].Id;
        return [.. events.Select(one => $"{one.Kind} {one.Severity} '{one.Subject}': {one.Text}")];
    }

    private string[] Concerns() =>
        [.. _watch.Concerns.Select(one => $"{one.Severity} {one.Kind} '{one.Subject}'")];
}
