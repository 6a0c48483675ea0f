using System.Security.Cryptography;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Content.Publishing;
using MicroCdn.Edge;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Edge;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content.Publishing;

/// <summary>What was published is served, announced and read again like any other file.</summary>
public sealed class ServingTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly LogBook _log = new();
    private readonly ServedFolder _folder;
    private readonly BlobKeeper _blobs;
    private readonly OpenFiles _open;
    private readonly ContentService _service;
    private readonly HttpService _http;
    private readonly LibraryKeeper _keeper;
    private Library _library;

    public ServingTests()
    {
        File.SetLastWriteTimeUtc(_world.Write("served/by hand", "by hand"), new DateTime(2026, 1, 2));
        _folder = new ServedFolder(_world["served"]);
        StoreHealth health = new(_ => { });
        _blobs = new BlobKeeper(Options, _folder, health, _time, _log, () => { });
        _blobs.Open();
        _open = new OpenFiles(_folder.Open, most: 8, _blobs.OpenFile);
        _blobs.Gone = _open.Drop;
        ChunkLists chunks = new(_world["state"], _folder, health, _log);
        Complaints complaints = new(_log, _time);
        _library = new Library(_blobs.Published);
        _folder.Scan((name, facts) => _library.Add(name, facts));
        _service = new ContentService(
            () => _library, _open, new ContentChunks(chunks, _ => { }), complaints, () => Assert.Fail("no scan is due"))
        {
            Uploads = new Uploads(_blobs, chunks, _log),
        };
        ServedFiles files = new(() => _library, _open, () => Assert.Fail("no scan is due"));
        EdgeOptions usual = new();
        _http = new HttpService(new EdgeHandler(usual, new FileFieldLines(usual), files, null, null, _time),
            new TrustedNetworks([]), complaints, _time);
        _keeper = new LibraryKeeper(_folder, _time, _log, _ => { }, null, _blobs.Published);
    }

    private ContentOptions Options => new()
    {
        Id = Names.Id("CS1"), Files = _world["served"], State = _world["state"], LeastFreeBytes = 0, AtDisk = Task.Run,
        InBackground = work =>
        {
            work();
            return Task.CompletedTask;
        },
        ScrubInterval = TimeSpan.FromDays(7),
    };

    public void Dispose()
    {
        Assert.Equal(0, _open.Active);
        _keeper.Dispose();
        _open.Dispose();
        _blobs.Dispose();
        _world.Dispose();
    }

    [Fact]
    public async Task A_published_file_is_sent_by_line_and_over_HTTP_with_the_time_of_its_publication()
    {
        await ShowAsync("docs/a b", "Hello", 1);
        Assert.Equal("OK 5\nHello", Ask("GET docs/a b"));
        Assert.Equal("OK 5\nHello", Ask("GET docs/a%20b"));
        HttpAnswer answer = Get("/docs/a%20b");
        Assert.Equal((200, "Hello"), (answer.Status, answer.Text));
        Assert.Equal(EdgeWorld.TagOf("Hello"), answer["ETag"]);
        Assert.Equal("Sun, 09 Sep 2001 01:46:41 GMT", answer["Last-Modified"]);
        Assert.Equal("OK 7\nby hand", Ask("GET by hand"));
    }

    [Fact]
    public async Task A_published_name_hides_a_file_of_the_folder_until_it_is_dropped()
    {
        await ShowAsync("by hand", "published", 1);
        Assert.Equal(("OK 9\npublished", "published"), (Ask("GET by hand"), Get("/by%20hand").Text));
        await ShowAsync("by hand", null, 1);
        Assert.Equal(("OK 7\nby hand", "by hand"), (Ask("GET by hand"), Get("/by%20hand").Text));
    }

    [Fact]
    public async Task A_download_ends_with_the_revision_that_it_began_with_and_the_next_has_the_new_one()
    {
        string old = new('x', 400_000), next = new('y', 400_000);
        await ShowAsync("a", old, 1);
        Wire wire = new Wire(_service) { Window = 100_000 }.Receive("GET a\n");
        await ShowAsync("a", next, 2);
        wire.Window = long.MaxValue;
        Assert.Equal("OK 400000\n" + old, wire.Turn().Sent);
        Assert.Equal("OK 400000\n" + next, Ask("GET a"));
        // Who asks part after part says which bytes it means.
        Assert.EndsWith("OK 2\nxx", Ask($"HELLO 2\nRANGE 9 2 a sha256={Of(old)}"), StringComparison.Ordinal);
        Assert.EndsWith("OK 2\nyy", Ask($"HELLO 2\nRANGE 9 2 a sha256={Of(next)}"), StringComparison.Ordinal);
        _time.Advance(Published.Grace);
        await _blobs.ExpireAsync();
        Assert.EndsWith("FILE_NOT_FOUND\n", Ask($"HELLO 2\nRANGE 9 2 a sha256={Of(old)}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_is_told_what_was_published_and_then_each_change_alone()
    {
        ToldFiles told = new(Names.Id("CS1"));
        await ShowAsync("a", "one", 1);
        Assert.Equal([$"ADD_FILE CS1 a 3 sha256={Of("one")} time=1000000001 rev=1", "ADD_FILE CS1 by%20hand 7"],
            Tell(told));
        Assert.Empty(Tell(told));
        await ShowAsync("by hand", "two", 2);
        await ShowAsync("a", "two", 2);
        await ShowAsync("a", "three", 3);
        Assert.Equal([$"ADD_FILE CS1 by%20hand 3 sha256={Of("two")} time=1000000002 rev=2",
            $"ADD_FILE CS1 a 5 sha256={Of("three")} time=1000000003 rev=3"], Tell(told));
        await ShowAsync("a", null, 3);
        await ShowAsync("by hand", null, 3);
        Assert.Equal(["REMOVE_FILE CS1 a", "ADD_FILE CS1 by%20hand 7"], Tell(told));
        // A file that is hidden comes and goes unsaid.
        await ShowAsync("by hand", "four", 4);
        Tell(told);
        _library = new Library(_blobs.Published);
        Assert.Empty(Tell(told));
        await ShowAsync("by hand", null, 5);
        Assert.Equal(["REMOVE_FILE CS1 by%20hand"], Tell(told));
    }

    [Fact]
    public async Task Published_bytes_that_rot_are_withdrawn_with_all_their_names()
    {
        await ShowAsync("a", "will rot", 1);
        await ShowAsync("b", "will rot", 1);
        await ShowAsync("c", "stays", 1);
        File.WriteAllText(_blobs.Folder!.PathOf(Of("will rot")), "did rot!");
        ScrubPosition position = new(null, _folder, new StoreHealth(_ => { }));
        using Scrubber scrubber = new(Options, _folder, _keeper, _blobs, position, _time, _log);
        using CancellationTokenSource stop = new();
        Task running = scrubber.RunAsync(stop.Token);
        _time.Advance(TimeSpan.FromDays(7) + TimeSpan.FromHours(1));
        while (!_log.Lines.Any(line => line.Contains("are withdrawn", StringComparison.Ordinal)))
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal("ERROR FILE_NOT_FOUND\n", Ask("GET a"));
        Assert.Equal("ERROR FILE_NOT_FOUND\n", Ask("GET b"));
        Assert.Equal("OK 5\nstays", Ask("GET c"));
    }

    private async Task ShowAsync(string name, string? text, long revision)
    {
        if (text is not null)
        {
            using BlobPart part = _blobs.Folder!.Begin(Of(text), text.Length);
            part.Write(0, text.Utf8());
            part.Commit();
            await _blobs.AddAsync(new Blob(Of(text), text.Length, Chunks.RootOfOne(text.Length, Of(text))));
        }
        NameChange change = new(name.Utf8(), text is null ? default : Of(text), revision, 1_000_000_000 + revision);
        Assert.Equal([NameResult.Done], await _blobs.ChangeAsync([change]));
    }

    private string Ask(string lines) => new Wire(_service).Receive($"{lines}\n").Sent;

    private HttpAnswer Get(string path) =>
        HttpAnswer.Read(new Wire(_http).Receive(EdgeWorld.Head("GET", path)).SentBytes);

    private string[] Tell(ToldFiles told) =>
        string.Concat(told.Tell(_library).Select(piece => Encoding.UTF8.GetString(piece.Span)))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static FileDigest Of(string text) => new(SHA256.HashData(text.Utf8()));
}
