using System.Security.Cryptography;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

// docs/protocol.md, "Chunks": CHUNKS of files of more than one chunk, whose lists lie in the state folder.
public sealed class ChunkListsTests : IDisposable
{
    private const int Length = (3 << 20) + 5;
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _state = new();
    private readonly LogBook _log = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly StoreHealth _health = new(_ => { });
    private readonly byte[] _bytes = new byte[Length];
    private readonly ServedFolder _served;
    private readonly LibraryKeeper _keeper;
    private readonly OpenFiles _open;
    private DigestKeeper? _digests;
    private ChunkLists? _lists;

    public ChunkListsTests()
    {
        new Random(1).NextBytes(_bytes);
        _folder.Write("big.bin", "");
        File.WriteAllBytes(_folder["big.bin"], _bytes);
        File.SetLastWriteTimeUtc(_folder["big.bin"], TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1));
        _served = new ServedFolder(_folder.Path);
        _keeper = new LibraryKeeper(_served, _time, _log, _ => { }, new Withdrawals(null, _served, _health, _log));
        _open = new OpenFiles(_served.Open, most: 8);
    }

    public void Dispose()
    {
        _open.Dispose();
        _keeper.Dispose();
        _folder.Dispose();
        _state.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_list_is_told_as_the_file_is(bool keeps)
    {
        await StartAsync(keeps ? _state.Path : null);
        Assert.Equal(Expected(), Chunks());
    }

    [Fact]
    public async Task A_restart_reads_no_file_again()
    {
        await StartAsync(_state.Path);
        await StartAsync(_state.Path);
        Assert.Equal(Expected(), Chunks());
        Assert.Single(_log.Lines, line => line.StartsWith("computed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("torn")]
    [InlineData("rotten")]
    public async Task A_list_that_is_gone_or_wrong_is_made_anew_and_never_told(string how)
    {
        await StartAsync(_state.Path);
        string list = Directory.GetFiles(_state["chunks"]).Single();
        byte[] digests = await File.ReadAllBytesAsync(list, TestContext.Current.CancellationToken);
        if (how.Length == 0) File.Delete(list);
        else if (how == "torn") File.WriteAllBytes(list, digests[..40]);
        else File.WriteAllBytes(list, [.. digests[..^1], (byte)(digests[^1] ^ 1)]);
        Assert.Equal("ERROR UNAVAILABLE\n", Chunks());
        await WorkAsync();
        Assert.Equal(Expected(), Chunks());
    }

    [Fact]
    public async Task A_list_for_which_a_file_has_to_be_read_that_rotted_is_not_made()
    {
        await StartAsync(_state.Path);
        File.Delete(Directory.GetFiles(_state["chunks"]).Single());
        DateTime time = File.GetLastWriteTimeUtc(_folder["big.bin"]);
        _bytes[77] ^= 1;
        File.WriteAllBytes(_folder["big.bin"], _bytes);
        File.SetLastWriteTimeUtc(_folder["big.bin"], time);
        Assert.Equal("ERROR UNAVAILABLE\n", Chunks());
        await WorkAsync();
        Assert.Equal("ERROR FILE_NOT_FOUND\n", Chunks());
    }

    [Fact]
    public async Task Lists_of_files_that_are_gone_are_deleted_at_the_next_start()
    {
        await StartAsync(_state.Path);
        _folder.Write("other.bin", new string('x', Length));
        File.Delete(_folder["big.bin"]);
        await StartAsync(_state.Path);
        await StartAsync(_state.Path);
        Assert.Single(Directory.GetFiles(_state["chunks"]));
    }

    [Fact]
    public async Task A_long_list_comes_in_pieces_as_the_client_takes_it()
    {
        await StartAsync(_state.Path);
        byte[] digests = new byte[FileDigest.Length * 10_000];
        new Random(2).NextBytes(digests);
        FileDigest root = MicroCdn.Protocol.Chunks.RootOf(digests);
        _lists!.Keep(root, digests);
        Answer answer = new(new BufferPool(), null);
        answer.SendList(_lists.Open(root, 10_000L << 20)!);
        string sent = "";
        for (int turns = 0; answer.IsPending && turns < 1000; turns++)
        {
            answer.Refill();
            Assert.InRange(answer.UnsentBytes, 1, BufferPool.Size);
            sent += answer.Unsent.Text();
            answer.TextSent(answer.UnsentBytes);
        }
        string[] lines = sent.Split('\n');
        Assert.Equal((10_002, "END", ""), (lines.Length, lines[^2], lines[^1]));
        Assert.Equal(Convert.ToHexStringLower(digests.AsSpan(^32)), lines[^3]);
    }

    // The list of a file of 10,000 chunks, too long to be read whole for every answer.
    [Theory]
    [InlineData("at the start")]
    [InlineData("while the server runs")]
    public async Task A_long_list_that_rotted_is_not_told_either(string when)
    {
        await StartAsync(_state.Path);
        byte[] digests = new byte[FileDigest.Length * 10_000];
        FileDigest root = MicroCdn.Protocol.Chunks.RootOf(digests);
        Assert.True(_lists!.Keep(root, digests));
        if (when != "at the start")
        {
            for (int times = 0; times < 2; times++)
            {
                using ChunkList? right = _lists.Open(root, 10_000L << 20);
                Assert.NotNull(right);
            }
        }
        digests[^1] ^= 1;
        File.WriteAllBytes(Path.Combine(_state["chunks"], root.ToString()), digests);
        Assert.Null(_lists.Open(root, 10_000L << 20));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_list_that_cannot_be_written_is_held_in_memory_and_the_file_read_once(bool hasFolder)
    {
        Directory.CreateDirectory(_state["chunks"]);
        // As after a failed fsync.
        if (hasFolder) _health.Fail("some file", new IOException("broken"));
        await StartAsync(hasFolder ? _state.Path : null);
        Assert.Equal(Expected(), Chunks());
        Assert.Empty(Directory.GetFiles(_state["chunks"]));
        Assert.Single(Computed());
    }

    [Fact]
    public async Task A_file_whose_list_is_lost_again_and_again_is_read_once_a_minute()
    {
        await StartAsync(_state.Path);
        for (int times = 0; times < 5; times++)
        {
            File.Delete(Directory.GetFiles(_state["chunks"]).SingleOrDefault() ?? _state["none"]);
            Assert.Equal("ERROR UNAVAILABLE\n", Chunks());
            await WorkAsync();
        }
        Assert.Equal(2, Computed().Length);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal("ERROR UNAVAILABLE\n", Chunks());
        await WorkAsync();
        Assert.Equal(3, Computed().Length);
        Assert.Equal(Expected(), Chunks());
    }

    [Fact]
    public async Task In_memory_the_oldest_lists_give_way()
    {
        await StartAsync(null);
        byte[] digests = new byte[8 << 20];
        List<FileDigest> roots = [];
        for (int number = 0; number < 3; number++)
        {
            digests[0] = (byte)number;
            roots.Add(MicroCdn.Protocol.Chunks.RootOf(digests));
            Assert.True(_lists!.Keep(roots[^1], digests));
            // Known already: that makes it no younger.
            Assert.True(_lists.Keep(roots[^1], digests));
        }
        Assert.Equal([false, true, true], roots.Select(root => _lists!.Open(root, (8L << 20) / 32 << 20) is not null));
        Assert.False(_lists!.Keep(roots[0], new byte[(16 << 20) + 32]));
    }

    private string[] Computed() =>
        [.. _log.Lines.Where(line => line.StartsWith("computed", StringComparison.Ordinal))];

    private async Task StartAsync(string? state)
    {
        await _keeper.StartAsync(TestContext.Current.CancellationToken);
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
        _lists = new ChunkLists(state, _served, _health, _log);
        _digests = new DigestKeeper(options, _served, _keeper, _lists, _health, _time, _log, () => { });
        await _digests.StartAsync();
        await WorkAsync();
    }

    private async Task WorkAsync()
    {
        using CancellationTokenSource enough = new();
        Task running = _digests!.RunAsync(enough.Token);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private string Chunks()
    {
        ContentService service = new(() => _keeper.Library, _open, new ContentChunks(_lists!, _digests!.Miss),
            new Complaints(_log, _time), () => { });
        return new Wire(service).Receive("HELLO 2\nCHUNKS big.bin\n").Turn().Sent["WELCOME MICRO-CDN 2\n".Length..];
    }

    private string Expected()
    {
        byte[][] digests = [.. _bytes.Chunk(1 << 20).Select(SHA256.HashData)];
        string lines = string.Concat(digests.Select(digest => Convert.ToHexStringLower(digest) + "\n"));
        string root = Convert.ToHexStringLower(SHA256.HashData([.. digests.SelectMany(digest => digest)]));
        return $"CHUNKS big.bin {Length} sha256={Convert.ToHexStringLower(SHA256.HashData(_bytes))} chunks={root}\n"
            + $"{lines}END\n";
    }
}
