using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Network;

public sealed class ComplaintsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();

    [Fact]
    public void The_first_complaint_is_logged_with_peer_reason_and_line()
    {
        Complaints complaints = new(_log, _time);
        complaints.Add(Peer.From("10.1.2.3", "10.0.0.1"), WireErrors.Malformed, "REGISTER x"u8);
        string line = Assert.Single(_log.Lines);
        Assert.Contains("10.1.2.3", line, StringComparison.Ordinal);
        Assert.Contains("MALFORMED", line, StringComparison.Ordinal);
        Assert.Contains("'REGISTER x'", line, StringComparison.Ordinal);
    }

    [Fact]
    public void At_most_one_line_a_second_is_logged_and_the_others_are_counted()
    {
        Complaints complaints = new(_log, _time);
        for (int step = 0; step < 10_000; step++)
        {
            complaints.Add(Peer.Loopback, WireErrors.BadLine, "x"u8);
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(10, _log.Lines.Length);
        Assert.Equal(10_000, complaints.Total);
        Assert.DoesNotContain("more", _log.Lines[0], StringComparison.Ordinal);
        Assert.All(_log.Lines[1..], line =>
            Assert.EndsWith("(and 999 more since the last such line)", line, StringComparison.Ordinal));
    }

    [Fact]
    public void What_only_counts_is_never_logged()
    {
        Complaints complaints = new(_log, _time);
        for (int step = 0; step < 5; step++) complaints.Count();
        Assert.Empty(_log.Lines);
        Assert.Equal(5, complaints.Total);
    }

    [Fact]
    public void A_stranger_writes_neither_control_characters_nor_long_lines_into_the_log()
    {
        Complaints complaints = new(_log, _time);
        complaints.Add(Peer.Loopback, WireErrors.BadLine,
            [0x1B, (byte)'[', 0x0A, 0xFF, 0x7F, 0xC2, 0x9B, .. new byte[500]]);
        string line = Assert.Single(_log.Lines);
        Assert.DoesNotContain(line, char.IsControl);
        Assert.Contains("'?[?????", line, StringComparison.Ordinal);
        Assert.True(line.Length < 300);
    }
}
