using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Tests.Publishing;

public sealed class TokenTableTests
{
    private readonly Book _book = new(new Catalog(1), 1);
    private readonly AccessToken _token = AccessToken.Draw(bytes => bytes.Fill(7));

    [Fact]
    public void A_token_is_read_from_its_row_and_gone_without_it()
    {
        TokenGrant grant = new(_token.Id, _token.Hash, TokenScopes.Publish, "releases/", 5, "the build");
        _book.Apply(new RecordChange(1, [TokenTable.RowOf(grant), TokenTable.BegunRow]));
        Assert.Equal([grant], _book.Tokens.All);
        Assert.True(_book.Tokens.HasBegun);
        _book.Apply(new RecordChange(2, [new RecordRow((byte)BookKind.Token, TokenTable.KeyOf(_token.Id), null)]));
        Assert.Empty(_book.Tokens.All);
        // The first one is not made again.
        Assert.True(_book.Tokens.HasBegun);
    }

    [Theory]
    [InlineData("070707070707", "1 070707070707 scope=publish")]
    [InlineData("070707070708", "1 070707070707 scope=publish sha256=")]
    [InlineData("070707070707", "2 070707070707 scope=publish sha256=")]
    [InlineData("first", "2")]
    public void A_row_that_cannot_be_read_is_named(string key, string value)
    {
        string whole = value.EndsWith('=') ? value + _token.Hash : value;
        Assert.Throws<RecordStoreException>(() => _book.Load((byte)BookKind.Token,
            System.Text.Encoding.UTF8.GetBytes(key), System.Text.Encoding.UTF8.GetBytes(whole)));
    }
}
