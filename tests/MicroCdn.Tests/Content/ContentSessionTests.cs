using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

// docs/protocol.md, version 1 messages: what a content server answers.
public sealed class ContentSessionTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly ServedFolder _folder;
    private readonly OpenFiles _open;
    private readonly ChunkLists _lists;
    private readonly List<FileDigest> _missed = [];
    private readonly ContentService _service;
    private Library _library = Library.Empty;
    private int _scansAskedFor;

    public ContentSessionTests()
    {
        _world.Write("served/hello.txt", "Hello");
        _world.Write("served/empty", "");
        _world.Write("served/docs/a b", "spaced");
        _world.Write("served/large", new string('x', 400_000));
        _world.Write("secret", "secret");
        _folder = new ServedFolder(_world["served"]);
        _open = new OpenFiles(_folder.Open, most: 8);
        _lists = new ChunkLists(null, _folder, new StoreHealth(_ => { }), new LogBook());
        _service = new ContentService(() => _library, _open, new ContentChunks(_lists, _missed.Add),
            new Complaints(new LogBook(), new FakeTimeProvider()), () => _scansAskedFor++);
        Scan();
    }

    public void Dispose()
    {
        _open.Dispose();
        _world.Dispose();
    }

    [Theory]
    [InlineData("GET hello.txt", "OK 5\nHello")]
    [InlineData("GET   hello.txt  ", "OK 5\nHello")]
    [InlineData("  GET hello.txt", "OK 5\nHello")]
    [InlineData(" GET", "ERROR MALFORMED\n")]
    [InlineData(" ", "ERROR UNKNOWN_COMMAND\n")]
    [InlineData("GET empty", "OK 0\n")]
    [InlineData("GET docs/a b", "OK 6\nspaced")]
    [InlineData("GET docs/a%20b", "OK 6\nspaced")]
    [InlineData("GET %68ello.txt", "OK 5\nHello")]
    [InlineData("GET hello", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET ", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET docs", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET ../secret", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET %2e%2e/secret", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET docs/../hello.txt", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET /etc/passwd", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET hello.txt%00", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("GET", "ERROR MALFORMED\n")]
    [InlineData("HELLO", "WELCOME MICRO-CDN\n")]
    [InlineData("HELLO 2", "WELCOME MICRO-CDN 2\n")]
    [InlineData("HELLO  2 a=b", "WELCOME MICRO-CDN 2\n")]
    [InlineData("HELLO 3", "ERROR UNKNOWN_COMMAND\n")]
    [InlineData("HELLO2", "ERROR UNKNOWN_COMMAND\n")]
    [InlineData("LIST_FILES", "ERROR UNKNOWN_COMMAND\n")]
    [InlineData("", "ERROR UNKNOWN_COMMAND\n")]
    public void Every_line_has_its_answer_however_it_is_split(string line, string answer)
    {
        byte[] bytes = $"{line}\nHELLO\n".Utf8();
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Wire wire = new Wire(_service).Receive(bytes.AsSpan(0, cut)).Receive(bytes.AsSpan(cut));
            Assert.Equal($"{answer}WELCOME MICRO-CDN\n", wire.Sent);
        }
        Assert.Equal(0, _open.Active);
        Assert.Equal(0, _scansAskedFor);
    }

    [Theory]
    [InlineData("RANGE 0 5 hello.txt", "OK 5\nHello")]
    [InlineData("RANGE 1 3 hello.txt", "OK 3\nell")]
    [InlineData("RANGE 4 9223372036854775807 hello.txt", "OK 1\no")]
    [InlineData("RANGE 5 1 hello.txt", "OK 0\n")]
    [InlineData("RANGE 6 0 hello.txt", "ERROR OUT_OF_RANGE\n")]
    [InlineData("RANGE 9223372036854775807 1 hello.txt", "ERROR OUT_OF_RANGE\n")]
    [InlineData("RANGE 0 1 empty", "OK 0\n")]
    [InlineData("RANGE 0 9 docs/a%20b", "OK 6\nspaced")]
    [InlineData("RANGE 0 9 ../secret", "ERROR FILE_NOT_FOUND\n")]
    [InlineData("RANGE 0 hello.txt", "ERROR MALFORMED\n")]
    [InlineData("CHUNKS hello.txt", "ERROR UNAVAILABLE\n")]
    [InlineData("CHUNKS hello", "ERROR FILE_NOT_FOUND\n")]
    public void A_line_of_version_2_has_its_answer_however_it_is_split(string line, string answer)
    {
        byte[] bytes = $"HELLO 2\n{line}\nHELLO\n".Utf8();
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Wire wire = new Wire(_service).Receive(bytes.AsSpan(0, cut)).Receive(bytes.AsSpan(cut));
            Assert.Equal($"WELCOME MICRO-CDN 2\n{answer}WELCOME MICRO-CDN\n", wire.Sent);
        }
        Assert.StartsWith("ERROR UNKNOWN_COMMAND\n", new Wire(_service).Receive($"{line}\n").Sent,
            StringComparison.Ordinal);
        Assert.Equal(0, _open.Active);
    }

    [Fact]
    public void A_range_of_a_large_file_edited_meanwhile_is_closed_short_and_the_next_is_as_it_is_now()
    {
        Wire wire = new Wire(_service) { Window = 50_000 }.Receive("HELLO 2\nRANGE 100000 200000 large\n");
        File.WriteAllText(_world["served/large"], new string('y', 400_000));
        wire.Window = long.MaxValue;
        Assert.True(wire.Turn().Conversation.IsOver);
        Assert.True(wire.SentLength < "WELCOME MICRO-CDN 2\nOK 200000\n".Length + 200_000);
        Assert.EndsWith("OK 3\nyyy", new Wire(_service).Receive("HELLO 2\nRANGE 399997 9 large\n").Sent,
            StringComparison.Ordinal);
        Assert.Equal(0, _open.Active);
    }

    [Fact]
    public void A_download_counts_as_load_until_its_last_byte()
    {
        Wire wire = new Wire(_service) { Window = 100_000 }.Receive("GET large\nGET hello.txt\n");
        Assert.Equal(1, _open.Active);
        wire.Window = long.MaxValue;
        Assert.EndsWith("xxOK 5\nHello", wire.Turn().Sent, StringComparison.Ordinal);
        Assert.Equal("OK 400000\n".Length + 400_000 + "OK 5\nHello".Length, wire.SentLength);
        Assert.Equal(0, _open.Active);
    }

    [Fact]
    public void A_client_that_goes_away_is_no_load_any_more()
    {
        Wire wire = new Wire(_service) { Window = 100_000 }.Receive("GET large\n");
        wire.Conversation.End();
        Assert.Equal(0, _open.Active);
    }

    [Fact]
    public void A_file_replaced_by_rename_during_a_download_finishes_from_the_old_one()
    {
        Wire wire = new Wire(_service) { Window = 100_000 }.Receive("GET large\n");
        _world.Write("served/new", new string('y', 400_000));
        File.Move(_world["served/new"], _world["served/large"], overwrite: true);
        Scan();
        wire.Window = long.MaxValue;
        Assert.Equal("OK 400000\n" + new string('x', 400_000), wire.Turn().Sent);
        Assert.False(wire.Conversation.IsOver);
        Assert.Equal("OK 400000\n" + new string('y', 400_000), new Wire(_service).Receive("GET large\n").Sent);
    }

    [Fact]
    public void A_file_edited_in_place_during_a_download_is_closed_short()
    {
        Wire wire = new Wire(_service) { Window = 100_000 }.Receive("GET large\n");
        File.WriteAllText(_world["served/large"], new string('y', 400_000));
        wire.Window = long.MaxValue;
        Assert.True(wire.Turn().Conversation.IsOver);
        Assert.True(wire.SentLength < "OK 400000\n".Length + 400_000);
        Assert.Equal(0, _open.Active);
    }

    [Theory]
    [InlineData("hello.txt")]
    [InlineData("large")]
    public void A_file_edited_in_place_between_downloads_is_sent_as_it_is_now(string name)
    {
        new Wire(_service).Receive($"GET {name}\n");
        File.WriteAllText(_world[$"served/{name}"], "edited since");
        Assert.Equal("OK 12\nedited since", new Wire(_service).Receive($"GET {name}\n").Sent);
        Assert.True(_scansAskedFor > 0, "the library must learn of it");
        Assert.Equal(0, _open.Active);
    }

    [Fact]
    public void A_file_that_changed_since_the_scan_is_sent_as_it_is_and_a_scan_is_asked_for()
    {
        File.WriteAllText(_world["served/hello.txt"], "edited since");
        Assert.Equal("OK 12\nedited since", new Wire(_service).Receive("GET hello.txt\n").Sent);
        Assert.Equal(1, _scansAskedFor);
    }

    [Theory]
    [InlineData(Answer.CopiedBytes)]
    [InlineData(Answer.CopiedBytes + 1)]
    [InlineData(Answer.PieceBytes)]
    [InlineData(Answer.PieceBytes + 1)]
    public void No_download_is_a_mixture_of_two_states(int length)
    {
        _world.Write("served/mixed", new string('x', length));
        Scan();
        new Wire(_service).Receive("GET mixed\n");
        File.WriteAllText(_world["served/mixed"], new string('y', length));
        string body = new Wire(_service).Receive("GET mixed\n").Sent[$"OK {length}\n".Length..];
        Assert.Equal(length, body.Length);
        Assert.Single(body.Distinct());
    }

    [Fact]
    public void A_file_that_went_away_is_not_found_and_a_scan_is_asked_for()
    {
        File.Delete(_world["served/hello.txt"]);
        Assert.Equal("ERROR FILE_NOT_FOUND\n", new Wire(_service).Receive("GET hello.txt\n").Sent);
        Assert.Equal(1, _scansAskedFor);
    }

    [Fact]
    public void A_file_that_became_a_link_to_the_outside_is_not_found()
    {
        File.Delete(_world["served/hello.txt"]);
        _world.Link("served/hello.txt", "../secret");
        Assert.Equal("ERROR FILE_NOT_FOUND\n", new Wire(_service).Receive("GET hello.txt\n").Sent);
    }

    private void Scan()
    {
        Library library = new();
        _folder.Scan((name, facts) => library.Add(name, facts));
        _library = library;
    }
}
