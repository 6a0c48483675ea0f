using System.Security.Cryptography;
using CsCheck;
using MicroCdn.Http;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Http;

public sealed class DigestsTests
{
    // The digest of "hello world", from sha256sum and openssl.
    private const string Hex = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    private const string Base64 = "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=";

    private static readonly byte[] Sha256 = SHA256.HashData("hello world"u8);

    [Theory]
    [InlineData(Coding.Identity, "")]
    [InlineData(Coding.Zstd, "-zstd")]
    [InlineData(Coding.Brotli, "-br")]
    [InlineData(Coding.Gzip, "-gzip")]
    public void The_entity_tag_is_the_digest_and_tells_the_coding(object coding, string ending)
    {
        Span<byte> target = stackalloc byte[Digests.MostEntityTagBytes];
        int length = Digests.WriteEntityTag(Sha256, (Coding)coding, target);
        Assert.Equal($"\"{Hex}{ending}\"", ((ReadOnlySpan<byte>)target[..length]).Text());
        if (ending == "") Assert.Equal(Digests.EntityTagBytes, length);
    }

    // RFC 9530, section 3: a byte sequence of structured fields.
    [Fact]
    public void Repr_Digest_and_the_old_Digest_carry_it_in_base_64()
    {
        byte[] repr = new byte[Digests.ReprDigestBytes], legacy = new byte[Digests.LegacyDigestBytes];
        Digests.WriteReprDigest(Sha256, repr);
        Digests.WriteLegacyDigest(Sha256, legacy);
        Assert.Equal($"sha-256=:{Base64}:", ((ReadOnlySpan<byte>)repr).Text());
        Assert.Equal($"SHA-256={Base64}", ((ReadOnlySpan<byte>)legacy).Text());
    }

    [Fact]
    public void Anything_but_32_bytes_is_a_fault_of_the_caller()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Digests.WriteEntityTag(Sha256.AsSpan(1), 0, new byte[99]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Digests.WriteReprDigest(Sha256.AsSpan(1), new byte[99]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Digests.WriteLegacyDigest(Sha256.AsSpan(1), new byte[99]));
    }

    // RFC 9530, section 4: 0 means not acceptable, 1 to 10 are preferences.
    [Theory]
    [InlineData("sha-256=10", true)]
    [InlineData("sha-256=1", true)]
    [InlineData("sha-512=3, sha-256=10, unixsum=0", true)]
    [InlineData("sha-512=3,sha-256=1", true)]
    [InlineData("sha-512=3 ,\tsha-256=1", true)]
    [InlineData("  sha-256=1  ", true)]
    [InlineData("sha-256=0, sha-256=5", true)]
    [InlineData("sha-256=0", false)]
    [InlineData("sha-256=000", false)]
    [InlineData("sha-512=10", false)]
    [InlineData("sha-512=10, sha-256=0", false)]
    [InlineData("sha-256=5, sha-256=0", false)]
    [InlineData("*=1", false)]
    public void A_digest_is_sent_when_it_is_wanted(string field, bool wanted) =>
        Assert.Equal(wanted, Digests.WantsDigest(field.Utf8()));

    // RFC 9651, section 4.2: when parsing fails, the entire field is ignored.
    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("sha-512")]
    [InlineData("sha-512=")]
    [InlineData("sha-512=11")]
    [InlineData("sha-512=-1")]
    [InlineData("sha-512=1.5")]
    [InlineData("sha-512=?1")]
    [InlineData("sha-512=\"1\"")]
    [InlineData("sha-512=(1)")]
    [InlineData("sha-512 =1")]
    [InlineData("sha-512= 1")]
    [InlineData("sha-512=1,")]
    [InlineData("sha-512=1,,sha-256=0")]
    [InlineData(",sha-512=1")]
    [InlineData("sha-512=1 sha-256=0")]
    [InlineData("sha-512=1;q=1")]
    [InlineData("SHA-512=1")]
    [InlineData("1sha=1")]
    [InlineData("sha-512=0000000000000001")]
    [InlineData("sha-512=99999999999999999999")]
    [InlineData("sha-512=1\0")]
    [InlineData("é=1")]
    public void An_absent_field_and_a_malformed_one_wish_for_it(string field) =>
        Assert.True(Digests.WantsDigest(field.Utf8()));

    [Fact]
    public void Cut_at_any_byte_or_made_of_any_characters_it_never_throws()
    {
        const string Field = "sha-512=3, sha-256=10,\tunixsum=0";
        for (int at = 0; at <= Field.Length; at++) Digests.WantsDigest(Field[..at].Utf8());
        Gen.OneOf("sha-256", "=", "0", "10", ",", " ", "\t", "*", "\0", "é").Array[0, 20].Select(string.Concat)
            .Sample(field => Digests.WantsDigest(field.Utf8()) || true, iter: 10_000);
    }
}
