using System.Text;
using MicroCdn.Http.Exchanges;

namespace MicroCdn.Tests.Http.Exchanges;

public sealed class LineRingTests
{
    [Fact]
    public void What_comes_while_lines_are_written_down_waits_so_that_the_last_piece_ends_with_a_line()
    {
        LineRing ring = new(16);
        ring.Add("first\n"u8);
        long end = ring.Added;
        Assert.Equal("first\n", Encoding.UTF8.GetString(ring.Next(end)));
        ring.Take(6);
        // Goes around the end of the ring.
        ring.Add("and a second\n"u8);
        Assert.True(ring.Next(end).IsEmpty);
        end = ring.Added;
        string first = Encoding.UTF8.GetString(ring.Next(end));
        ring.Take(first.Length);
        Assert.Equal("and a second\n", first + Encoding.UTF8.GetString(ring.Next(end)));
    }
}
