using CsCheck;
using MicroCdn.Caching;
using static MicroCdn.Tests.Caching.CacheWords;

namespace MicroCdn.Tests.Caching;

// RFC 9111, section 4.1; RFC 9110, sections 12.5.3 to 12.5.5.
public sealed class VaryTests
{
    [Theory]
    [InlineData("Vary: *")]
    [InlineData("Vary: *, *")]
    [InlineData("Vary: , *")]
    [InlineData("Vary: *, Foo")]
    [InlineData("Vary: Foo, *")]
    [InlineData("Vary: Foo | Vary: *")]
    [InlineData("Vary: | Vary: *")]
    [InlineData("Vary: Foo Bar")]
    [InlineData("Vary: \"Foo\"")]
    public void A_star_anywhere_or_what_is_no_name_makes_every_request_another(string lines) =>
        Assert.True(Vary.Read(Fields(lines)).IsNever);

    [Fact]
    public void More_names_than_anybody_needs_make_every_request_another()
    {
        string names = string.Join(',', Enumerable.Range(0, Vary.MostNames).Select(i => $"x{i}"));
        Assert.False(Vary.Read(Fields($"Vary: {names}, X0")).IsNever);
        Assert.True(Vary.Read(Fields($"Vary: {names}, y")).IsNever);
    }

    [Theory]
    [InlineData("Foo", "Foo: 1", "Foo: 1", true)]
    [InlineData("Foo", "Foo: 1", "foo: 1", true)]
    [InlineData("Foo", "Foo: 1", "Foo: 2", false)]
    [InlineData("Foo", "", "Foo: 1", false)]
    [InlineData("Foo", "Foo: 1", "", false)]
    [InlineData("Foo", "", "", true)]
    [InlineData("Foo", "", "Foo:", false)]
    [InlineData("Foo", "Foo:", "Foo: ,", true)]
    [InlineData("Foo", "Foo: 1 | Bar: 2", "Foo: 1 | Bar: 3", true)]
    [InlineData("Foo, Bar", "Foo: 1 | Bar: abc", "Bar: abc | Foo: 1", true)]
    [InlineData("Foo, Bar", "Foo: 1 | Bar: abc", "Foo: 2 | Bar: abc", false)]
    [InlineData("Foo, Bar", "Foo: 1", "", false)]
    [InlineData("Foo, Bar, Baz", "Foo: 1 | Baz: 789", "Foo: 1 | Baz: 789", true)]
    [InlineData("Foo", "Foo: 1, 2", "Foo: 1 | Foo: 2", true)]
    [InlineData("Foo", "Foo: 1,2", "Foo:  1 , 2 ", true)]
    [InlineData("Foo", "Foo: a  b", "Foo: a b", false)]
    [InlineData("Foo", "Foo: \"1,2\"", "Foo: \"1, 2\"", false)]
    [InlineData("Foo", "Foo: A", "Foo: a", false)]
    [InlineData("Accept-Language", "Accept-Language: en, de", "Accept-Language: De ,eN", true)]
    [InlineData("Accept-Language", "Accept-Language: en;q=0.5, de", "Accept-Language: de, en; q=0.50", true)]
    [InlineData("Accept-Language", "Accept-Language: en;q=0.5, de", "Accept-Language: en, de;q=0.5", false)]
    [InlineData("Accept-Encoding", "Accept-Encoding: gzip, deflate, br", "Accept-Encoding: br;q=0.9,GZIP", true)]
    [InlineData("Accept-Encoding", "Accept-Encoding: gzip", "Accept-Encoding: gzip, br", false)]
    [InlineData("Accept-Encoding", "Accept-Encoding: gzip", "", false)]
    [InlineData("Accept-Encoding", "Accept-Encoding: deflate", "Accept-Encoding:", true)]
    public void A_copy_is_selected_by_every_field_that_vary_names(string vary, string stored, string asked,
        bool matches)
    {
        CopyRules copy = Copy($"Vary: {vary}", request: stored);
        Assert.Equal(matches, Vary.Matches(copy.Head.Selecting, Fields(asked)));
        Assert.Equal(matches, Vary.Matches(StoredHead.Read(copy.Head.Write()).Selecting, Fields(asked)));
    }

    [Theory]
    [InlineData("gzip, deflate, br, zstd", "gzip, br, zstd")]
    [InlineData("x-gzip", "gzip")]
    [InlineData("*", "gzip, br, zstd")]
    [InlineData("gzip, *;q=0", "gzip, identity;q=0")]
    [InlineData("gzip;q=0, *", "br, zstd")]
    [InlineData("identity;q=0, br", "br, identity;q=0")]
    [InlineData("gzip;q=2", "identity")]
    [InlineData("", "identity")]
    public void Codings_become_the_set_that_makes_a_difference(string field, string form)
    {
        Assert.Equal(form, Text(NormalForm.Encoding(Bytes(field))));
        Assert.Equal(form, Text(NormalForm.Encoding(Bytes(form))));
    }

