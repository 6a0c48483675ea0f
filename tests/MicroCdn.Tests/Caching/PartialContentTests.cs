using CsCheck;
using MicroCdn.Caching;
using MicroCdn.Protocol;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9110, sections 14.4 and 15.3.7; RFC 9111, sections 3.3 and 3.4.
public sealed class PartialContentTests
{
    private const long Mebibyte = 1 << 20;

    [Theory]
    [InlineData("bytes 0-4/10", "0+5 of 10")]
    [InlineData("BYTES 5-9/10", "5+5 of 10")]
    [InlineData("bytes 5-9/*", "5+5 of ?")]
    [InlineData("bytes 0-0/1", "0+1 of 1")]
    [InlineData("bytes */10", "")]
    [InlineData("bytes 0-10/10", "")]
    [InlineData("bytes 5-4/10", "")]
    [InlineData("bytes -4/10", "")]
    [InlineData("bytes 0-/10", "")]
    [InlineData("bytes 0-4", "")]
    [InlineData("bytes 0-4/", "")]
    [InlineData("bytes=0-4/10", "")]
    [InlineData("bytes  0-4/10", "")]
    [InlineData("bytes 0 - 4/10", "")]
    [InlineData("bytes +0-4/10", "")]
    [InlineData("bytes 0-4/10, bytes 5-9/10", "")]
    [InlineData("bytes 0-9999999999999999999/99999999999999999999", "")]
    [InlineData("items 0-4/10", "")]
    public void Content_range_is_read_strictly(string value, string read) =>
        Assert.Equal(read, PartialContent.TryParse(Bytes(value), out PartialContent part)
            ? $"{part.Range.Offset}+{part.Range.Length} of {part.Complete?.ToString() ?? "?"}" : "");

    [Fact]
    public void A_content_range_that_is_cut_short_never_names_other_bytes()
    {
        const string Value = "bytes 10-49/100";
        for (int length = 0; length < Value.Length; length++)
        {
            if (!PartialContent.TryParse(Bytes(Value[..length]), out PartialContent part)) continue;
            Assert.Equal(new ByteRange(10, 40), part.Range);
        }
    }

    [Theory]
    [InlineData("Content-Range: bytes 0-4/10 | Content-Length: 5", true)]
    [InlineData("Content-Range: bytes 0-4/10", true)]
    [InlineData("Content-Range: bytes 0-4/10 | Content-Length: 6", false)]
    [InlineData("Content-Range: bytes 0-4/10 | Content-Range: bytes 0-4/10", false)]
    [InlineData("Content-Type: multipart/byteranges; boundary=x", false)]
    public void A_part_whose_fields_contradict_one_another_is_not_stored(string lines, bool isRead) =>
        Assert.Equal(isRead, PartialContent.TryRead(Copy(lines, status: 206).Head, out _));

    [Theory]
    [InlineData("ETag: \"a\"", "ETag: \"a\"", true)]
    [InlineData("ETag: \"a\"", "ETag: \"b\"", false)]
    [InlineData("ETag: W/\"a\"", "ETag: W/\"a\"", false)]
    [InlineData("Last-Modified: @-9 | Date: @0", "Last-Modified: @-9 | Date: @0", true)]
    [InlineData("Last-Modified: @0 | Date: @0", "Last-Modified: @0 | Date: @0", false)]
    [InlineData("ETag: \"a\" | Last-Modified: @-9 | Date: @0", "Last-Modified: @-9 | Date: @0", false)]
    [InlineData("X: 1", "X: 1", false)]
    [InlineData("ETag: \"a\"", "ETag: \"a\" | Content-Encoding: gzip", false)]
    public void Parts_are_put_together_only_under_one_strong_validator(string copy, string part, bool may) // 15.3.7.3
    {
        CopyRules answer = Copy($"{part} | Content-Range: bytes 5-9/10", status: 206);
        Assert.True(PartialContent.TryRead(answer.Head, out PartialContent read));
        Assert.Equal(may, read.MayJoin(Copy(copy), 10, answer));
        Assert.Equal(may, read.MayJoin(Copy(copy), null, answer));
        Assert.False(read.MayJoin(Copy(copy), 11, answer));
    }

    [Fact]
    public void What_is_stored_of_a_part_is_the_head_of_its_whole()
    {
        StoredHead head = Copy("A: 1 | Content-Length: 5 | Content-Range: bytes 0-4/10", status: 206).Head;
        Assert.True(PartialContent.TryRead(head, out PartialContent part));
        Assert.Equal("A: 1 | Content-Length: 10", Line(part.WholeHead(head).Fields));
        Assert.Equal(200, part.WholeHead(head).Status);
    }

