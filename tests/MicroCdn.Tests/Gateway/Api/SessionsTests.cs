using MicroCdn.Gateway.Api;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Gateway.Api;

public sealed class SessionsTests : IDisposable
{
    private readonly ApiWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void A_session_outlives_the_index_and_ends_with_its_time()
    {
        string cookie = Begin();
        Sessions later = new(new byte[32], _world.Tokens, 8081, _world.Time);
        Assert.Equal(_world.Everything.Id, later.Find(cookie)!.Grant.Id);
        Assert.Equal(_world.Sessions.Find(cookie)!.Csrf, later.Find(cookie)!.Csrf);
        _world.Time.Advance(Sessions.Length + TimeSpan.FromSeconds(1));
        Assert.Null(later.Find(cookie));
    }

    [Fact]
    public void A_cookie_of_which_any_letter_is_another_is_none()
    {
        string cookie = Begin();
        for (int at = 0; at < cookie.Length; at++)
        {
            char other = cookie[at] == '1' ? '2' : '1';
            string altered = $"{cookie[..at]}{other}{cookie[(at + 1)..]}";
            // The last letter of base64url holds bits that are none of the mac's.
            if (at == cookie.Length - 1) continue;
            Assert.Null(_world.Sessions.Find(altered));
            Assert.Null(_world.Sessions.Find(cookie[..at]));
        }
    }

    [Fact]
    public void A_session_ends_with_its_token()
    {
        AccessToken token = _world.Add(5, TokenScopes.Read);
        string cookie = _world.Sessions.Begin(_world.Tokens.Find(token.Id)!);
        _world.Remove(token);
        Assert.Null(_world.Sessions.Find(cookie));
    }

    [Fact]
    public void Another_index_takes_no_cookie_of_this_one()
    {
        byte[] key = new byte[32];
        key[0] = 1;
        Assert.Null(new Sessions(key, _world.Tokens, 8081, _world.Time).Find(Begin()));
    }

    [Theory]
    [InlineData("microcdn_8081=x", "x")]
    [InlineData("a=b; microcdn_8081=x; c=d", "x")]
    [InlineData("microcdn_8082=x", null)]
    [InlineData("xmicrocdn_8081=x", null)]
    [InlineData("microcdn_8081", null)]
    [InlineData("", null)]
    public void Of_several_cookies_ours_is_found(string field, string? value) =>
        Assert.Equal(value, _world.Sessions.ValueIn(System.Text.Encoding.ASCII.GetBytes(field)));

    private string Begin() => _world.Sessions.Begin(_world.Tokens.Find(_world.Everything.Id)!);
}
