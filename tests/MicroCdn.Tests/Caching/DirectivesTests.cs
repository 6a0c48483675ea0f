using CsCheck;
using MicroCdn.Caching;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9111, sections 5.2 and 4.2.1; RFC 9213.
public sealed class DirectivesTests
{
    [Theory]
    [InlineData("max-age=3600", "max-age=3600")]
    [InlineData("MaX-aGe=3600", "max-age=3600")]
    [InlineData("max-age=003600", "max-age=3600")]
    [InlineData("max-age=\"3600\"", "max-age=3600")] // 5.2: both forms are to be accepted
    [InlineData("foobar, max-age=3600", "max-age=3600")]
    [InlineData("a=b, ,\t, max-age=1 , x=\"y, z\"", "max-age=1")]
    [InlineData("max-age=1, max-age=1800", "max-age=1")] // 4.2.1: the first
    [InlineData("max-age=2147483649", "max-age=2147483648")] // 1.2.2
    [InlineData("max-age=99999999999999999999999999", "max-age=2147483648")]
    [InlineData("s-maxage=5, max-age=1", "s-maxage=5 max-age=1")]
    [InlineData("private, no-store, No-CaChE", "no-store no-cache private")]
    [InlineData("public, must-revalidate, proxy-revalidate, must-understand, immutable",
        "public must-revalidate proxy-revalidate must-understand immutable")]
    [InlineData("stale-while-revalidate=2, stale-if-error=3", "swr=2 sie=3")]
    public void Directives_are_read_in_any_case_and_among_others(string field, string read) =>
        Assert.Equal(read, Read($"Cache-Control: {field}"));

    // 4.2.1: a lifetime that is invalid is stale.
    [Theory]
    [InlineData("max-age=-3600")]
    [InlineData("max-age='3600'")]
    [InlineData("max-age=3600.0")]
    [InlineData("max-age=a3600")]
    [InlineData("max-age=3600a")]
    [InlineData("max-age =3600")]
    [InlineData("max-age= 3600")]
    [InlineData("max-age")]
    [InlineData("max-age=")]
    [InlineData("max-age=3600 1")]
    [InlineData("max-age=\"3600")]
    public void A_lifetime_that_cannot_be_read_is_none(string field) =>
        Assert.Equal("max-age=0", Read($"Cache-Control: {field}"));

    [Theory]
    [InlineData("extension=\"max-age=3600\", max-age=1", "max-age=1")]
    [InlineData("max-age=1, extension=\"max-age=3600\"", "max-age=1")]
    [InlineData("x=\"a\\\", no-store, \", max-age=1", "max-age=1")]
    [InlineData("x=\"a, no-store", "")]
    [InlineData("x y=\"a, no-store\", max-age=2", "max-age=2")]
    public void What_stands_between_quotes_is_no_directive(string field, string read) =>
        Assert.Equal(read, Read($"Cache-Control: {field}"));

    [Theory]
    [InlineData("no-store=1", "no-store")]
    [InlineData("private=", "private")]
    [InlineData("private=\"a b\"", "private")]
    [InlineData("no-cache=\"", "no-cache")]
    [InlineData("no-store x", "no-store")]
    [InlineData("public; max-age=3600", "")]
    [InlineData("immutable=\"", "")]
    public void A_restriction_with_a_mistake_restricts_and_a_permission_with_one_permits_nothing(string field,
        string read) => Assert.Equal(read, Read($"Cache-Control: {field}"));

    [Fact]
    public void Lines_are_one_list() =>
        Assert.Equal("no-store max-age=5", Read("Cache-Control: max-age=5 | Cache-Control: no-store"));

    [Fact]
    public void Fields_that_private_or_no_cache_name_are_not_stored_and_the_rest_is() // 5.2.2.4, 5.2.2.7
    {
        CopyRules copy = Copy("Cache-Control: no-cache=\"a, B\", private=\"c\" | A: 1"
            + " | b: 2 | C: 3 | D: 4 | ETag: \"x\"");
        Assert.False(copy.AlwaysValidates);
        Assert.False(copy.Directives.Private);
        Assert.Equal("Cache-Control: no-cache=\"a, B\", private=\"c\" | D: 4 | ETag: \"x\"", Line(copy.Head.Fields));
    }

