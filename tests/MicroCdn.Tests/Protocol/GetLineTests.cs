using System.Text;
using CsCheck;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

// docs/protocol.md, names: "To a version 1 peer GET sends the raw name when it has no control character and no space at
// its edges."
public sealed class GetLineTests
{
    [Theory]
    [InlineData("hello.txt", "GET hello.txt\n", "GET hello.txt\n")]
    [InlineData("a b", "GET a b\n", "GET a%20b\n")]
    [InlineData("100%", "GET 100%\n", "GET 100%25\n")]
    [InlineData("a%20b", "GET a%20b\n", "GET a%2520b\n")]
    [InlineData(" a", "GET %20a\n", "GET %20a\n")]
    [InlineData("a ", "GET a%20\n", "GET a%20\n")]
    [InlineData("a\u3000", "GET a%E3%80%80\n", "GET a%E3%80%80\n")]
    [InlineData("a\tb", "GET a%09b\n", "GET a%09b\n")]
    [InlineData("a\nGET b", "GET a%0AGET%20b\n", "GET a%0AGET%20b\n")]
    [InlineData("a\u0085b", "GET a%C2%85b\n", "GET a%C2%85b\n")]
    [InlineData("größe", "GET größe\n", "GET größe\n")]
    public void A_name_travels_raw_wherever_the_line_can_carry_it(string name, string raw, string encoded)
    {
        Assert.Equal(raw, Encoding.UTF8.GetString(Names.Of(name).ToGetLine()));
        Assert.Equal(encoded, Encoding.UTF8.GetString(Names.Of(name).ToEncodedGetLine()));
    }

    [Fact]
    public void Any_name_makes_one_line_that_our_own_framing_takes()
    {
        Names.Any.Sample(name =>
        {
            foreach (byte[] line in new[] { Names.Of(name).ToGetLine(), Names.Of(name).ToEncodedGetLine() })
            {
                ScriptService service = ScriptService.Echo();
                Wire wire = new Wire(service).Receive(line);
                if (service.Lines.Count != 1 || wire.Conversation.WasRefused) return false;
                ReadOnlySpan<byte> words = service.Lines[0].Utf8().AsSpan(4);
                if (new Words(words).Rest.Length != words.Length) return false;
            }
            return true;
        }, iter: 3_000);
    }

    [Fact]
    public void The_longest_name_fits_a_line_however_it_is_written()
    {
        FileName name = Names.Of(string.Concat(Enumerable.Repeat("\u0001", Limits.NameBytes)));
        Assert.Equal(4 + (3 * Limits.NameBytes) + 1, name.ToGetLine().Length);
        Assert.True(name.ToGetLine().Length <= Limits.LineBytes);
    }
}
