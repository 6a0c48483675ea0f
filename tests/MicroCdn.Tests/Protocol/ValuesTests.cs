using System.Net;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

public sealed class ServerIdTests
{
    [Theory]
    [InlineData("CS1", true)]
    [InlineData("größe-😀", true)]
    [InlineData("", false)]
    [InlineData(" ", false)]
    [InlineData("C S", false)]
    [InlineData("CS1\n", false)]
    [InlineData("CS\u007f", false)]
    [InlineData("CS\u00a0", false)]
    [InlineData("\u2003", false)]
    public void An_id_is_one_visible_word(string text, bool valid)
    {
        Assert.Equal(valid, ServerId.TryCreate(text, out ServerId fromText));
        Assert.Equal(valid, ServerId.TryCreate(text.Utf8(), out ServerId fromBytes));
        Assert.Equal(fromText, fromBytes);
        if (valid) Assert.Equal(text, fromText.Value);
    }

    [Fact]
    public void An_id_has_at_most_64_bytes_of_UTF_8()
    {
        Assert.True(ServerId.IsValid(new string('a', 64).Utf8()));
        Assert.False(ServerId.IsValid(new string('a', 65).Utf8()));
        Assert.False(ServerId.IsValid(new string('ß', 33).Utf8()));
        Assert.False(ServerId.IsValid([0x43, 0xC3]));
        Assert.False(ServerId.IsValid([0xFF]));
    }
}

public sealed class WireErrorsTests
{
    [Fact]
    public void Every_refusal_is_one_line_of_two_words()
    {
        foreach (WireError error in WireErrors.All)
        {
            Assert.Equal($"ERROR {error.Word}\n", error.Line.Span.Text());
            Assert.Matches("^[A-Z][A-Z_]*[A-Z]$", error.Word);
            Assert.EndsWith(".", error.Meaning, StringComparison.Ordinal);
        }
        Assert.Equal(WireErrors.All.Count, WireErrors.All.Select(error => error.Word).Distinct().Count());
    }

    [Fact]
    public void Every_refusal_of_the_code_is_in_the_table()
    {
        var fields = typeof(WireErrors).GetFields().Where(field => field.FieldType == typeof(WireError));
        Assert.Equal(fields.Select(field => (WireError)field.GetValue(null)!), WireErrors.All);
    }

    // docs/protocol.md, framing: a line too long, with a control character or invalid UTF-8, or too slow closes.
    [Fact]
    public void Only_broken_framing_and_slowness_close_a_connection() => Assert.Equal(
        ["LINE_TOO_LONG", "BAD_LINE", "TIMEOUT"], WireErrors.All.Where(error => error.Closes)
            .Select(error => error.Word));
}

public sealed class WireAddressTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3")]
    [InlineData("::1", "::1")]
    [InlineData("2001:DB8::0:1", "2001:db8::1")]
    [InlineData("fe80::1%3", "fe80::1")]
    public void A_mapped_address_is_written_as_IPv4_and_a_scope_not_at_all(string address, string word) =>
        Assert.Equal(word, WireAddress.Format(IPAddress.Parse(address)));
}
