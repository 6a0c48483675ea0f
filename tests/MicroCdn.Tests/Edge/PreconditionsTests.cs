using CsCheck;
using MicroCdn.Edge;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

// RFC 9110, section 13. The representation has the tag "abc" and was last modified at 08:49:37 on 6 November 1994.
public sealed class PreconditionsTests
{
    private const long Modified = 784_111_777;
    private const long Now = 1_790_000_000;
    private const string Before = "Sun, 06 Nov 1994 08:49:36 GMT";
    private const string Same = "Sun, 06 Nov 1994 08:49:37 GMT";
    private const string After = "Sun, 06 Nov 1994 08:49:38 GMT";

    // 13.1.1: true for "*" when a representation exists, and for a tag that matches by strong comparison.
    [Theory]
    [InlineData("\"abc\"", true)]
    [InlineData("*", true)]
    [InlineData(" * ", true)]
    [InlineData("\"x\", \"abc\"", true)]
    [InlineData("\"x\",\"abc\",\"y\"", true)]
    [InlineData(",, \"x\" ,\t, \"abc\" ,", true)]
    [InlineData("W/\"x\", \"abc\"", true)]
    [InlineData("\"a,b\",\"abc\"", true)]
    [InlineData("W/\"abc\"", false)]
    [InlineData("\"abd\"", false)]
    [InlineData("\"ABC\"", false)]
    [InlineData("\"\"", false)]
    [InlineData("\"x,\"abc\"", false)]
    [InlineData("\"x, \\\"abc\\\", y\"", false)]
    [InlineData("abc", false)]
    [InlineData("\"abc", false)]
    [InlineData("abc\"", false)]
    [InlineData("\"abc\" \"x\"", false)]
    [InlineData("\"abc\", x", false)]
    [InlineData("\"abc\";q=1", false)]
    [InlineData("*, \"abc\"", false)]
    [InlineData("\"abc\", *", false)]
    [InlineData("**", false)]
    [InlineData(",", false)]
    [InlineData(" ", false)]
    public void If_Match_wants_one_of_its_tags(string field, bool matches) => Assert.Equal(
        matches ? PreconditionResult.Proceed : PreconditionResult.Failed, Evaluate(ifMatch: field));

    // 13.1.2: weak comparison; 304 for GET and HEAD. What is malformed matches nothing.
    [Theory]
    [InlineData("\"abc\"", true)]
    [InlineData("W/\"abc\"", true)]
    [InlineData("*", true)]
    [InlineData("\"x\", W/\"abc\"", true)]
    [InlineData("W/\"a,b\",\"abc\"", true)]
    [InlineData("\"é\", \"abc\"", true)]
    [InlineData("w/\"abc\"", false)]
    [InlineData("W/ \"abc\"", false)]
    [InlineData("W\"abc\"", false)]
    [InlineData("W/", false)]
    [InlineData("W/*", false)]
    [InlineData("W/W/\"abc\"", false)]
    [InlineData("\"abd\"", false)]
    [InlineData("\" abc\"", false)]
    [InlineData("\"abc\" x", false)]
    [InlineData("\"abc\", \"un closed", false)]
    [InlineData("\"abc\", \"two words\"", false)]
    [InlineData("\"abc\"\0", false)]
    [InlineData("\"abc\u007f\"", false)]
    [InlineData("'abc'", false)]
    public void If_None_Match_spares_a_client_what_it_has(string field, bool matches) => Assert.Equal(
        matches ? PreconditionResult.NotModified : PreconditionResult.Proceed, Evaluate(ifNoneMatch: field));

    // 13.1.3: false, which is 304, when the last modification is earlier than or equal to the date.
    [Theory]
    [InlineData(Before, false)]
    [InlineData(Same, true)]
    [InlineData(After, true)]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", true)]
    [InlineData("Sun Nov  6 08:49:37 1994", true)]
    [InlineData("yesterday", false)]
    [InlineData("Mon, 06 Nov 1994 08:49:37 GMT", false)]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", false)]
    public void If_Modified_Since_spares_a_client_what_has_not_changed(string field, bool spared) => Assert.Equal(
        spared ? PreconditionResult.NotModified : PreconditionResult.Proceed, Evaluate(ifModifiedSince: field));

    // 13.1.4: true when the last modification is earlier than or equal to the date; ignored when it is no date.
    [Theory]
    [InlineData(Before, false)]
    [InlineData(Same, true)]
    [InlineData(After, true)]
    [InlineData("yesterday", true)]
    public void If_Unmodified_Since_wants_what_has_not_changed(string field, bool holds) => Assert.Equal(
        holds ? PreconditionResult.Proceed : PreconditionResult.Failed, Evaluate(ifUnmodifiedSince: field));

