using System.Collections.Concurrent;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What a power cut leaves of a cache on a real file system: all that was complete for a second, and nothing
/// that is not what the origin said.</summary>
public sealed class CachePowerCutTests
{
    private const string Keep = "Cache-Control: max-age=600\r\n";

    // More than the floor of free space that a cache leaves to others.
    private const long Megabytes = 1600;
    private const int Cuts = 4, Early = 20;

    [Fact]
    public async Task After_a_power_cut_every_copy_of_a_second_before_is_served_and_none_is_wrong()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root mounts images");
        await using Stage stage = new();
        await using DiskImage disk = await DiskImage.MakeAsync(stage, Megabytes);
        bool isDead = false;
        await using ScriptedOrigin origin = new(call =>
        {
            if (!isDead) return call.AnswerAsync(BodyOf(call.Target), Keep);
            call.Reset();
            return Task.CompletedTask;
        });
        Cache cache = await Cache.StartAsync(stage, origin.Url, "--cache", Path.Combine(disk.Folder, "copies"));
        try
        {
            Random chance = new(1);
            int lost = 0;
            for (int cut = 0; cut < Cuts; cut++)
            {
                string[] early = [.. Enumerable.Range(0, Early).Select(n => $"/{cut}/early/{n}")];
                DateTime began = TimeProvider.System.GetUtcNow().UtcDateTime;
                foreach (string target in early) Assert.Equal(BodyOf(target), (await cache.GetAsync(target)).Body);
                await UntilSyncedAsync(disk.Folder, began);
                ConcurrentQueue<string> late = new();
                using CancellationTokenSource over = new();
                Task filling = Task.WhenAll(Enumerable.Range(0, 4).Select(writer =>
                    FillAsync(cache, $"/{cut}/late/{writer}", late, over.Token)));
                await Stage.PassAsync(TimeSpan.FromMilliseconds(chance.Next(100, 1500)), "the cut comes at any moment");
                // Whoever is stopped writes nothing while the disk is copied: the copy is of one moment.
                cache.Process.Freeze();
                await over.CancelAsync();
                isDead = true;
                await disk.AfterCutAsync(async folder =>
                {
                    Cache after = await Cache.StartAsync(stage, origin.Url, "--cache", Path.Combine(folder, "copies"));
                    foreach (string target in early) Assert.True(await HasAsync(after, target), $"{target} is lost");
                    foreach (string target in late) lost += await HasAsync(after, target) ? 0 : 1;
                    after.Process.Kill();
                    await after.Process.UntilEndAsync();
                });
                isDead = false;
                cache.Process.Thaw();
                await filling;
            }
            Assert.True(lost > 0, "no cut fell into a filling");
        }
        finally
        {
            // Nothing is unmounted that somebody uses.
            cache.Process.Kill();
            await cache.Process.UntilEndAsync();
        }
    }

    // Once a second the cache syncs what is new, and then writes down that it did: on a busy disk that takes its time.
    private static async Task UntilSyncedAsync(string folder, DateTime since)
    {
        FileInfo state = new(Path.Combine(folder, "copies", "state"));
        await Stage.PassAsync(TimeSpan.FromSeconds(1), "what is put away behind the answers is put away");
        await Stage.UntilAsync("the cache has synced", TimeSpan.FromSeconds(60), () =>
        {
            state.Refresh();
            return Task.FromResult(state.LastWriteTimeUtc > since);
        });
        await Stage.PassAsync(TimeSpan.FromSeconds(2), "a sync that had begun before is followed by another");
    }

    private static async Task FillAsync(
        Cache cache, string folder, ConcurrentQueue<string> targets, CancellationToken over)
    {
        for (int n = 0; !over.IsCancellationRequested; n++)
        {
            targets.Enqueue($"{folder}/{n}");
            try
            {
                await cache.GetAsync($"{folder}/{n}");
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException
                && over.IsCancellationRequested)
            {
                // The cache stood still for as long as the disk was copied and looked at, which may be too long for it.
                return;
            }
        }
    }

    private static async Task<bool> HasAsync(Cache cache, string target)
    {
        RawResponse response = await cache.GetAsync(target);
        if (response.Status is 502 or 503 or 504) return false;
        Assert.Equal(BodyOf(target), response.Body);
        return true;
    }

    // One that is kept in memory while it comes, or one that is not.
    private static string BodyOf(string target)
    {
        Random random = new(target.Sum(letter => letter * 31));
        return string.Concat(Enumerable.Repeat($"{target} ", random.Next(2) == 0 ? random.Next(3000) : 30_000));
    }
}
