using System.Text;
using MicroCdn.Http.Http2;

namespace MicroCdn.Tests.Http.Http2;

/// <summary>HPACK (RFC 7541): the examples of its appendix C, and what must be refused.</summary>
public sealed class HeaderDecoderTests
{
    // Each case is a connection: its header blocks one after another, and the fields of each.
    public static TheoryData<string, string[], string[]> Examples => new()
    {
        {
            "C.2.1", ["400a637573746f6d2d6b65790d637573746f6d2d686561646572"], ["custom-key: custom-header"]
        },
        { "C.2.2", ["040c2f73616d706c652f70617468"], [":path: /sample/path"] },
        { "C.2.3", ["100870617373776f726406736563726574"], ["password: secret"] },
        { "C.2.4", ["82"], [":method: GET"] },
        {
            "C.3",
            [
                "828684410f7777772e6578616d706c652e636f6d",
                "828684be58086e6f2d6361636865",
                "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
            ],
            [
                ":method: GET|:scheme: http|:path: /|:authority: www.example.com",
                ":method: GET|:scheme: http|:path: /|:authority: www.example.com|cache-control: no-cache",
                ":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|custom-key: custom-value",
            ]
        },
        {
            "C.4",
            [
                "828684418cf1e3c2e5f23a6ba0ab90f4ff",
                "828684be5886a8eb10649cbf",
                "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
            ],
            [
                ":method: GET|:scheme: http|:path: /|:authority: www.example.com",
                ":method: GET|:scheme: http|:path: /|:authority: www.example.com|cache-control: no-cache",
                ":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|custom-key: custom-value",
            ]
        },
    };

    // With a table of 256 bytes, from which entries are evicted.
    public static TheoryData<string, string[], string[]> Evictions => new()
    {
        {
            "C.5",
            [
                "3fe101" + "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
                    + "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
                "4803333037c1c0bf",
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b"
                    + "48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
            ],
            [
                ":status: 302|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT"
                    + "|location: https://www.example.com",
                ":status: 307|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT"
                    + "|location: https://www.example.com",
                ":status: 200|cache-control: private|date: Mon, 21 Oct 2013 20:13:22 GMT"
                    + "|location: https://www.example.com|content-encoding: gzip"
                    + "|set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ]
        },
        {
            "C.6",
            [
                "3fe101" + "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f"
                    + "0b97c8e9ae82ae43d3",
                "4883640effc1c0bf",
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960"
                    + "d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            ],
            [
                ":status: 302|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT"
                    + "|location: https://www.example.com",
                ":status: 307|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT"
                    + "|location: https://www.example.com",
                ":status: 200|cache-control: private|date: Mon, 21 Oct 2013 20:13:22 GMT"
                    + "|location: https://www.example.com|content-encoding: gzip"
                    + "|set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    [MemberData(nameof(Evictions))]
    public void The_examples_of_the_RFC_are_read(string section, string[] blocks, string[] fields)
    {
        Assert.NotEmpty(section);
        HeaderDecoder decoder = new();
        for (int number = 0; number < blocks.Length; number++)
        {
            Assert.Equal(fields[number], Decode(decoder, Convert.FromHexString(blocks[number])));
        }
    }

    [Theory]
    [InlineData("80", "index 0 (section 6.1)")]
    [InlineData("be", "an index behind the table (section 2.3.3)")]
    [InlineData("7e0161", "a name behind the table (section 2.3.3)")]
    [InlineData("3fe21f", "a larger table than was agreed (section 4.2)")]
    [InlineData("8220", "a change of the table behind a field (section 4.2)")]
    [InlineData("ff", "a number that is cut (section 5.1)")]
    [InlineData("ff8080808000", "a number that is too long (section 5.1)")]
    [InlineData("ffffffffff7f", "a number that is too large (section 5.1)")]
    [InlineData("040561", "a string that is cut (section 5.2)")]
    [InlineData("04", "no string at all (section 5.2)")]
    [InlineData("0481fe", "padding with zeros (section 5.2)")]
    [InlineData("0482ffff", "padding of a byte or more (section 5.2)")]
    [InlineData("0484ffffffff", "the end of the string within it (section 5.2)")]
    public void What_is_no_header_block_is_refused(string block, string why)
    {
        Assert.NotEmpty(why);
        Assert.Null(Decode(new HeaderDecoder(), Convert.FromHexString(block)));
    }

    [Fact]
    public void No_example_can_be_cut_into_something_else()
    {
        string block = "828684418cf1e3c2e5f23a6ba0ab90f4ff";
        string whole = Decode(new HeaderDecoder(), Convert.FromHexString(block))!;
        for (int length = 0; length < block.Length; length += 2)
        {
            string? part = Decode(new HeaderDecoder(), Convert.FromHexString(block[..length]));
            Assert.True(part is null || (whole.StartsWith(part, StringComparison.Ordinal) && part != whole), part);
        }
    }

    [Fact]
    public void A_table_that_turns_over_many_times_keeps_the_newest()
    {
        HeaderDecoder decoder = new();
        for (int number = 0; number < 5000; number++)
        {
            string value = new((char)('a' + (number % 26)), number % 300);
            byte[] length = value.Length < 127 ? [(byte)value.Length]
                : value.Length < 255 ? [127, (byte)(value.Length - 127)]
                : [127, (byte)(((value.Length - 127) & 0x7F) | 0x80), 1];
            // By the name of the newest entry, which the addition may drop.
            byte[] name = number == 0 ? [0x40, 1, (byte)'n'] : [0x40 | 62];
            string field = Decode(decoder, [.. name, .. length, .. Encoding.ASCII.GetBytes(value)])!;
            Assert.Equal($"n: {value}", field);
            Assert.Equal($"n: {value}", Decode(decoder, [0xBE]));
        }
    }

    internal static string? Decode(HeaderDecoder decoder, byte[] block)
    {
        Fields fields = new();
        return decoder.TryDecode(block, new byte[HeaderDecoder.ScratchBytes], fields)
            ? string.Join('|', fields.Lines) : null;
    }

    private sealed class Fields : IFields
    {
        public List<string> Lines { get; } = [];

        public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
            Lines.Add($"{Encoding.UTF8.GetString(name)}: {Encoding.UTF8.GetString(value)}");
    }
}
