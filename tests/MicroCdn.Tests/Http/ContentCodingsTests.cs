using CsCheck;
using MicroCdn.Http;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Http;

// RFC 9110, section 12.5.3.
public sealed class ContentCodingsTests
{
    private const Coding All = Coding.Identity | Coding.Gzip | Coding.Brotli | Coding.Zstd;

    [Theory]
    [InlineData("", Coding.Identity)]
    [InlineData("gzip", Coding.Gzip)]
    [InlineData("x-gzip", Coding.Gzip)]
    [InlineData("GZIP", Coding.Gzip)]
    [InlineData("br", Coding.Brotli)]
    [InlineData("zstd", Coding.Zstd)]
    [InlineData("gzip, deflate, br", Coding.Brotli)]
    [InlineData("gzip, deflate, br, zstd", Coding.Zstd)]
    [InlineData("gzip,br;q=0.9", Coding.Gzip)]
    [InlineData("gzip;q=0.5, br;q=0.501", Coding.Brotli)]
    [InlineData("gzip;q=1.000, br;q=0.999", Coding.Gzip)]
    [InlineData("zstd;q=0, br;q=0.1", Coding.Brotli)]
    [InlineData("br ; q=0.5 , gzip\t;\tq=0.6", Coding.Gzip)]
    [InlineData("br;Q=0.5, gzip", Coding.Gzip)]
    [InlineData("deflate", Coding.Identity)]
    [InlineData("compress, dcb, aes128gcm", Coding.Identity)]
    [InlineData(", ,gzip,,", Coding.Gzip)]
    [InlineData("gzipped, brotli, z", Coding.Identity)]
    public void The_coding_that_the_client_likes_best_is_chosen(string field, object coding) =>
        Assert.Equal(coding, Choose(field));

    [Theory]
    [InlineData("*", Coding.Zstd)]
    [InlineData("*;q=0.5, gzip", Coding.Gzip)]
    [InlineData("*;q=0.5, gzip;q=0.4", Coding.Zstd)]
    [InlineData("zstd;q=0, *", Coding.Brotli)]
    [InlineData("*;q=0, gzip", Coding.Gzip)]
    [InlineData("*;q=0", Coding.Identity)]
    [InlineData("identity, *;q=0", Coding.Identity)]
    [InlineData("identity, *;q=0.5", Coding.Identity)]
    public void A_star_stands_for_every_coding_that_is_not_named(string field, object coding) =>
        Assert.Equal(coding, Choose(field));

    // "If the representation has no content coding, then it is acceptable by default unless specifically excluded."
    [Theory]
    [InlineData("identity", Coding.Identity)]
    [InlineData("gzip;q=0.5, identity", Coding.Identity)]
    [InlineData("gzip, identity", Coding.Gzip)]
    [InlineData("gzip;q=0.001", Coding.Gzip)]
    [InlineData("gzip;q=0.001, identity;q=0", Coding.Gzip)]
    [InlineData("identity;q=0", Coding.Identity)]
    [InlineData("identity;q=0, *;q=0", Coding.Identity)]
    [InlineData("gzip;q=0", Coding.Identity)]
    [InlineData("identity;q=0, deflate", Coding.Identity)]
    [InlineData("identity;q=0, *;q=0.1", Coding.Zstd)]
    public void Plain_bytes_are_acceptable_and_the_answer_when_nothing_is(string field, object coding) =>
        Assert.Equal(coding, Choose(field));

    [Theory]
    [InlineData("zstd, br, gzip", Coding.Identity | Coding.Gzip, Coding.Gzip)]
    [InlineData("zstd, br", Coding.Identity | Coding.Gzip, Coding.Identity)]
    [InlineData("zstd, br;q=0.9, gzip", Coding.Brotli, Coding.Brotli)]
    [InlineData("zstd, br, gzip", Coding.Identity, Coding.Identity)]
    [InlineData("*", Coding.Identity | Coding.Brotli, Coding.Brotli)]
    public void Only_what_there_is_is_chosen(string field, object available, object coding) =>
        Assert.Equal(coding, ContentCodings.Choose(field.Utf8(), (Coding)available));

    // 12.4.2: at most three digits, at most 1. An element that is malformed counts as not there.
    [Theory]
    [InlineData("gzip;q=2")]
    [InlineData("gzip;q=1.001")]
    [InlineData("gzip;q=0.1234")]
    [InlineData("gzip;q=.5")]
    [InlineData("gzip;q=-1")]
    [InlineData("gzip;q=+1")]
    [InlineData("gzip;q=1e0")]
    [InlineData("gzip;q=")]
    [InlineData("gzip;q")]
    [InlineData("gzip;q =1")]
    [InlineData("gzip;q= 1")]
    [InlineData("gzip;")]
    [InlineData("gzip;level=9")]
    [InlineData("gzip;q=1;level=9")]
    [InlineData("gzip q=1")]
    [InlineData("gzip;q=1 x")]
    [InlineData("gz ip")]
    [InlineData("\"gzip\"")]
    [InlineData("gzip\0")]
    public void A_malformed_element_counts_as_not_there(string element)
    {
        Assert.Equal(Coding.Brotli, Choose(element + ", br;q=0.001"));
        Assert.Equal(Coding.Identity, Choose(element));
    }

    [Fact]
    public void A_coding_named_twice_counts_as_it_was_named_first()
    {
        Assert.Equal(Coding.Brotli, Choose("gzip;q=0.1, br;q=0.5, x-gzip"));
        Assert.Equal(Coding.Gzip, Choose("gzip, br;q=0.5, gzip;q=0"));
    }

    [Fact]
    public void What_is_chosen_is_available_and_never_refused_by_name()
    {
        Gen<string> element = Gen.Select(Gen.OneOf("gzip", "br", "zstd", "deflate"), Gen.Int[0, 1000])
            .Select((name, q) => $"{name};q={q / 1000}.{q % 1000:000}");
        Gen.Select(element.Array[1, 5], Gen.Int[0, 7]).Sample((elements, others) =>
        {
            Coding available = Coding.Identity | (Coding)(others << 1);
            Coding coding = ContentCodings.Choose(string.Join(", ", elements).Utf8(), available);
            string name = ContentCodings.NameOf(coding).Text();
            string? named = elements.FirstOrDefault(text => text.StartsWith(name, StringComparison.Ordinal));
            return (available & coding) != 0 && (coding == Coding.Identity || named?.EndsWith("=0.000",
                StringComparison.Ordinal) == false);
        }, iter: 10_000);
    }

    [Fact]
    public void Cut_at_any_byte_or_made_of_any_characters_it_never_throws()
    {
        const string Field = "gzip;q=0.5 ,\t*;q=0, identity ; q=1.000";
        for (int at = 0; at <= Field.Length; at++) Choose(Field[..at]);
        Gen.OneOf("gzip", "br", "*", ";", "q=", "0.5", "1", ",", " ", "\0", "é").Array[0, 20].Select(string.Concat)
            .Sample(field => Choose(field) != 0, iter: 20_000);
    }

    private static Coding Choose(string field) => ContentCodings.Choose(field.Utf8(), All);
}