    [Theory]
    [InlineData("max-age=3600", "max-age=3600")]
    [InlineData("max-age=3600;x=1;y", "max-age=3600")]
    [InlineData("foobar, max-age=3600", "max-age=3600")]
    [InlineData("max-age=1, max-age=7", "max-age=7")] // RFC 9651, 4.2.2: the last
    [InlineData("max-age=99999999999", "max-age=2147483648")]
    [InlineData("max-age=-5", "max-age=0")]
    [InlineData("no-store", "no-store")]
    [InlineData("no-store=?0, max-age=5", "max-age=5")]
    [InlineData("private", "private")]
    [InlineData("no-cache, x=(1 \"a\";b :YQ==:), y=@1, z=%\"%c3%bc\", w=1.5, v=a/b:c", "no-cache")]
    public void A_valid_targeted_field_alone_decides(string field, string read) =>
        Assert.Equal(read, Read($"CDN-Cache-Control: {field} | Cache-Control: no-store, max-age=9"));

    // RFC 9213, 2.1: empty, broken, or of a wrong type counts as absent.
    [Theory]
    [InlineData("")]
    [InlineData("max-age=10000, &&&&&")]
    [InlineData("max-age=\"10000\"")]
    [InlineData("max-age=10.5")]
    [InlineData("max-age")]
    [InlineData("MaX-aGe=3600")]
    [InlineData("max-age =100")]
    [InlineData("max-age= 100")]
    [InlineData("max-age=100,")]
    [InlineData("max-age=100 no-store")]
    [InlineData("max-age=1234567890123456")]
    [InlineData("a=\"x")]
    [InlineData("a=(1")]
    [InlineData("a=?2")]
    [InlineData("a=:a b:")]
    [InlineData("a=%\"%C3\"")]
    [InlineData("a=1.2345")]
    [InlineData("a=;b")]
    public void A_targeted_field_that_is_no_valid_dictionary_is_ignored_as_a_whole(string field) =>
        Assert.Equal("max-age=9", Read($"CDN-Cache-Control: {field} | Cache-Control: max-age=9"));

    [Fact]
    public void No_cut_of_a_field_breaks_the_reader_or_permits_more_than_the_whole_says()
    {
        const string Field = "no-store, private=\"a, b\", max-age=\"360\\0\", x=\"no-cache\", public, s-maxage=12";
        for (int length = 0; length <= Field.Length; length++)
        {
            Directives cut = Directives.Of(Fields($"Cache-Control: {Field[..length]}"));
            Assert.Equal(length >= "no-store".Length, cut.NoStore);
            Assert.False(cut.NoCache);
            Assert.True(cut.MaxAge is null or 0);
            _ = Directives.Of(Fields($"CDN-Cache-Control: {Field[..length]}"));
        }
    }

    [Fact]
    public void A_dictionary_cut_anywhere_is_either_valid_or_ignored()
    {
        const string Field = "max-age=12, a=(1 2;x \"y\");z=?1, b=:YWI=:, c=%\"%c3%bc\", d=@12, no-store";
        for (int length = 0; length <= Field.Length; length++)
        {
            Directives cut = Directives.Of(Fields($"CDN-Cache-Control: {Field[..length]}"));
            Assert.Equal(length == Field.Length, cut.NoStore);
            if (cut.IsTargeted && length > "max-age=".Length) Assert.NotNull(cut.MaxAge);
        }
    }

    [Fact]
    public void No_store_is_found_in_any_list_of_sound_elements() => Gen.OneOf(Gen.Const("a"),
        Gen.Const("c=\"x,y\""), Gen.Const("max-age=5"), Gen.Const("d=\"\\\"\""), Gen.Const(""), Gen.Const(" e "))
        .Array[0, 8].Select(Gen.Int[0, 8]).Sample((elements, at) =>
        {
            List<string> list = [.. elements];
            list.Insert(Math.Min(at, list.Count), "No-Store");
            Assert.True(Directives.Of(Fields("Cache-Control: " + string.Join(',', list))).NoStore);
        });

    private static string Read(string lines)
    {
        Directives read = Directives.Of(Fields(lines));
        string[] words = [read.NoStore ? "no-store" : "", read.NoCache ? "no-cache" : "", read.Private ? "private" : "",
            read.Public ? "public" : "", read.MustRevalidate ? "must-revalidate" : "",
            read.ProxyRevalidate ? "proxy-revalidate" : "", read.MustUnderstand ? "must-understand" : "",
            read.Immutable ? "immutable" : "", read.SharedMaxAge is { } s ? $"s-maxage={s}" : "",
            read.MaxAge is { } m ? $"max-age={m}" : "", read.StaleWhileRevalidate is { } w ? $"swr={w}" : "",
            read.StaleIfError is { } e ? $"sie={e}" : ""];
        return string.Join(' ', words.Where(word => word.Length > 0));
    }
}
