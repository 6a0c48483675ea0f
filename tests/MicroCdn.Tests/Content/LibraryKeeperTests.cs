using MicroCdn.Content;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

// Issue 2, content server: "notices added, changed and removed files within 2 s"; a file that is being written is not
// offered until its last byte has rested for half a second.
public sealed class LibraryKeeperTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _aside = new();
    private readonly FakeTimeProvider _time = new(Start);
    private readonly LogBook _log = new();
    private readonly LibraryKeeper _keeper;
    private readonly SemaphoreSlim _announced = new(0);

    public LibraryKeeperTests() =>
        _keeper = new LibraryKeeper(new ServedFolder(_folder.Path), _time, _log, change =>
        {
            if (change == LibraryChange.Announced) _announced.Release();
        });

    public void Dispose()
    {
        _keeper.Dispose();
        _folder.Dispose();
        _aside.Dispose();
        _announced.Dispose();
    }

    [Theory]
    [InlineData(-3600_000, true)]
    [InlineData(-501, true)]
    [InlineData(-500, true)]
    [InlineData(-499, false)]
    [InlineData(-1, false)]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(3600_000, true)]
    public async Task A_file_is_offered_once_its_bytes_have_rested_for_half_a_second(int writtenAt, bool rests)
    {
        Write("a", writtenAt);
        Task start = _keeper.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(rests, start.IsCompleted);
        Assert.Equal(rests ? 1 : 0, _keeper.Library.Count);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        await start;
        Assert.Equal(1, _keeper.Library.Count);
    }

    [Fact]
    public async Task A_file_that_is_still_written_is_left_out_and_the_others_are_offered()
    {
        Write("old", -10_000);
        Write("growing", -100);
        Task start = _keeper.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, _keeper.Library.Count);
        Write("growing", 400);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        await start;
        Assert.Equal(1, _keeper.Library.Count);
        Assert.Equal(0, _keeper.Library.Find("old"u8));
    }

    [Fact]
    public async Task Added_changed_and_removed_files_are_announced()
    {
        using CancellationTokenSource end =
            CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Write("a", -10_000);
        await _keeper.StartAsync(end.Token);
        Task running = _keeper.RunAsync(end.Token);

        Write("b", -10_000);
        await Announced();
        Assert.Equal(2, _keeper.Library.Count);

        Write("b", -10_000, "another size");
        await Announced();
        Assert.Equal(12, _keeper.Library.FactsOf(_keeper.Library.Find("b"u8)).Size);

        File.Delete(_folder["a"]);
        await Announced();
        Assert.Equal(1, _keeper.Library.Count);
        Assert.Equal(-1, _keeper.Library.Find("a"u8));

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(3, _log.Lines.Count(line => line.Contains("the folder changed", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_file_written_after_the_start_is_found()
    {
        using CancellationTokenSource end =
            CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task running = _keeper.RunAsync(end.Token);
        Write("a", -10_000);
        await Announced();
        Assert.Equal(1, _keeper.Library.Count);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    // The clock of the keeper runs on while the folder's real events come in.
    private async Task Announced()
    {
        Task announced = _announced.WaitAsync(TestContext.Current.CancellationToken);
        using CancellationTokenSource broken = new(TimeSpan.FromSeconds(60));
        while (!announced.IsCompleted)
        {
            broken.Token.ThrowIfCancellationRequested();
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
        await announced;
    }

    // Put in place in one step: seen half-written, with a time from the real clock, it would look as if it rested.
    private void Write(string name, int at, string text = "text")
    {
        string path = _aside.Write(name, text);
        File.SetLastWriteTimeUtc(path, Start.UtcDateTime.AddMilliseconds(at));
        File.Move(path, _folder[name], overwrite: true);
    }
}
