using System.IO.Compression;
using System.Security.Cryptography;
using MicroCdn.Edge;
using MicroCdn.Http;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using ZstdSharp;

namespace MicroCdn.Tests.Edge;

public sealed class VariantsTests : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly TemporaryFolder _world = new();
    private readonly LogBook _log = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly ManualResetEventSlim _gate = new();
    private Variants _variants;

    public VariantsTests() => _variants = Open();

    public async ValueTask DisposeAsync()
    {
        _gate.Set();
        await _variants.DisposeAsync();
        _gate.Dispose();
        _world.Dispose();
    }

    [Theory]
    [InlineData(Coding.Zstd, "-zstd", ".zst")]
    [InlineData(Coding.Brotli, "-br", ".br")]
    [InlineData(Coding.Gzip, "-gzip", ".gz")]
    public async Task A_form_is_made_and_found_and_decodes_to_the_same_bytes(object value, string ending, string file)
    {
        Coding coding = (Coding)value;
        foreach (byte[] bytes in new[] { Text(1), Text(64 * 1024 / 12), Text(200_000) })
        {
            byte[] sha256 = SHA256.HashData(bytes);
            Assert.Null(_variants.Find(sha256, coding, out bool isSettled));
            Assert.False(isSettled);
            MemorySource source = new(bytes);
            Variant made = (await MakeAsync(bytes, coding, source))!;
            Assert.Equal(1, source.Released);
            Assert.Same(made, _variants.Find(sha256, coding, out isSettled));
            Assert.True(isSettled);
            Assert.Equal(coding, made.Coding);
            Assert.Equal($"\"{Convert.ToHexStringLower(sha256)}{ending}\"", made.EntityTag.Text());
            byte[] coded = Read(made);
            Assert.Equal(bytes, Decode(coded, coding));
            Assert.True(coded.Length < bytes.Length);
            Assert.True(made.Unchanged());
            Assert.Contains($"{Convert.ToHexStringLower(sha256)}.{coded.Length}{file}", Files());
            foreach (Coding other in new[] { Coding.Zstd, Coding.Brotli, Coding.Gzip }.Where(c => c != coding))
                Assert.Null(_variants.Find(sha256, other));
        }
    }

    // RFC 9659, section 3: a window of at most 8 MB. RFC 8878, section 3.1.1.1.2: exponent in the high five bits.
    [Fact]
    public async Task A_zstd_window_is_one_that_every_client_has()
    {
        byte[] bytes = new byte[20 << 20];
        new Random(1).NextBytes(bytes.AsSpan(0, 9 << 20));
        byte[] coded = Read((await MakeAsync(bytes, Coding.Zstd))!);
        Assert.False((coded[4] & 0x20) != 0, "no window is stated");
        Assert.True(10 + (coded[5] >> 3) <= 22, $"2^{10 + (coded[5] >> 3)}");
    }

    [Theory]
    [InlineData(Coding.Zstd)]
    [InlineData(Coding.Brotli)]
    [InlineData(Coding.Gzip)]
    public async Task What_does_not_get_smaller_is_not_kept_and_not_tried_again(object value)
    {
        Coding coding = (Coding)value;
        foreach (byte[] bytes in new[] { [], [1], RandomNumberGenerator.GetBytes(300_000) })
        {
            Assert.Null(await MakeAsync(bytes, coding));
            await CheckAsync(bytes);
        }
        Assert.All(Files(), name => Assert.Equal(0, new FileInfo(Path.Combine(_world["variants"], name)).Length));
        await ReopenAsync();
        await CheckAsync([1]);

        async Task CheckAsync(byte[] bytes)
        {
            Assert.Null(_variants.Find(SHA256.HashData(bytes), coding, out bool isSettled));
            Assert.True(isSettled);
            MemorySource again = new(bytes);
            Assert.Null(await MakeAsync(bytes, coding, again));
            Assert.False(again.Begun.IsCompleted);
            Assert.Equal(1, again.Released);
        }
    }

    [Fact]
    public async Task The_same_form_asked_for_by_many_is_made_once()
    {
        byte[] bytes = Text(1000);
        MemorySource first = new(bytes, _gate);
        Task<Variant?> one = MakeAsync(bytes, Coding.Zstd, first);
        await first.Begun.WaitAsync(Bound);
        MemorySource[] others = [.. Enumerable.Range(0, 10).Select(_ => new MemorySource(bytes))];
        Task<Variant?>[] waiting = [.. others.Select(source => MakeAsync(bytes, Coding.Zstd, source))];
        Assert.All(others, source => Assert.Equal(1, source.Released));
        Assert.All(waiting, task => Assert.False(task.IsCompleted));
        _gate.Set();
        Variant made = (await one.WaitAsync(Bound))!;
        foreach (Task<Variant?> task in waiting) Assert.Same(made, await task.WaitAsync(Bound));
        Assert.All(others, source => Assert.False(source.Begun.IsCompleted));
    }

    [Fact]
    public async Task Two_are_made_at_once_and_the_third_waits_its_turn()
    {
        MemorySource[] sources = [.. Enumerable.Range(1, 3).Select(n => new MemorySource(Text(1000 + n), _gate))];
        Task<Variant?>[] tasks = [.. sources.Select((source, n) => MakeAsync(Text(1001 + n), Coding.Gzip, source))];
        await WhenAsync(() => sources.Count(source => source.Begun.IsCompleted) >= 2);
        // A third one would begin while the pool and a new thread do all this.
        for (int i = 0; i < 100; i++)
        {
            await Task.Run(() => { });
            await Task.Factory.StartNew(() => { }, CancellationToken.None, TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }
        Assert.Equal(2, sources.Count(source => source.Begun.IsCompleted));
        _gate.Set();
        foreach (Task<Variant?> task in tasks) Assert.NotNull(await task.WaitAsync(Bound));
        Assert.Equal(3, _variants.Count);
    }

    [Fact]
    public async Task Beyond_64_waiting_forms_none_is_begun()
    {
        Task<Variant?>[] tasks = [.. Enumerable.Range(1, 64)
            .Select(n => MakeAsync(Text(n), Coding.Gzip, new MemorySource(Text(n), _gate)))];
        MemorySource refused = new(Text(100));
        Task<Variant?> none = MakeAsync(Text(100), Coding.Gzip, refused);
        Assert.True(none.IsCompleted);
        Assert.Null(await none);
        Assert.Equal(1, refused.Released);
        _gate.Set();
        await Task.WhenAll(tasks).WaitAsync(Bound);
        Assert.NotNull(await MakeAsync(Text(100), Coding.Gzip));
    }

    [Fact]
    public async Task Whoever_stops_waiting_does_not_stop_the_making()
    {
        byte[] bytes = Text(1000);
        using CancellationTokenSource patience = new();
        MemorySource source = new(bytes, _gate);
        Task<Variant?> impatient = _variants.MakeAsync(SHA256.HashData(bytes), Coding.Zstd, source, bytes.Length,
            patience.Token);
        Task<Variant?> patient = MakeAsync(bytes, Coding.Zstd);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        Assert.Equal(0, source.Released);
        _gate.Set();
        Assert.NotNull(await patient.WaitAsync(Bound));
    }

    [Fact]
    public async Task Other_bytes_than_the_digest_tells_are_never_kept_under_it()
    {
        byte[] bytes = Text(1000), edited = [.. bytes];
        edited[^1] ^= 1;
        foreach (byte[] wrong in new[] { edited, bytes[..^1], [], RandomNumberGenerator.GetBytes(bytes.Length) })
        {
            foreach (Coding coding in new[] { Coding.Zstd, Coding.Brotli, Coding.Gzip })
            {
                Assert.Null(await MakeAsync(bytes, coding, new MemorySource(wrong)));
                Assert.Null(_variants.Find(SHA256.HashData(bytes), coding, out bool isSettled));
                Assert.False(isSettled);
            }
        }
        Assert.Empty(Files());
        Assert.NotNull(await MakeAsync(bytes, Coding.Zstd));
    }

    [Fact]
    public async Task What_was_made_is_found_after_a_restart()
    {
        byte[] bytes = Text(1000);
        byte[] coded = Read((await MakeAsync(bytes, Coding.Zstd))!);
        await File.WriteAllTextAsync(_world["variants/.new.0123456789ab.part"], "half");
        await File.WriteAllTextAsync(_world["variants/notes.txt"], "not ours");
        await ReopenAsync();
        Assert.Equal(1, _variants.Count);
        Assert.Equal(coded, Read(_variants.Find(SHA256.HashData(bytes), Coding.Zstd)!));
        Assert.DoesNotContain(".new.0123456789ab.part", Files());
        Assert.Contains("notes.txt", Files());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_form_of_another_length_than_its_name_tells_is_never_served(bool restart)
    {
        byte[] bytes = Text(1000);
        (await MakeAsync(bytes, Coding.Zstd))!.Release();
        await ReopenAsync(() =>
        {
            if (restart) Damage();
        });
        if (!restart) Damage();
        Assert.Null(_variants.Find(SHA256.HashData(bytes), Coding.Zstd, out bool isSettled));
        Assert.False(isSettled);
        Assert.Empty(Files());
        Assert.Equal(bytes, Decode(Read((await MakeAsync(bytes, Coding.Zstd))!), Coding.Zstd));

        void Damage() => File.AppendAllText(Path.Combine(_world["variants"], Files().Single()), "x");
    }

    [Fact]
    public async Task A_form_whose_file_is_gone_is_made_again()
    {
        byte[] bytes = Text(1000);
        (await MakeAsync(bytes, Coding.Zstd))!.Release();
        await ReopenAsync();
        File.Delete(Path.Combine(_world["variants"], Files().Single()));
        Assert.Null(_variants.Find(SHA256.HashData(bytes), Coding.Zstd, out bool isSettled));
        Assert.False(isSettled);
        Assert.NotNull(await MakeAsync(bytes, Coding.Zstd));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_form_asked_for_least_lately_makes_room_and_is_sent_to_its_end(bool restart)
    {
        await ReopenAsync(mostBytes: 3 * 4096);
        byte[][] files = [Text(1001), Text(1002), Text(1003), Text(1004)];
        Variant[] forms = new Variant[4];
        for (int i = 0; i < 3; i++)
        {
            forms[i] = (await MakeAsync(files[i], Coding.Gzip))!;
            string name = Path.Combine(_world["variants"], Files().Single(file => file.StartsWith(Hex(files[i]),
                StringComparison.Ordinal)));
            File.SetLastWriteTimeUtc(name, DateTime.UnixEpoch.AddDays(i == 0 ? 3 : i));
        }
        if (restart) await ReopenAsync(mostBytes: 3 * 4096);
        else _variants.Find(SHA256.HashData(files[0]), Coding.Gzip)!.Release();
        forms[3] = (await MakeAsync(files[3], Coding.Gzip))!;
        Assert.Equal([true, false, true, true], files.Select(file =>
            _variants.Find(SHA256.HashData(file), Coding.Gzip) is not null));
        Assert.Equal(3, Files().Length);
        Assert.Equal(files[1], Decode(Read(forms[1]), Coding.Gzip));
        forms[1].Release();
        Assert.True(forms[1].Handle.IsClosed);
    }

    [Fact]
    public async Task When_the_disk_refuses_nothing_is_tried_for_a_while()
    {
        byte[] bytes = Text(1000);
        Directory.Delete(_world["variants"]);
        File.WriteAllText(_world["variants"], "in the way");
        MemorySource source = new(bytes);
        Assert.Null(await MakeAsync(bytes, Coding.Zstd, source));
        Assert.Equal(1, source.Released);
        Assert.Single(_log.Lines, line => line.Contains("cannot keep", StringComparison.Ordinal));
        File.Delete(_world["variants"]);
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Null(await MakeAsync(bytes, Coding.Zstd));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.NotNull(await MakeAsync(bytes, Coding.Zstd));
    }

    [Fact]
    public async Task Disposed_in_the_middle_it_leaves_no_half_file_and_releases_every_source()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(200_000);
        MemorySource[] sources = [.. Enumerable.Range(0, 3).Select(_ => new MemorySource(bytes, _gate))];
        Coding[] codings = [Coding.Zstd, Coding.Brotli, Coding.Gzip];
        Task<Variant?>[] tasks = [.. sources.Select((source, n) => MakeAsync(bytes, codings[n], source))];
        await WhenAsync(() => sources.Count(source => source.Begun.IsCompleted) >= 2);
        Task disposal = _variants.DisposeAsync().AsTask();
        _gate.Set();
        await disposal.WaitAsync(Bound);
        foreach (Task<Variant?> task in tasks) Assert.Null(await task.WaitAsync(Bound));
        Assert.All(sources, source => Assert.Equal(1, source.Released));
        Assert.Empty(Files());
        Assert.Null(await MakeAsync(bytes, Coding.Zstd));
        Assert.Null(_variants.Find(SHA256.HashData(bytes), Coding.Zstd));
    }

    [Fact]
    public async Task Finding_costs_no_allocation()
    {
        byte[] bytes = Text(1000), sha256 = SHA256.HashData(bytes);
        (await MakeAsync(bytes, Coding.Zstd))!.Release();
        Assert.Equal(0, Allocated());

        long Allocated()
        {
            _variants.Find(sha256, Coding.Zstd)!.Release();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++) _variants.Find(sha256, Coding.Zstd)!.Release();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private Variants Open(long mostBytes = Variants.DefaultBytes) => new(_world["variants"], mostBytes, _log, _clock);

    private async Task ReopenAsync(Action? between = null, long mostBytes = Variants.DefaultBytes)
    {
        await _variants.DisposeAsync();
        between?.Invoke();
        _variants = Open(mostBytes);
    }

    private Task<Variant?> MakeAsync(byte[] bytes, Coding coding, MemorySource? source = null) =>
        _variants.MakeAsync(SHA256.HashData(bytes), coding, source ?? new MemorySource(bytes), bytes.Length,
            CancellationToken.None).WaitAsync(Bound);

    private string[] Files() =>
        [.. Directory.EnumerateFiles(_world["variants"]).Select(path => Path.GetFileName(path))];

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Text(int lines) => string.Concat(Enumerable.Range(lines, lines + 9)
        .Select(n => $"line {n % 977} of it\n")).Utf8();

    private static async Task WhenAsync(Func<bool> condition)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!condition() && TimeProvider.System.GetElapsedTime(start) < Bound) await Task.Yield();
        Assert.True(condition());
    }

    private static byte[] Read(Variant variant)
    {
        byte[] bytes = new byte[variant.Length];
        Assert.Equal(bytes.Length, variant.Read(bytes, 0));
        return bytes;
    }

    private static byte[] Decode(byte[] coded, Coding coding)
    {
        using MemoryStream input = new(coded), output = new();
        using Stream decoder = coding switch
        {
            Coding.Zstd => new DecompressionStream(input),
            Coding.Brotli => new BrotliStream(input, CompressionMode.Decompress),
            _ => new GZipStream(input, CompressionMode.Decompress),
        };
        decoder.CopyTo(output);
        return output.ToArray();
    }
}
