using MicroCdn.Content;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

// A file with the same size, time and inode whose bytes are no longer those of its digest has rotted.
public sealed class ScrubberTests : IDisposable
{
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _state = new();
    private readonly LogBook _log = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<LibraryChange> _changes = [];
    private readonly List<string> _troubles = [];
    private LibraryKeeper? _keeper;

    public void Dispose()
    {
        _keeper?.Dispose();
        _folder.Dispose();
        _state.Dispose();
    }

    [Fact]
    public async Task A_bit_flipped_in_each_of_a_thousand_files_is_found_within_one_reading()
    {
        for (int n = 0; n < 1000; n++) _folder.Write($"{n % 10}/{n}", $"the bytes of {n}");
        _folder.Write("sound", "the bytes of a file that stays");
        await StartAsync();
        for (int n = 0; n < 1000; n++) Flip($"{n % 10}/{n}", n % 14);
        await ReadAllAsync();
        Assert.Equal("sound", NameOf(_keeper!.Library, 0));
        Assert.Equal(1, _keeper.Library.Count);
        Assert.Equal(1000, _log.Lines.Count(line => line.Contains("has rotted", StringComparison.Ordinal)));
        Assert.Contains("read 1001 files again: 1000 had rotted", _log.Lines);
        Assert.Contains(LibraryChange.Announced, _changes);
    }

    [Fact]
    public async Task A_file_that_rotted_stays_withdrawn_after_a_restart_and_returns_when_it_is_replaced()
    {
        _folder.Write("rotten", "right");
        _folder.Write("sound", "sound");
        await StartAsync();
        Flip("rotten", 2);
        await ReadAllAsync();
        Assert.Equal(1, _keeper!.Library.Count);

        await StartAsync();
        Assert.Equal(-1, _keeper.Library.FindName("rotten"u8));
        Assert.Contains("'rotten' rotted and is not offered until it is replaced by a good copy", _log.Lines);

        _folder.Write("new", "right");
        File.Move(_folder["new"], _folder["rotten"], overwrite: true);
        await StartAsync();
        Assert.True(_keeper.Library.FindName("rotten"u8) >= 0);
        Assert.Contains("'rotten' was written anew and is offered again", _log.Lines);
    }

    [Fact]
    public async Task Every_chunk_of_a_large_file_is_read()
    {
        _folder.Write("large", new string('x', (3 << 20) + 5));
        _folder.Write("sound", new string('y', (2 << 20) + 5));
        await StartAsync();
        Flip("large", (3 << 20) + 4);
        await ReadAllAsync();
        Assert.Equal("sound", NameOf(_keeper!.Library, 0));
        Assert.Equal(1, _keeper.Library.Count);
    }

    [Fact]
    public async Task A_file_that_was_edited_is_another_revision_and_has_not_rotted()
    {
        _folder.Write("edited", "before");
        await StartAsync();
        File.WriteAllText(_folder["edited"], "after!");
        await ReadAllAsync();
        Assert.Equal(1, _keeper!.Library.Count);
        Assert.DoesNotContain(_log.Lines, line => line.Contains("rotted:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_is_read_before_its_time_and_a_restart_goes_on_where_it_was()
    {
        for (int n = 0; n < 300; n++) _folder.Write($"{n}", $"the bytes of {n}");
        await StartAsync();
        using CancellationTokenSource stop = new();
        using Scrubber scrubber = Scrub(rate: 16 * 1024);
        Task running = scrubber.RunAsync(stop.Token);
        await AdvanceAsync(Week - TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));
        Flip("7", 0);
        Assert.Equal(300, _keeper!.Library.Count);
        // About a second for each file; half of them, then a restart.
        await AdvanceAsync(TimeSpan.FromSeconds(60 + 150), TimeSpan.FromMilliseconds(250));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.DoesNotContain(_log.Lines, line => line.StartsWith("read ", StringComparison.Ordinal));

        await ReadAllAsync();
        string[] words = _log.Lines.Single(line => line.StartsWith("read ", StringComparison.Ordinal)).Split(' ');
        Assert.InRange(int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture), 100, 220);
        Assert.Equal(299, _keeper.Library.Count);
    }

    [Fact]
    public async Task The_rate_is_kept()
    {
        _folder.Write("large", new string('x', 10 << 20));
        await StartAsync();
        using CancellationTokenSource stop = new();
        using Scrubber scrubber = Scrub(rate: 1 << 20);
        Task running = scrubber.RunAsync(stop.Token);
        await AdvanceAsync(Week, Week);
        await AdvanceAsync(TimeSpan.FromSeconds(9), TimeSpan.FromMilliseconds(100));
        Assert.DoesNotContain(_log.Lines, line => line.StartsWith("read ", StringComparison.Ordinal));
        await AdvanceAsync(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(100));
        Assert.Contains("read 1 files again: 0 had rotted", _log.Lines);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    // Scans, computes what is not remembered, as at a start of the program.
    private async Task StartAsync()
    {
        _keeper?.Dispose();
        ServedFolder folder = new(_folder.Path);
        StoreHealth health = new(_troubles.Add);
        _keeper = new LibraryKeeper(folder, _time, _log, _changes.Add,
            new Withdrawals(_state.Path, folder, health, _log));
        await _keeper.StartAsync(TestContext.Current.CancellationToken);
        DigestKeeper digests = new(Options(1), folder, _keeper, new ChunkLists(_state.Path, folder, health, _log),
            health, _time, _log, () => { });
        await digests.StartAsync();
        using CancellationTokenSource enough = new();
        Task running = digests.RunAsync(enough.Token);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private Scrubber Scrub(long rate)
    {
        ServedFolder folder = new(_folder.Path);
        ScrubPosition position = new(_state.Path, folder, new StoreHealth(_troubles.Add));
        return new Scrubber(Options(rate), folder, _keeper!, null, position, _time, _log);
    }

    private ContentOptions Options(long rate) => new()
    {
        Id = Names.Id("CS1"),
        Files = _folder.Path,
        State = _state.Path,
        ScrubRate = rate,
        ScrubInterval = Week,
        InBackground = work =>
        {
            work();
            return Task.CompletedTask;
        },
    };

    private async Task ReadAllAsync()
    {
        using CancellationTokenSource stop = new();
        using Scrubber scrubber = Scrub(rate: 1L << 40);
        Task running = scrubber.RunAsync(stop.Token);
        for (int n = 0; n < 10_000 && !_log.Lines.Any(line => line.StartsWith("read ", StringComparison.Ordinal)); n++)
        {
            _time.Advance(n == 0 ? Week : TimeSpan.FromMilliseconds(10));
            await Task.Yield();
        }
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private async Task AdvanceAsync(TimeSpan span, TimeSpan step)
    {
        for (TimeSpan left = span; left > TimeSpan.Zero; left -= step)
        {
            _time.Advance(left < step ? left : step);
            await Task.Yield();
        }
    }

    // One bit, and neither size nor time nor inode.
    private void Flip(string name, int at)
    {
        DateTime time = File.GetLastWriteTimeUtc(_folder[name]);
        using (FileStream file = File.Open(_folder[name], FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = at;
            int value = file.ReadByte();
            file.Position = at;
            file.WriteByte((byte)(value ^ 4));
        }
        File.SetLastWriteTimeUtc(_folder[name], time);
    }

    private static string NameOf(Library library, int number) =>
        System.Text.Encoding.UTF8.GetString(library.NameOf(number));
}