    [Fact]
    public void A_normal_form_is_its_own_normal_form() => Gen.Int[0, 2].Select(Gen.Int[0, 10].Array[0, 8])
        .Sample((which, places) =>
        {
            string name = new[] { "Foo", "Accept-Language", "Accept-Encoding" }[which];
            string[] words = ["a", "b;q=0.5", "\"x, y\"", " ", ",", ", ", "c d", "gzip", "*", ";", "\""];
            IEnumerable<string> parts = places.Select(place => words[place]);
            string form = Text(NormalForm.Of(Bytes(name), Fields($"{name}: {string.Concat(parts)}")));
            Assert.Equal(form, Text(NormalForm.Of(Bytes(name), Fields($"{name}: {form}"))));
        });

    [Fact]
    public void Of_several_copies_that_match_the_latest_answers() // 4
    {
        CopyRules old = Copy("Cache-Control: max-age=600 | Date: @-50");
        CopyRules late = Copy("Cache-Control: max-age=600 | Date: @0");
        CopyRules other = Copy("Cache-Control: max-age=600 | Date: @50 | Vary: Foo", request: "Foo: 1");
        Assert.Same(late, Vary.Choose([old, other, late], Fields("")));
        Assert.Same(other, Vary.Choose([old, other, late], Fields("Foo: 1")));
        Reuse miss = Reuse.Decide(Request("GET", ""), Fields("Foo: 2"), [other], T);
        Assert.Equal(new Reuse(Outcome.VaryMiss, null), miss);
    }

    [Theory]
    [InlineData("en, de", "de", "fr;q=0.5, de;q=1.0", true)]
    [InlineData("en, de", "De", "dE", true)]
    [InlineData("de", "de", "de;q=0.2, *;q=0.1", true)]
    [InlineData("de", "de", "de, DE, en;q=0.9", true)]
    [InlineData("de, en", "de", "en, de, de", false)] // it prefers none
    [InlineData("de, en", "de", "de, *", false)]
    [InlineData("de, en", "de", "fr", false)]
    [InlineData("de, en", "de", "de;q=0", false)]
    [InlineData("de, en", "de", "*", false)]
    [InlineData("de, en", "de", "de, e n", false)]
    [InlineData("de, en", "de-CH", "de", false)] // another language
    [InlineData("de, en", "de, en", "de", false)] // more than one
    [InlineData("de, en", "", "de", false)]
    [InlineData("fr, de;q=0.5", "de", "de", false)] // perhaps a label that all pages have
    [InlineData("fr", "de", "de", false)]
    [InlineData("*", "de", "de", false)]
    [InlineData("", "de", "de", false)]
    public void A_fresh_copy_in_the_one_language_that_is_preferred_answers(string stored, string language, string asked,
        bool answers) // 4.1
    {
        CopyRules copy = Copy($"Cache-Control: max-age=60 | Vary: Accept-Language | Content-Language: {language}",
            request: stored.Length == 0 ? "" : $"Accept-Language: {stored}");
        foreach (CachePolicy policy in (CachePolicy[])[CachePolicy.Site, CachePolicy.Conformant])
        {
            string fields = $"Accept-Language: {asked}";
            Reuse reuse = Reuse.Decide(Request("GET", fields, policy), Fields(fields), [copy], T);
            Assert.Equal(answers ? new Reuse(Outcome.Hit, copy) : new Reuse(Outcome.VaryMiss, null), reuse);
        }
    }

    [Fact]
    public void A_language_answers_only_where_all_else_matches_and_nothing_has_to_be_asked()
    {
        const string Both = "Vary: Accept-Language, Foo | Content-Language: de | Date: @0 | ";
        CopyRules copy = Copy(Both + "Cache-Control: max-age=60", request: "Accept-Language: de, en | Foo: 1");
        CopyRules later = Copy(Both + "Cache-Control: max-age=60", request: "Accept-Language: de, fr | Foo: 1");
        CopyRules always = Copy(Both + "Cache-Control: no-cache", request: "Accept-Language: de, en | Foo: 1");
        CopyRules absent = Copy(Both + "Cache-Control: max-age=60", request: "Accept-Language: de, en | Foo: 1",
            status: 404);
        Assert.Same(copy, Decide("Foo: 1", T, copy).Copy);
        Assert.Equal(Outcome.VaryMiss, Decide("Foo: 2", T, copy).Outcome);
        Assert.Equal(Outcome.VaryMiss, Decide("Foo: 1", T + 60, copy).Outcome);
        Assert.Equal(Outcome.VaryMiss, Decide("Foo: 1", T, always).Outcome);
        Assert.Equal(Outcome.VaryMiss, Decide("Foo: 1", T, absent).Outcome);
        CopyRules own = Copy(Both + "Cache-Control: max-age=60 | Date: @-9", request: "Accept-Language: de | Foo: 1");
        Assert.Same(own, Decide("Foo: 1", T, copy, own, later).Copy);
        Assert.NotNull(Decide("Foo: 1", T, copy, later).Copy);

        static Reuse Decide(string foo, long now, params CopyRules[] copies)
        {
            string fields = $"Accept-Language: de | {foo}";
            return Reuse.Decide(Request("GET", fields), Fields(fields), copies, now);
        }
    }
}
