using System.Security.Cryptography;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Client;

public sealed class ChunkListTests
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, Chunks.Bytes + 5).Select(n => (byte)(n * 7))];

    private static readonly byte[] Digests =
        [.. SHA256.HashData(Bytes.AsSpan(0, Chunks.Bytes)), .. SHA256.HashData(Bytes.AsSpan(Chunks.Bytes))];

    [Fact]
    public void Digests_are_taken_when_their_root_is_the_one_that_is_believed()
    {
        FileDigest root = Chunks.RootOf(Digests);
        ChunkList list = ChunkList.TryCreate(Bytes.Length, root, Digests)!;
        Assert.Equal(2, list.Count);
        Assert.True(list.IsRight(1, Bytes.AsSpan(Chunks.Bytes)));
        Assert.False(list.IsRight(0, Bytes.AsSpan(0, Chunks.Bytes - 1)));
        for (int at = 0; at < Digests.Length; at++)
        {
            byte[] forged = [.. Digests];
            forged[at] ^= 1;
            Assert.Null(ChunkList.TryCreate(Bytes.Length, root, forged));
            Assert.Null(ChunkList.TryCreate(Bytes.Length, root, Digests.AsSpan(0, at)));
        }
        Assert.Null(ChunkList.TryCreate(Chunks.Bytes, root, Digests));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(Chunks.Bytes, 1)]
    public void A_file_of_one_chunk_needs_no_list(int size, int count) =>
        Assert.Equal(count, ChunkList.OfOne(size, new FileDigest(SHA256.HashData("x"u8)))!.Count);

    [Fact]
    public void A_larger_one_does_and_so_does_one_without_a_digest()
    {
        Assert.Null(ChunkList.OfOne(Chunks.Bytes + 1, new FileDigest(SHA256.HashData("x"u8))));
        Assert.Null(ChunkList.OfOne(5, FileDigest.None));
        Assert.Equal(-1, ChunkCount.Of(long.MaxValue));
    }
}
