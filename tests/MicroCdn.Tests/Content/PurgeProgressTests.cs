using MicroCdn.Content;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

public sealed class PurgeProgressTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly PurgeProgress _progress = new();
    private readonly Dictionary<PurgeProgress, PurgeTrack> _tracks = [];

    [Fact]
    public void What_is_being_applied_is_demanded_of_others_and_not_yet_told_to_them()
    {
        Assert.Empty(_progress.Demands);
        Applied(7, 3);
        TrackOf(_progress).Begin(7, 4);
        Assert.Equal([new PurgeDemand(7, 4, 0)], _progress.Demands);
        Assert.True(_progress.IsBehind([new PurgeDemand(7, 4, 0)]));
        TrackOf(_progress).Reach(7, 4);
        Assert.False(_progress.IsBehind([new PurgeDemand(7, 4, 0)]));
    }

    [Theory]
    [InlineData(7, 2, false)]
    [InlineData(7, 3, false)]
    [InlineData(7, 4, true)]
    [InlineData(8, 9, false)]
    public void Numbers_of_one_log_are_compared(ulong epoch, long number, bool isBehind)
    {
        Applied(7, 3);
        Assert.Equal(isBehind, _progress.IsBehind([new PurgeDemand(epoch, number, 0)]));
    }

    [Fact]
    public void Whoever_follows_a_log_that_is_over_is_behind()
    {
        Applied(7, 3);
        PurgeProgress other = new();
        TrackOf(other).Begin(7, 3);
        TrackOf(other).Begin(8, 1);
        TrackOf(other).Begin(8, 2);
        Assert.True(_progress.IsBehind(other.Demands));
        Applied(8, 2);
        Assert.False(_progress.IsBehind(other.Demands));
    }

    [Fact]
    public void Who_follows_no_index_is_never_behind_and_who_has_not_reached_his_always()
    {
        Assert.False(_progress.IsBehind([new PurgeDemand(7, 1, 0)]));
        Applied(0, 0);
        Assert.Empty(_progress.Demands);
        Assert.True(_progress.IsBehind([new PurgeDemand(7, 1, 0)]));
    }

    [Fact]
    public async Task Who_is_behind_is_waited_for_but_not_for_long()
    {
        Applied(7, 3);
        Task<bool> four = _progress.IsInStepAsync([new PurgeDemand(7, 4, 0)], _time);
        Task<bool> five = _progress.IsInStepAsync([new PurgeDemand(7, 5, 0)], _time);
        Applied(7, 4);
        Assert.True(await four.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.False(five.IsCompleted);
        _time.Advance(PurgeProgress.Patience);
        Assert.False(await five.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Each_log_of_several_indexes_is_compared_with_itself()
    {
        PurgeTrack first = _progress.Follow(0, 0), second = _progress.Follow(9, 5);
        // The first index may have purged anything, as far as is known here.
        Assert.True(_progress.IsBehind([new PurgeDemand(7, 1, 0)]));
        Assert.False(_progress.IsBehind([new PurgeDemand(9, 5, 0)]));
        first.Begin(7, 3);
        first.Reach(7, 3);
        Assert.Equal([new PurgeDemand(7, 3, 0), new PurgeDemand(9, 5, 0)], _progress.Demands);
        Assert.False(_progress.IsBehind([new PurgeDemand(7, 3, 0), new PurgeDemand(9, 5, 0)]));
        Assert.True(_progress.IsBehind([new PurgeDemand(7, 3, 0), new PurgeDemand(9, 6, 0)]));
        // Another server may know an index that this one does not.
        Assert.False(_progress.IsBehind([new PurgeDemand(11, 1, 0)]));
        second.Begin(10, 1);
        Assert.Contains(new PurgeDemand(10, 1, 9), _progress.Demands);
    }

    private PurgeTrack TrackOf(PurgeProgress progress) =>
        _tracks.TryGetValue(progress, out PurgeTrack? track) ? track : _tracks[progress] = progress.Follow(0, 0);

    private void Applied(ulong epoch, long number)
    {
        TrackOf(_progress).Begin(epoch, number);
        TrackOf(_progress).Reach(epoch, number);
    }
}
