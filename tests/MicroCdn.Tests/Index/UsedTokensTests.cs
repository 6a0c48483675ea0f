using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Testing;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

public sealed class UsedTokensTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _draws;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_token_is_taken_once_also_over_a_restart()
    {
        JoinToken first = Issue(1000), second = Issue(1000);
        UsedTokens used = new(_folder.Path);
        Assert.True(used.TryTake(first, 500));
        Assert.False(used.TryTake(first, 500));
        UsedTokens after = new(_folder.Path);
        Assert.False(after.TryTake(first, 500));
        Assert.True(after.TryTake(second, 500));
        Assert.False(new UsedTokens(_folder.Path).TryTake(second, 500));
    }

    // The default folder of all indexes of a machine is the same.
    [Fact]
    public void Two_indexes_that_share_a_folder_take_a_token_once_between_them()
    {
        UsedTokens one = new(_folder.Path), other = new(_folder.Path);
        JoinToken[] tokens = [Issue(1000), Issue(1000), Issue(1000)];
        Assert.True(one.TryTake(tokens[0], 500));
        Assert.True(other.TryTake(tokens[1], 500));
        Assert.False(one.TryTake(tokens[1], 500));
        Assert.True(one.TryTake(tokens[2], 500));
        UsedTokens after = new(_folder.Path);
        Assert.All(tokens, token => Assert.False(after.TryTake(token, 500)));
    }

    [Fact]
    public void What_has_ended_is_forgotten()
    {
        UsedTokens used = new(_folder.Path);
        for (int n = 0; n < 5; n++) Assert.True(used.TryTake(Issue(1000), 500));
        Assert.True(used.TryTake(Issue(2000), 1500));
        Assert.Single(File.ReadAllLines(Path.Combine(_folder.Path, "used-tokens")));
    }

    [Fact]
    public void A_token_that_cannot_be_remembered_is_not_taken()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "file"), "");
        UsedTokens used = new(Path.Combine(_folder.Path, "file"));
        JoinToken token = Issue(1000);
        Assert.ThrowsAny<IOException>(() => used.TryTake(token, 500));
        Assert.False(used.TryTake(token, 500));
    }

    [Fact]
    public void There_is_a_bound_to_what_is_remembered()
    {
        UsedTokens used = new(null);
        for (int n = 0; n < UsedTokens.Most; n++) used.TryTake(Issue(1000), 500);
        Assert.Throws<IOException>(() => used.TryTake(Issue(1000), 500));
        Assert.True(used.TryTake(Issue(3000), 2000));
    }

    private JoinToken Issue(long expires)
    {
        ServerId.TryCreate("CS1", out ServerId id);
        int draw = ++_draws;
        return JoinToken.Issue(TestKeys.Usual, PeerRole.Content, id, expires,
            bytes => BitConverter.TryWriteBytes(bytes, (long)draw));
    }
}
