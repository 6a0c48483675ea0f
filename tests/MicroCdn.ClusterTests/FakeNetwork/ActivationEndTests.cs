using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>An activation whose copies cannot be made has an end, and what comes after it need not wait for
/// that.</summary>
public sealed class ActivationEndTests
{
    private static readonly string[] Ids = ["CS1", "CS2", "CS3"];

    private TaskCompletionSource _disks = new();

    [Fact]
    public Task An_activation_for_which_no_copy_comes_is_given_up_and_nothing_is_visible() => RunAsync(async cluster =>
    {
        Task<ReleaseReceipt> activation = Activate(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromMinutes(9));
        Assert.False(activation.IsCompleted);
        Assert.Equal(CdnFailure.NoRoom, (await FailureAsync(cluster, activation, TimeSpan.FromMinutes(2))).Failure);
        Assert.Equal("old", await GetAsync(cluster));
        _disks.SetResult();
        Assert.Equal("r1", (await RollBackAsync(cluster)).Release);
        Assert.Equal("older", await GetAsync(cluster));
    });

    [Fact]
    public Task Throwing_away_what_is_being_activated_ends_it_and_a_rollback_may_follow_at_once() => RunAsync(async cluster =>
    {
        Task<ReleaseReceipt> activation = Activate(cluster);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(CdnFailure.Refused, (await FailureAsync(cluster, RollBackAsync(cluster), TimeSpan.FromSeconds(10))).Failure);
        Assert.False(activation.IsCompleted);
        Task<long> unstaging = Task.Run(() => PublisherOf(cluster).UnstageAsync("r2", CancellationToken.None));
        Assert.Equal(1, await cluster.World.ResultAsync(unstaging, "it is thrown away"));
        _disks.SetResult();
        Assert.Equal("r1", (await RollBackAsync(cluster)).Release);
        Assert.Equal(CdnFailure.NotFound, (await FailureAsync(cluster, activation, TimeSpan.FromSeconds(10))).Failure);
        Assert.Equal("older", await GetAsync(cluster));
    });

    [Fact]
    public Task An_activation_ends_with_whoever_asked_for_it_and_is_told_how_far_it_is() => RunAsync(async cluster =>
    {
        List<(long, long)> told = [];
        using CancellationTokenSource impatience = new();
        Task<ReleaseReceipt> activation = Activate(cluster, (ready, all) => told.Add((ready, all)), impatience.Token);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(10));
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cluster.World.ResultAsync(activation, "it is given up"));
        Assert.Contains((0, 1), told);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(15));
        _disks.SetResult();
        Assert.Equal("r1", (await RollBackAsync(cluster)).Release);
        Assert.Equal("older", await GetAsync(cluster));
        // What is staged is still there.
        Assert.Equal(1, (await cluster.World.ResultAsync(Activate(cluster), "it is activated")).Files);
        Assert.Equal("new", await GetAsync(cluster));
    });

    // One release is active; of the next the copies are not counted, since the disks of all servers hang.
    private Task RunAsync(Func<FakeCluster, Task> body) => FakeCluster.RunAsync(1, async cluster =>
    {
        cluster.Network.FragmentBytes = 64 * 1024;
        cluster.TakesOrders = true;
        MemoryRecordStore rows = new();
        cluster.RecordsOfIndex = () => rows;
        _disks.SetResult();
        cluster.DiskOf = _ => async work =>
        {
            await _disks.Task;
            await Task.Run(work);
        };
        await cluster.StartAsync(Ids);
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(6));
        await PutAsync(cluster, "older", null);
        await PutAsync(cluster, "old", "r1");
        await cluster.World.ResultAsync(
            Task.Run(() => PublisherOf(cluster).ActivateAsync("r1", null, CancellationToken.None)), "r1 is activated");
        await PutAsync(cluster, "new", "r2");
        _disks = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await body(cluster);
    });

    private static Task<ReleaseReceipt> Activate(
        FakeCluster cluster, Action<long, long>? told = null, CancellationToken token = default) =>
        Task.Run(() => PublisherOf(cluster).ActivateAsync("r2", told, token), CancellationToken.None);

    private static Task<ReleaseReceipt> RollBackAsync(FakeCluster cluster) => cluster.World.ResultAsync(
        Task.Run(() => PublisherOf(cluster).RollBackAsync(null, null, CancellationToken.None)), "it is rolled back");

    private static async Task<CdnException> FailureAsync(FakeCluster cluster, Task<ReleaseReceipt> work, TimeSpan within) =>
        await Assert.ThrowsAsync<CdnException>(() => cluster.World.ResultAsync(work, "it is refused", within));

    private static async Task PutAsync(FakeCluster cluster, string text, string? release)
    {
        FileName.TryCreate("a", out FileName name);
        MemoryStream bytes = new(System.Text.Encoding.UTF8.GetBytes(text));
        PutOptions put = new() { Replicas = 2, Release = release };
        await cluster.World.ResultAsync(
            Task.Run(() => PublisherOf(cluster).PutAsync(name, bytes, put, null, CancellationToken.None)), $"{text} is put");
    }

    private static async Task<string> GetAsync(FakeCluster cluster)
    {
        await cluster.DownloadAsync("a", "got");
        return System.Text.Encoding.UTF8.GetString(cluster.World.Folder.Read("got")!);
    }

    private static Publisher PublisherOf(FakeCluster cluster)
    {
        FakeHost machine = cluster.Network.Host("client");
        return new Publisher(new ClientOptions { IndexHost = "index" }, null, machine.Dialer, machine.Time);
    }
}
