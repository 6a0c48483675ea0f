using MicroCdn.Caching;
using MicroCdn.Edge.PullThrough;

namespace MicroCdn.Tests.Edge;

// Knowing that an answer cannot be shared spares others the wait; it is bounded.
public sealed class UncacheableTests
{
    private readonly Uncacheable _keys = new();

    [Fact]
    public void A_key_is_known_until_an_answer_of_it_could_be_stored()
    {
        _keys.Note(Key(1), isUncacheable: true);
        Assert.True(_keys.Has(Key(1)));
        Assert.False(_keys.Has(Key(2)));
        _keys.Note(Key(1), isUncacheable: false);
        Assert.False(_keys.Has(Key(1)));
    }

    [Fact]
    public void A_key_that_changes_its_mind_is_not_forgotten_before_its_turn()
    {
        _keys.Note(Key(0), isUncacheable: true);
        _keys.Note(Key(0), isUncacheable: false);
        for (int n = 1; n < Uncacheable.Most; n++) _keys.Note(Key(n), isUncacheable: true);
        _keys.Note(Key(0), isUncacheable: true);
        _keys.Note(Key(-1), isUncacheable: true);
        Assert.True(_keys.Has(Key(0)));
        Assert.True(_keys.Has(Key(-1)));
        for (int n = -1; n > -Uncacheable.Most; n--) _keys.Note(Key(n), isUncacheable: true);
        Assert.False(_keys.Has(Key(1)));
    }

    private static CacheKey Key(int number) => new($"http://origin.example:80/{number}");
}
