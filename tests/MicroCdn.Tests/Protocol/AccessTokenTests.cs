using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

public sealed class AccessTokenTests
{
    private static readonly AccessToken Token = AccessToken.Draw(bytes => bytes.Fill(7));

    [Fact]
    public void A_token_that_is_shown_is_the_one_that_was_made()
    {
        AccessToken read = AccessToken.Read(Token.Reveal().Utf8())!;
        Assert.Equal((Token.Id, Token.Hash), (read.Id, read.Hash));
        Assert.Equal(AccessToken.TextBytes, Token.Reveal().Length);
        Assert.DoesNotContain(Token.Reveal()[22..], $"{Token}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("microcdn_")]
    [InlineData("microcdn_070707070707_")]
    [InlineData("microcdn_07070707070G_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc")]
    [InlineData("microcdn_070707070707_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB!c")]
    [InlineData("microcdn_070707070707_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH")]
    public void Anything_else_is_none(string text) => Assert.Null(AccessToken.Read(text.Utf8()));

    [Fact]
    public void A_grant_travels_as_words_and_fits_its_own_secret_alone()
    {
        TokenGrant grant = new(Token.Id, Token.Hash, TokenScopes.Publish | TokenScopes.Read, "re leases/", 5, "a note");
        Assert.Equal(grant, TokenGrant.Read(new Words(grant.ToWords().Utf8())));
        Assert.True(grant.Fits(Token.Hash));
        Assert.False(grant.Fits(AccessToken.Draw(bytes => bytes.Fill(8)).Hash));
        Assert.False((grant with { Hash = FileDigest.None }).Fits(FileDigest.None));
    }

    [Fact]
    public void A_grant_is_for_its_scopes_and_its_prefix()
    {
        TokenGrant grant = new(Token.Id, Token.Hash, TokenScopes.Publish, "releases/", 5, "");
        Assert.True(grant.Allows(TokenScopes.Publish, "releases/a"u8));
        Assert.True(grant.Allows(TokenScopes.Publish | TokenScopes.Read, "releases/a"u8));
        Assert.False(grant.Allows(TokenScopes.Read, "releases/a"u8));
        Assert.False(grant.Allows(TokenScopes.Publish, "release"u8));
        Assert.True((grant with { Scopes = TokenScopes.Admin }).Allows(TokenScopes.Publish, "releases/a"u8));
    }

    [Theory]
    [InlineData("070707070707")]
    [InlineData("070707070707 scope=all")]
    [InlineData("070707070707 scope=read,")]
    [InlineData("07070707070 scope=read")]
    [InlineData("070707070707 scope=read prefix=../x")]
    [InlineData("070707070707 scope=read sha256=00")]
    [InlineData("070707070707 scope=read more")]
    public void Words_that_are_no_grant_are_refused(string words) =>
        Assert.Null(TokenGrant.Read(new Words(words.Utf8())));
}