    // 13.2.2, steps 1 to 4.
    [Theory]
    [InlineData("\"abc\"", Before, "", "", PreconditionResult.Proceed)]
    [InlineData("\"x\"", After, "", "", PreconditionResult.Failed)]
    [InlineData("\"abc\"", "", "\"abc\"", "", PreconditionResult.NotModified)]
    [InlineData("\"x\"", "", "\"abc\"", "", PreconditionResult.Failed)]
    [InlineData("\"x\"", "", "\"y\"", "", PreconditionResult.Failed)]
    [InlineData("", Before, "\"abc\"", "", PreconditionResult.Failed)]
    [InlineData("", After, "\"abc\"", "", PreconditionResult.NotModified)]
    [InlineData("", "", "\"x\"", After, PreconditionResult.Proceed)]
    [InlineData("", "", "bad", After, PreconditionResult.Proceed)]
    [InlineData("", "", "\"abc\"", Before, PreconditionResult.NotModified)]
    [InlineData("", Before, "", After, PreconditionResult.Failed)]
    [InlineData("", After, "", After, PreconditionResult.NotModified)]
    [InlineData("\"abc\"", "", "", Same, PreconditionResult.NotModified)]
    [InlineData("", "", "", "", PreconditionResult.Proceed)]
    public void Tags_come_before_dates_and_refusing_before_sparing(
        string ifMatch, string ifUnmodifiedSince, string ifNoneMatch, string ifModifiedSince, object result) =>
        Assert.Equal(result, Evaluate(ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince));

    [Theory]
    [InlineData("\"\"", "", PreconditionResult.Failed)]
    [InlineData("\"abc\"", "", PreconditionResult.Failed)]
    [InlineData("*", "", PreconditionResult.Proceed)]
    [InlineData("", "\"abc\"", PreconditionResult.Proceed)]
    [InlineData("", "\"\"", PreconditionResult.Proceed)]
    [InlineData("", "*", PreconditionResult.NotModified)]
    public void A_tag_that_is_not_known_yet_matches_no_tag(string ifMatch, string ifNoneMatch, object result) =>
        Assert.Equal(result, Evaluate(ifMatch, ifNoneMatch, tag: ""));

    // 13.1.5: a tag by strong comparison, a date by exact match.
    [Theory]
    [InlineData("", true)]
    [InlineData("\"abc\"", true)]
    [InlineData(" \"abc\" ", true)]
    [InlineData("W/\"abc\"", false)]
    [InlineData("\"x\"", false)]
    [InlineData("\"abc\", \"x\"", false)]
    [InlineData("\"abc\",", false)]
    [InlineData("*", false)]
    [InlineData("abc", false)]
    [InlineData(Before, false)]
    [InlineData(Same, true)]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", true)]
    [InlineData(After, false)]
    [InlineData("yesterday", false)]
    public void If_Range_lets_a_range_through_only_for_the_very_same_bytes(string field, bool allowed) =>
        Assert.Equal(allowed, AllowRange(field, "\"abc\"", Now));

    // 8.8.2.2: within that second the file may have changed twice.
    [Theory]
    [InlineData(Modified - 1, false)]
    [InlineData(Modified, false)]
    [InlineData(Modified + 1, false)]
    [InlineData(Modified + 2, true)]
    public void A_date_is_strong_once_its_second_is_over(long now, bool allowed)
    {
        Assert.Equal(allowed, AllowRange(Same, "\"abc\"", now));
        Assert.True(AllowRange("\"abc\"", "\"abc\"", now));
    }

    [Theory]
    [InlineData("\"abc\"")]
    [InlineData("\"\"")]
    [InlineData("*")]
    public void If_Range_with_a_tag_needs_a_known_one(string field) => Assert.False(AllowRange(field, "", Now));

    [Fact]
    public void Any_list_of_well_formed_tags_is_read()
    {
        Gen<string> tag = Gen.Select(Gen.Bool, Gen.Char["!#,abcW/*\u00ff"].Array[0, 4]).Select((weak, letters) =>
            $"{(weak ? "W/" : "")}\"{string.Concat(letters)}\"");
        Gen.Select(tag.Array[1, 6], Gen.Int[0, 5], Gen.OneOf(",", ", ", " ,\t", ",,")).Sample((tags, index, comma) =>
        {
            string own = tags[index % tags.Length];
            if (own[0] == 'W') own = own[2..];
            string list = string.Join(comma, tags);
            return Evaluate(ifNoneMatch: list, tag: own) == PreconditionResult.NotModified
                && Evaluate(ifMatch: list, tag: own) == PreconditionResult.Proceed == tags.Contains(own);
        }, iter: 10_000);
    }

    [Fact]
    public void Cut_at_any_byte_or_made_of_any_characters_it_never_throws()
    {
        const string List = "\"a,b\" , W/\"abc\",\t\"x\"";
        for (int at = 0; at <= List.Length; at++) Evaluate(ifMatch: List[..at], ifNoneMatch: List[at..]);
        Gen.OneOf("\"", "W/", ",", " ", "*", "abc", "\0", "é", "\\").Array[0, 20].Select(string.Concat).Sample(field =>
        {
            Evaluate(field, field, field, field);
            AllowRange(field, "\"abc\"", Now);
        }, iter: 20_000);
    }

    private static PreconditionResult Evaluate(string ifMatch = "", string ifNoneMatch = "",
        string ifModifiedSince = "", string ifUnmodifiedSince = "", string tag = "\"abc\"") => new Preconditions
        {
            IfMatch = ifMatch.Utf8(),
            IfNoneMatch = ifNoneMatch.Utf8(),
            IfModifiedSince = ifModifiedSince.Utf8(),
            IfUnmodifiedSince = ifUnmodifiedSince.Utf8(),
        }.Evaluate(tag.Utf8(), Modified, Now);

    private static bool AllowRange(string field, string tag, long now) =>
        new Preconditions { IfRange = field.Utf8() }.AllowRange(tag.Utf8(), Modified, now);
}
