using System.Diagnostics;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The disk below a cache fills up, fails, slows down, is cut off or is somebody else's: nobody is refused
/// for it, and nothing wrong is served.</summary>
[Trait("Needs", "strace"), Collection(AloneCollection.Name)]
public sealed class CacheDiskTests : IAsyncLifetime
{
    private const string Keep = "Cache-Control: max-age=600\r\n";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_copy_is_found_while_it_is_being_written_down()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(BodyOf(call.Target), Keep));
        Cache cache = await StartAsync(origin.Url, "inject=rename:delay_enter=6s");
        foreach (string target in (string[])["/small", "/large"])
        {
            Assert.Equal(BodyOf(target), (await cache.GetAsync(target)).Body);
            // Before its name is there.
            await Stage.UntilAsync("it is found", TimeSpan.FromSeconds(4), async () =>
                (await cache.GetAsync(target, "Range: bytes=-1\r\n")).Field("Cache-Status")!
                    .Contains("; hit", StringComparison.Ordinal));
            RawResponse end = await cache.GetAsync(target, "Range: bytes=-5\r\n");
            Assert.Equal(BodyOf(target)[^5..], end.Body);
            Assert.InRange(origin.CountOf(target), 1, 2);
        }
    }

    [Fact]
    public async Task A_slow_disk_delays_no_other_key()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(BodyOf(call.Target), Keep));
        Cache cache = await StartAsync(origin.Url, "inject=pwrite64,rename:delay_enter=8s:when=5+");
        Task<RawResponse>[] slow = [.. Enumerable.Range(0, 30).Select(n => cache.GetAsync($"/{n}/large"))];
        await Stage.PassAsync(TimeSpan.FromSeconds(3), "the disk is noticed");
        Stopwatch watch = Stopwatch.StartNew();
        for (int n = 0; n < 20; n++)
        {
            Assert.Equal(BodyOf("/small"), (await cache.GetAsync($"/{n}/small")).Body);
            Assert.Equal(BodyOf("/large"), (await cache.GetAsync($"/{n}/other/large")).Body);
        }
        // One after another would wait for 8 s each.
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(6));
        foreach (RawResponse response in await Task.WhenAll(slow)) Assert.Equal(BodyOf("/large"), response.Body);
    }

    [Theory]
    [InlineData("ENOSPC")]
    [InlineData("EIO")]
    public async Task A_disk_that_refuses_everything_is_a_cache_in_memory(string error)
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(BodyOf(call.Target), Keep));
        Cache cache = await StartAsync(origin.Url, $"inject=pwrite64,rename,syncfs,ftruncate:error={error}");
        foreach (string target in (string[])["/small", "/large", "/small", "/large"])
        {
            RawResponse response = await cache.GetAsync(target);
            Assert.Equal((200, BodyOf(target)), (response.Status, response.Body));
        }
        await Stage.UntilAsync("it is a hit", Patience, async () => (await cache.GetAsync("/small"))
            .Field("Cache-Status")!.Contains("; hit", StringComparison.Ordinal));
        Assert.DoesNotContain("Unhandled", cache.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_passes_everything_through_and_is_used_again_when_there_is_room()
    {
        Assert.SkipUnless(await MayMountAsync(), "this user may not mount a file system of its own");
        await using ScriptedOrigin origin = new(call => call.AnswerAsync(BodyOf(call.Target), Keep));
        string folder = _stage.MakeFolder("small"), log = Path.Combine(_stage.Folder, "room");
        await File.WriteAllTextAsync(log, "");
        // Few files fit; a word in the log makes room.
        const string Script = "mount -t tmpfs -o size=2g,nr_inodes=60 cache \"$1\" && shift && log=$1 && shift"
            + " && { (until grep -q room \"$log\"; do sleep 0.1; done;"
            + " mount -o remount,nr_inodes=5000 cache \"$0\"; echo made >>\"$log\") & } && exec \"$@\"";
        int port = Stage.FreePort();
        RunningProcess process = _stage.Run("unshare", "-rm", "sh", "-c", Script, folder, folder, log,
            Stage.MicroCdnProgram, "content", "--origin", origin.Url, "--http-port", $"{port}",
            "--bind", "127.0.0.1", "--cache", folder);
        Cache cache = await Cache.OfAsync(process, port);
        string seen = $"/proc/{process.Id}/root{folder}";
        for (int n = 0; n < 100; n++)
        {
            string target = n % 10 == 9 ? $"/{n}/large" : $"/{n}/small";
            Assert.Equal(BodyOf(target), (await cache.GetAsync(target)).Body);
        }
        int before = CopiesIn(seen);
        Assert.InRange(before, 5, 50);
        await File.WriteAllTextAsync(log, "room\n");
        await Stage.UntilAsync("there is room", Patience, async () =>
            (await File.ReadAllTextAsync(log)).Contains("made", StringComparison.Ordinal));
        int more = 0;
        await Stage.UntilAsync("it writes again", Patience, async () =>
        {
            string target = $"/again/{more++}/small";
            Assert.Equal(BodyOf(target), (await cache.GetAsync(target)).Body);
            return CopiesIn(seen) > before + 3;
        });
    }

    [Fact]
    public async Task A_second_process_on_the_same_folder_says_so_and_ends()
    {
        await using ScriptedOrigin origin = new(call => call.AnswerAsync("", Keep));
        string folder = _stage.MakeFolder("copies");
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder);
        RunningProcess second = _stage.MicroCdn("content", "--origin", origin.Url, "--http-port", $"{Stage.FreePort()}",
            "--bind", "127.0.0.1", "--cache", folder);
        Assert.Equal(2, await second.UntilEndAsync());
        Assert.Contains($"another process uses the cache folder '{folder}': end it, or choose another folder with "
            + "--cache", second.Output, StringComparison.Ordinal);
        RunningProcess third = _stage.MicroCdn("content", "--origin", origin.Url, "--http-port", $"{Stage.FreePort()}",
            "--bind", "127.0.0.1", "--cache", Path.Combine(folder, "lock"));
        Assert.Equal(2, await third.UntilEndAsync());
        Assert.Contains("/lock' cannot be used, choose another with --cache: ", third.Output, StringComparison.Ordinal);
        // A folder that nobody has any more is free at once.
        cache.Process.Kill();
        await cache.Process.UntilEndAsync();
        await Cache.StartAsync(_stage, origin.Url, "--cache", folder);
    }

    [Fact]
    public async Task What_was_being_filled_at_kill_9_is_not_there_and_neither_are_its_parts()
    {
        TaskCompletionSource never = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedOrigin origin = new(async call =>
        {
            string body = BodyOf(call.Target);
            await call.SayAsync($"HTTP/1.1 200 OK\r\n{Keep}Content-Length: {body.Length}\r\n\r\n{body[..^10]}");
            if (!never.Task.IsCompleted) await never.Task;
            else await call.SayAsync(body[^10..]);
        });
        string folder = _stage.MakeFolder("copies"), parts = Path.Combine(folder, "parts");
        Cache cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder);
        Task[] cut = [.. Enumerable.Range(0, 10).Select(n => CutAsync(cache, $"/{n}/large"))];
        await Stage.UntilAsync("all are being written", Patience, () => Task.FromResult(
            Directory.GetFiles(parts).Count(part => new FileInfo(part).Length > 400_000) == 10));
        cache.Process.Kill();
        await cache.Process.UntilEndAsync();
        await Task.WhenAll(cut);

        never.SetResult();
        cache = await Cache.StartAsync(_stage, origin.Url, "--cache", folder);
        Assert.Empty(Directory.GetFiles(parts));
        for (int n = 0; n < 10; n++)
        {
            RawResponse response = await cache.GetAsync($"/{n}/large");
            Assert.Equal(BodyOf("/large"), response.Body);
            Assert.Contains("; fwd=uri-miss", response.Field("Cache-Status"), StringComparison.Ordinal);
        }
    }

    private static async Task CutAsync(Cache cache, string target)
    {
        Exception? cut = await Record.ExceptionAsync(() => cache.GetAsync(target));
        Assert.NotNull(cut);
    }

    private static string BodyOf(string target) => target.EndsWith("large", StringComparison.Ordinal)
        ? string.Concat(Enumerable.Range(0, 60_000).Select(n => $"{n:d7} ")) : "small";

    private static int CopiesIn(string folder) => Directory.EnumerateFiles(folder, "*-*", SearchOption.AllDirectories)
        .Count();

    private async Task<bool> MayMountAsync()
    {
        RunningProcess tried = _stage.Run("unshare", "-rm", "mount", "-t", "tmpfs", "none", _stage.MakeFolder("tried"));
        return await tried.UntilEndAsync() == 0;
    }

    private async Task<Cache> StartAsync(string origin, string inject)
    {
        int port = Stage.FreePort();
        // -D: what is started becomes the server itself, and ends like any other.
        RunningProcess process = _stage.Run("strace", "-D", "-f", "-qq", "-o", "/dev/null",
            "-e", $"trace={inject["inject=".Length..].Split(':')[0]}", "-e", inject, Stage.MicroCdnProgram, "content",
            "--origin", origin, "--http-port", $"{port}", "--bind", "127.0.0.1", "--cache", _stage.MakeFolder("copies"),
            "--data", _stage.MakeFolder("state"));
        return await Cache.OfAsync(process, port);
    }
}
