using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Protocol;

// RFC 9110, section 5.
public sealed class HeaderFieldsTests
{
    private static readonly HeaderFields Fields =
        HeaderFields.FromLines("Via: a\r\nX: 1\r\nVIA:  b, c \r\nEmpty:\r\n"u8);

    [Fact]
    public void Names_compare_without_case_and_values_lose_the_spaces_around_them()
    {
        Assert.Equal("a"u8, Fields.First("via"u8));
        Assert.Equal("a, b, c"u8, Fields.Joined("Via"u8));
        Assert.True(Fields.Has("empty"u8));
        Assert.False(Fields.Has("viaduct"u8));
        Assert.Equal(2, Fields.IndexOf("via"u8, from: 1));
    }

    [Fact]
    public void What_is_put_together_is_sent_in_its_order()
    {
        HeaderFields fields = new HeaderFields.Builder().Add("B"u8, "2"u8).Add(Fields, 1).Add("A"u8, ""u8).Build();
        Assert.Equal("B: 2\r\nX: 1\r\nA: \r\n", Encoding.ASCII.GetString(fields.Bytes));
        Assert.Equal(3, fields.Count);
    }

    [Theory]
    [InlineData("no colon\r\n")]
    [InlineData("A: 1")]
    [InlineData(": 1\r\n")]
    public void What_is_no_field_line_is_refused(string lines) =>
        Assert.Throws<InvalidDataException>(() => HeaderFields.FromLines(Encoding.ASCII.GetBytes(lines)));
}
