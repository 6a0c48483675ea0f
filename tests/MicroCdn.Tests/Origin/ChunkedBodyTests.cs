using System.Globalization;
using System.Text;
using CsCheck;
using MicroCdn.Origin;

namespace MicroCdn.Tests.Origin;

/// <summary>Chunks (RFC 9112, section 7.1), cut anywhere.</summary>
public sealed class ChunkedBodyTests
{
    [Theory]
    [InlineData("0\r\n\r\n", "")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", "hello")]
    [InlineData("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world")]
    [InlineData("A\r\n0123456789\r\n0\r\n\r\n", "0123456789")]
    [InlineData("a\r\n01234\r\n789\r\n000\r\n\r\n", "01234\r\n789")]
    [InlineData("000000000000005\r\nhello\r\n0\r\n\r\n", "hello")]
    // 7.1.1: extensions are passed over; some servers pad the size.
    [InlineData("5;a=b;c=\"d;e\"\r\nhello\r\n0;x\r\n\r\n", "hello")]
    [InlineData("5   \r\nhello\r\n0\r\n\r\n", "hello")]
    // 7.1.2: trailers are dropped.
    [InlineData("5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n", "hello")]
    public void Chunks_are_put_together_however_they_are_cut(string input, string body)
    {
        for (int cut = 0; cut <= input.Length; cut++)
        {
            Assert.Equal(body + " over", Decode([input[..cut], input[cut..]]));
            if (cut < input.Length) Assert.Equal(" more", Decode([input[..cut]])[^5..]);
        }
        Assert.Equal(body + " over", Decode(input.Select(letter => letter.ToString())));
    }

    [Fact]
    public void A_size_that_is_not_all_here_promises_no_data()
    {
        ChunkedBody body = new();
        foreach (byte one in "1;a\r"u8)
        {
            Assert.Equal(1, body.Read([one]));
            Assert.Equal(0, body.DataLeft);
        }
        body.Read("\n"u8);
        Assert.Equal(1, body.DataLeft);
    }

    [Theory]
    [InlineData("\r\n", "not hexadecimal")]
    [InlineData("-5\r\nhello", "not hexadecimal")]
    [InlineData("+5\r\nhello", "not hexadecimal")]
    [InlineData("0x5\r\nhello", "not hexadecimal")]
    [InlineData(" 5\r\nhello", "not hexadecimal")]
    [InlineData(";a\r\nhello", "not hexadecimal")]
    [InlineData("5\nhello", "not hexadecimal")]
    [InlineData("5\rxhello", "LF alone")]
    [InlineData("5\r\nhelloX", "its size says")]
    [InlineData("5\r\nhello\n", "its size says")]
    [InlineData("5\r\nhello\r0", "its size says")]
    [InlineData("5;a\nhello", "holds LF")]
    [InlineData("0000000000000005\r\n", "15 digits")]
    [InlineData("fffffffffffffffff\r\n", "15 digits")]
    [InlineData("0\r\nX: y\n\r\n", "LF alone")]
    [InlineData("0\r\n\rX", "LF alone")]
    public void What_could_be_read_differently_is_refused(string input, string why)
    {
        foreach (string[] pieces in (string[][])[[input], [.. input.Select(letter => letter.ToString())]])
        {
            Assert.Contains(why, Decode(pieces), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Extensions_and_trailers_have_an_end()
    {
        Assert.Equal("a over", Decode([$"1;{new string('x', 1000)}\r\na\r\n0\r\n\r\n"]));
        Assert.Contains("1 KiB", Decode([$"1;{new string('x', 1100)}\r\na\r\n"]), StringComparison.Ordinal);
        Assert.Equal(" over", Decode([$"0\r\nX: {new string('x', 16_000)}\r\n\r\n"]));
        string many = string.Concat(Enumerable.Repeat("X: y\r\n", 6_000));
        Assert.Contains("16 KiB", Decode([$"0\r\n{many}"]), StringComparison.Ordinal);
    }

    [Fact]
    public void What_follows_the_body_is_left_alone()
    {
        ChunkedBody body = default;
        Assert.Equal(5, body.Read("0\r\n\r\nHTTP/1.1"u8));
        Assert.True(body.IsOver);
        Assert.Equal(0, body.Read("HTTP"u8));
    }

    [Fact]
    public void Any_body_in_any_chunks_comes_out_as_it_was() =>
        Gen.Select(Gen.Byte.Array[1, 200].Array[0, 8], Gen.Int[1, 50]).Sample((chunks, step) =>
        {
            StringBuilder wire = new();
            foreach (byte[] chunk in chunks)
            {
                string data = Encoding.Latin1.GetString(chunk);
                wire.Append(CultureInfo.InvariantCulture, $"{chunk.Length:X}\r\n{data}\r\n");
            }
            string input = wire + "0\r\n\r\n";
            string all = string.Concat(chunks.Select(Encoding.Latin1.GetString));
            Assert.Equal(all + " over", Decode(input.Chunk(step).Select(piece => new string(piece))));
        });

    private static string Decode(IEnumerable<string> pieces)
    {
        ChunkedBody body = default;
        StringBuilder data = new();
        foreach (string piece in pieces)
        {
            ReadOnlySpan<byte> rest = Encoding.Latin1.GetBytes(piece);
            while (!rest.IsEmpty && !body.IsOver && body.Fault is null)
            {
                rest = rest[body.Read(rest)..];
                int count = body.IsOver ? 0 : (int)Math.Min(body.DataLeft, rest.Length);
                data.Append(Encoding.Latin1.GetString(rest[..count]));
                if (count > 0) body.Take(count);
                rest = rest[count..];
            }
        }
        return $"{data} {(body.Fault is { } fault ? fault : body.IsOver ? "over" : "more")}";
    }
}