    [Theory]
    [InlineData(5, 5, 10L, "bytes=5-")]
    [InlineData(5, 4, 10L, "bytes=5-8")]
    [InlineData(5, 5, null, "bytes=5-9")]
    public void Only_the_missing_bytes_are_asked_for(long offset, long length, long? complete, string field)
    {
        byte[] target = new byte[48];
        int written = PartialContent.WriteRange(new ByteRange(offset, length), complete, target);
        Assert.Equal(field, Text(target.AsSpan(0, written)));
    }

    [Theory]
    [InlineData("bytes=0-1", "bytes=0-1048575")]
    [InlineData("bytes=1048575-1048576", "bytes=0-2097151")]
    [InlineData("bytes=3145728-", "bytes=3145728-19922943")]
    [InlineData("bytes=-5", "bytes=-5")]
    [InlineData("bytes=0-999999999999", "bytes=0-16777215")]
    [InlineData("bytes=0-1,5-6", "")]
    [InlineData("bytes=-0", "")]
    [InlineData("bytes=-", "")]
    [InlineData("bytes=2-1", "")]
    [InlineData("items=0-1", "")]
    [InlineData("bytes=99999999999999999999-", "")]
    public void A_cold_range_asks_for_its_slices_and_a_tail_for_itself(string range, string asked) =>
        Assert.Equal(asked, Slices.First(Bytes(range)));

    [Theory]
    [InlineData("", 0, 1, "0+1048576")]
    [InlineData("", 1048575, 2, "0+2097152")]
    [InlineData("0+5", 0, 100, "5+1048571")]
    [InlineData("0+1048576", 0, 1048577, "1048576+1048576")]
    [InlineData("0+1048576", 5, 10, "")]
    [InlineData("10+10", 30, 1, "20+1048556")]
    [InlineData("", 104857590, 10, "103809024+1048576")]
    [InlineData("", 0, 104857600, "0+16777216")]
    public void What_is_missing_is_asked_for_in_slices(string have, long offset, long length, string asked)
    {
        ByteSet set = ByteSet.Empty;
        if (have.Length > 0)
        {
            long[] numbers = [.. have.Split('+').Select(long.Parse)];
            Assert.True(set.TryAdd(new ByteRange(numbers[0], numbers[1]), out set));
        }
        ByteRange? next = Slices.Next(set, new ByteRange(offset, length), 100 * Mebibyte);
        Assert.Equal(asked, next is { } range ? $"{range.Offset}+{range.Length}" : "");
    }

    [Fact]
    public void Asking_for_what_is_missing_again_and_again_brings_all_and_nothing_twice() => Gen.Select(
        Gen.Int[1, 40 * (1 << 20)], Gen.Int[0, 39 * (1 << 20)], Gen.Int[1, 1 << 22],
        Gen.Select(Gen.Int[0, 39 * (1 << 20)], Gen.Int[1, 1 << 21]).Array[0, 5])
        .Sample((complete, from, length, present) =>
        {
            ByteSet set = ByteSet.Empty;
            foreach ((int offset, int count) in present)
            {
                long end = Math.Min(complete, offset + (long)count);
                if (offset < end) Assert.True(set.TryAdd(new ByteRange(offset, end - offset), out set));
            }
            ByteRange wanted = new(Math.Min(from, complete - 1), 0);
            wanted = wanted with { Length = Math.Min(length, complete - wanted.Offset) };
            for (int turns = 0; Slices.Next(set, wanted, complete) is { } asked; turns++)
            {
                Assert.True(turns < 100 && asked.Length is > 0 and <= Slices.MostAsked && asked.End <= complete);
                Assert.Equal(asked, set.Missing(asked));
                Assert.True(set.TryAdd(asked, out set));
            }
            Assert.True(set.Contains(wanted));
        });

    [Theory]
    [InlineData(206, "ETag: \"a\" | Content-Range: bytes 5-9/10", SliceAnswer.Fits)]
    [InlineData(206, "ETag: \"a\" | Content-Range: bytes 5-7/10", SliceAnswer.Fits)]
    [InlineData(206, "ETag: \"b\" | Content-Range: bytes 5-9/10", SliceAnswer.Changed)]
    [InlineData(206, "ETag: \"a\" | Content-Range: bytes 5-9/11", SliceAnswer.Changed)]
    [InlineData(206, "ETag: \"a\" | Content-Range: bytes 4-9/10", SliceAnswer.Refused)]
    [InlineData(206, "ETag: \"a\"", SliceAnswer.Refused)]
    [InlineData(416, "Content-Range: bytes */3", SliceAnswer.Changed)]
    [InlineData(200, "ETag: \"b\"", SliceAnswer.Whole)]
    [InlineData(503, "Retry-After: 1", SliceAnswer.Refused)]
    public void The_validator_decides_what_an_answer_to_a_slice_is(int status, string lines, SliceAnswer answer) =>
        Assert.Equal(answer,
            Slices.Judge(Copy("ETag: \"a\""), 10, new ByteRange(5, 5), Copy(lines, status: status)));
}
