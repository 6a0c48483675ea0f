using System.Security.Cryptography;
using MicroCdn.Gateway.Admin;
using MicroCdn.Protocol;
using MicroCdn.Tests.Http;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway.Admin;

public sealed class PutHeadTests
{
    private static readonly string Base64 = Convert.ToBase64String(SHA256.HashData("Hello"u8));
    private static readonly FileDigest Digest = new(SHA256.HashData("Hello"u8));

    [Theory]
    [InlineData("bytes 0-4/5", 5, 0, 5)]
    [InlineData("bytes 2-4/5", 3, 2, 5)]
    [InlineData("bytes 2-4/5", -1, 2, 5)]
    [InlineData("Bytes 4-4/5", 1, 4, 5)]
    public void A_range_up_to_the_end_says_where_the_body_belongs(string range, long length, long offset, long total)
    {
        PutHead head = Read(length, $"Content-Range: {range}")!;
        Assert.Equal((offset, total), (head.Offset, head.Total));
    }

    [Theory]
    [InlineData("bytes 0-3/5", 4)]
    [InlineData("bytes 2-4/5", 5)]
    [InlineData("bytes 2-4/*", 3)]
    [InlineData("bytes */5", 0)]
    [InlineData("bytes 4-2/5", 1)]
    [InlineData("bytes -1-4/5", 6)]
    [InlineData("bytes 0-4/5 ", 4)]
    [InlineData("bytes 0-9223372036854775807/9223372036854775808", -1)]
    [InlineData("bytes=0-4", 5)]
    [InlineData("lines 0-4/5", 5)]
    public void Any_other_range_is_refused(string range, long length) =>
        Assert.Equal(400, StatusOf(length, $"Content-Range: {range}"));

    [Fact]
    public void A_digest_is_read_beside_others_that_are_not_checked()
    {
        PutHead head = Read(5, $"Repr-Digest: md5=:AAAA:, sha-256=:{Base64}:")!;
        Assert.Equal((Digest, FileDigest.None), (head.Whole, head.Content));
        Assert.Equal(Digest, Read(5, $"Content-Digest: sha-256=:{Base64}:")!.Content);
    }

    [Theory]
    [InlineData("sha-512=:AAAA:")]
    [InlineData("sha-256=AAAA")]
    [InlineData("sha-256=::")]
    [InlineData("sha-256=:")]
    [InlineData("sha-256=:AAAA:")]
    [InlineData("nonsense")]
    public void A_digest_that_cannot_be_checked_is_refused_and_not_passed_over(string value)
    {
        Assert.Equal(400, StatusOf(5, $"Repr-Digest: {value}"));
        Assert.Equal(400, StatusOf(5, $"Content-Digest: {value}"));
    }

    [Theory]
    [InlineData("replicas=3", 3)]
    [InlineData("", 0)]
    [InlineData("replicas=0", -1)]
    [InlineData("replicas=65", -1)]
    [InlineData("replicas=3x", -1)]
    [InlineData("copies=3", -1)]
    public void The_query_says_how_many_copies_and_nothing_else(string query, int replicas)
    {
        PutHead? head = PutHead.Read(HeaderFields.Empty, query.Utf8(), 5, out _);
        Assert.Equal(replicas, head?.Replicas ?? -1);
    }

    [Fact]
    public void Bytes_in_a_coding_are_not_published_as_if_they_were_the_file()
    {
        Assert.Equal(415, StatusOf(5, "Content-Encoding: gzip"));
        Assert.NotNull(Read(5, "Content-Encoding: identity"));
    }

    [Fact]
    public void Conditions_are_held_against_what_is_published()
    {
        FileDigest none = FileDigest.None, other = new(SHA256.HashData("other"u8));
        Assert.True(Read(5, "If-None-Match: *")!.Holds(none));
        Assert.False(Read(5, "If-None-Match: *")!.Holds(Digest));
        Assert.True(Read(5, $"If-None-Match: \"{other}\"")!.Holds(Digest));
        Assert.True(Read(5, $"If-Match: \"x\", \"{Digest}\"")!.Holds(Digest));
        Assert.False(Read(5, $"If-Match: \"{Digest}\"")!.Holds(other));
        Assert.False(Read(5, $"If-Match: W/\"{Digest}\"")!.Holds(Digest));
        Assert.False(Read(5, "If-Match: *")!.Holds(none));
        Assert.True(Read(5)!.Holds(none));
    }

    private static PutHead? Read(long length, params string[] lines) =>
        PutHead.Read(Taker.FieldsOf(lines), [], length, out _);

    private static int StatusOf(long length, params string[] lines)
    {
        Assert.Null(PutHead.Read(Taker.FieldsOf(lines), [], length, out Problem? problem));
        return problem!.Status.Code;
    }
}
