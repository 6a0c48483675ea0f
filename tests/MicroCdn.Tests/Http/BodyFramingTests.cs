using System.Text;
using MicroCdn.Http;

namespace MicroCdn.Tests.Http;

// RFC 9112, section 7.1.1: what may stand behind the size of a chunk is bounded, in whatever pieces it comes.
public sealed class BodyFramingTests
{
    [Theory]
    [InlineData(8 * 1024, false)]
    [InlineData((8 * 1024) + 1, true)]
    public void The_bound_of_an_extension_is_the_same_however_it_is_cut(int bytes, bool isBroken)
    {
        // The CR counts, the semicolon does not.
        byte[] line = Encoding.ASCII.GetBytes($"1;{new string('x', bytes - 1)}\r\n");
        foreach (int cut in new[] { line.Length, 1, 2, 100, line.Length - 3 })
        {
            BodyFraming framing = new(-1);
            Feed(framing, line.AsSpan(0, cut));
            Feed(framing, line.AsSpan(cut));
            Assert.Equal(isBroken, framing.IsBroken);
        }
    }

    private static void Feed(BodyFraming framing, ReadOnlySpan<byte> input)
    {
        while (!input.IsEmpty && !framing.IsBroken) input = input[framing.Take(input, int.MaxValue, out _)..];
    }
}
