using System.Security.Cryptography;
using MicroCdn.Content;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

// Digests are computed in the background, and remembered across restarts by name, size, time and inode.
public sealed class DigestKeeperTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _state = new();
    private readonly LogBook _log = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<LibraryKeeper> _keepers = [];
    private readonly List<string> _troubles = [];
    private int _announced;

    public void Dispose()
    {
        foreach (LibraryKeeper keeper in _keepers) keeper.Dispose();
        _folder.Dispose();
        _state.Dispose();
    }

    [Fact]
    public async Task Every_file_gets_its_digest_and_it_is_remembered()
    {
        string[] names = ["a", "docs/b c", "empty"];
        _folder.Write("a", "one");
        _folder.Write("docs/b c", "two");
        _folder.Write("empty", "");
        Library library = await RunAsync();
        Assert.Equal(["one", "two", ""], names.Select(name => BytesOf(library, name)));
        Assert.Equal(1, _announced);
        Assert.Contains(_log.Lines, line => line.StartsWith("computed 3 digests", StringComparison.Ordinal));

        Library again = await RunAsync();
        Assert.Equal(["one", "two", ""], names.Select(name => BytesOf(again, name)));
        Assert.Single(_log.Lines, line => line.Contains("computed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_larger_than_a_block_is_read_to_its_end()
    {
        string text = string.Concat(Enumerable.Range(0, 400_000).Select(n => $"{n} "));
        _folder.Write("large", text);
        Assert.Equal(text, BytesOf(await RunAsync(), "large"));
    }

    [Theory]
    [InlineData("two", 0, false)]
    [InlineData("one", 1, false)]
    [InlineData("one", 0, true)]
    [InlineData("longer", 0, false)]
    public async Task A_file_that_is_not_quite_the_same_is_read_again(string text, int secondsLater, bool replaced)
    {
        string path = _folder.Write("a", "one");
        DateTime before = File.GetLastWriteTimeUtc(path);
        await RunAsync();
        if (replaced)
        {
            _folder.Write("b", text);
            File.SetLastWriteTimeUtc(_folder["b"], before);
            File.Move(_folder["b"], path, overwrite: true);
        }
        else
        {
            File.WriteAllText(path, text);
            // An edit that keeps size and time is one that nobody can see without reading.
            File.SetLastWriteTimeUtc(path, before.AddSeconds(secondsLater + (text == "two" ? 1 : 0)));
        }
        Assert.Equal(text, BytesOf(await RunAsync(), "a"));
        Assert.Equal(2, _log.Lines.Count(line => line.StartsWith("computed 1 digests", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_damaged_line_is_passed_over_and_its_file_read_again()
    {
        for (int n = 0; n < 9; n++) _folder.Write($"{n}", $"bytes of {n}");
        await RunAsync();
        byte[] good = File.ReadAllBytes(Remembered);
        Random chance = new(1);
        for (int round = 0; round < 60; round++)
        {
            byte[] bad = [.. good];
            bad[chance.Next(bad.Length)] ^= (byte)(1 << chance.Next(8));
            // Torn, too, at any byte.
            File.WriteAllBytes(Remembered, bad[..chance.Next(bad.Length)]);
            Library library = await RunAsync();
            for (int n = 0; n < 9; n++) Assert.Equal($"bytes of {n}", BytesOf(library, $"{n}"));
            Library again = await RunAsync();
            Assert.Equal("bytes of 8", BytesOf(again, "8"));
        }
        Assert.DoesNotContain(_log.Lines, line => line.Contains("not remembered", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lines_of_files_that_are_gone_go_when_they_are_most()
    {
        _folder.Write("a", "one");
        await RunAsync();
        string line = File.ReadAllText(Remembered);
        File.WriteAllText(Remembered, string.Concat(Enumerable.Repeat("00000000 gone\n", 12_000)) + line);
        Assert.Equal("one", BytesOf(await RunAsync(), "a"));
        Assert.Equal(line, File.ReadAllText(Remembered));
        Assert.Equal(["digests"], Directory.GetFiles(Path.GetDirectoryName(Remembered)!).Select(Path.GetFileName));
    }

    [Fact]
    public async Task While_the_folder_is_empty_nothing_is_forgotten()
    {
        _folder.Write("a", "one");
        await RunAsync();
        File.AppendAllText(Remembered, string.Concat(Enumerable.Repeat("00000000 gone\n", 12_000)));
        File.Move(_folder["a"], _state["a"]);
        await RunAsync();
        File.Move(_state["a"], _folder["a"]);
        Assert.Equal("one", BytesOf(await RunAsync(), "a"));
        Assert.Single(_log.Lines, line => line.Contains("computed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_nothing_can_be_written_digests_are_known_all_the_same()
    {
        _folder.Write("a", "one");
        File.WriteAllText(_state["no folder"], "");
        Assert.Equal("one", BytesOf(await RunAsync(_state["no folder"] + "/below"), "a"));
        Assert.Single(_log.Lines, line => line.Contains("digests are not remembered in", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_is_ever_remembered_inside_the_folder_that_is_served()
    {
        _folder.Write("a", "one");
        _state.Link("link", _folder.Path);
        foreach (string inside in new[] { _folder["state"], _state["link"] + "/state/deeper" })
        {
            Assert.Equal("one", BytesOf(await RunAsync(inside), "a"));
        }
        Assert.Equal(["a"], _folder.Names());
        Assert.Equal(2, _log.Lines.Count(line => line.Contains("inside the folder", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Without_a_state_folder_nothing_is_written()
    {
        _folder.Write("a", "one");
        Assert.Equal("one", BytesOf(await RunAsync(null), "a"));
        Assert.Empty(_state.Names());
    }

    [Fact]
    public void A_hundred_thousand_remembered_digests_take_less_than_a_second_of_a_processor()
    {
        Library before = new(), after = new();
        for (int n = 0; n < 100_000; n++)
        {
            FileFacts facts = new(n, 1_700_000_000_000_000_000 + n, (ulong)n + 1);
            foreach (Library library in new[] { before, after })
            {
                library.Add(Names.Of($"releases/2026/channel-stable/pkg-{n}.tar.zst"), facts);
            }
        }
        for (int n = 0; n < 100_000; n++) before.Learn(n, SHA256.HashData(BitConverter.GetBytes(n)));
        DigestMemory memory = new(_state["CS1"], new ServedFolder(_folder.Path), new StoreHealth(_troubles.Add), _log);
        memory.Add(before, [.. Enumerable.Range(0, 100_000)]);
        double before100K = OwnSeconds();
        Assert.Equal(100_000, memory.Recall(after, after.Learn));
        Assert.InRange(OwnSeconds() - before100K, 0, 1);
        Assert.True(after.TryDigest(99_999, out ReadOnlySpan<byte> digest));
        Assert.Equal(SHA256.HashData(BitConverter.GetBytes(99_999)), digest.ToArray());
    }

    // What this thread has used: other tests run beside it. proc_pid_stat(5): the 14th and 15th field, in ticks of
    // 10 ms.
    private static double OwnSeconds() => File.ReadAllText("/proc/thread-self/stat").Split(") ")[^1].Split(' ')[11..13]
        .Sum(ticks => int.Parse(ticks, System.Globalization.CultureInfo.InvariantCulture)) / 100.0;

    // One life of a content server's digests, until everything is computed.
    private Task<Library> RunAsync() => RunAsync(_state["CS1"]);

    private string Remembered => _state["CS1/digests"];

    private async Task<Library> RunAsync(string? state)
    {
        ServedFolder folder = new(_folder.Path);
        LibraryKeeper keeper = new(folder, _time, _log, _ => { });
        _keepers.Add(keeper);
        await keeper.StartAsync(TestContext.Current.CancellationToken);
        ContentOptions options = new()
        {
            Id = Names.Id("CS1"),
            Files = _folder.Path,
            State = state,
            InBackground = work =>
            {
                work();
                return Task.CompletedTask;
            },
        };
        StoreHealth health = new(_troubles.Add);
        DigestKeeper digests = new(options, folder, keeper, new ChunkLists(state, folder, health, _log), health, _time,
            _log, () => _announced++);
        await digests.StartAsync();
        using CancellationTokenSource enough = new();
        Task running = digests.RunAsync(enough.Token);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        return keeper.Library;
    }

    // The text that a digest is the digest of: the one that the file should have.
    private string? BytesOf(Library library, string name)
    {
        Assert.True(library.TryDigest(library.FindName(name.Utf8()), out ReadOnlySpan<byte> digest));
        byte[] bytes = File.ReadAllBytes(_folder[name]);
        return digest.SequenceEqual(SHA256.HashData(bytes)) ? System.Text.Encoding.UTF8.GetString(bytes) : null;
    }
}
