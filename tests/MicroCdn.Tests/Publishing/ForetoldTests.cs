using System.Net;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Publishing;

/// <summary>A follower that hears of a change by the log and by its servers, in any order.</summary>
public sealed class ForetoldTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Catalog _catalog = new(1);
    private readonly Fleet _fleet;
    private readonly Book _book;
    private readonly Foretold _foretold;
    private bool _follows = true;

    public ForetoldTests()
    {
        _fleet = new Fleet(_time);
        _book = new Book(_catalog, 1);
        _foretold = new Foretold(_book, _catalog, _fleet, _time) { Follows = () => _follows };
        for (int number = 0; number < 3; number++) Register(number, new FileList());
    }

    [Fact]
    public void A_change_turns_when_somebody_shows_the_new_bytes()
    {
        Publish("a", "x", 0, 1);
        Assert.False(_foretold.TryApply(Change(2, ("a", "y")), mayWait: true));
        Assert.Equal("x 0,1", Offered("a"));
        Tell(1, ("a", "y", 2));
        Assert.Equal("x 0,1", Offered("a"));
        Assert.True(_foretold.TryApply(Change(2, ("a", "y")), mayWait: true));
        Assert.Equal("y 1", Offered("a"));
        Tell(0, ("a", "y", 2));
        Assert.Equal("y 0,1", Offered("a"));
    }

    [Fact]
    public void The_servers_may_be_first()
    {
        Publish("a", "x", 0, 1);
        Tell(0, ("a", "y", 2));
        Tell(1, ("a", "y", 2));
        Assert.Equal("x 0,1", Offered("a"));
        Assert.True(_foretold.TryApply(Change(2, ("a", "y")), mayWait: true));
        Assert.Equal("y 0,1", Offered("a"));
    }

    [Fact]
    public void All_names_of_a_change_turn_together()
    {
        Publish("a", "x", 0);
        Publish("b", "x", 1);
        Publish("gone", "x", 1);
        RecordChange change = Change(4, ("a", "y"), ("b", "y"), ("new", "y"), ("gone", null));
        Tell(0, ("a", "y", 4), ("new", "y", 4));
        Assert.False(_foretold.TryApply(change, mayWait: true));
        Assert.Equal(("x 0", "x 1", "", "x 1"), (Offered("a"), Offered("b"), Offered("new"), Offered("gone")));
        Tell(1, ("b", "y", 4));
        Assert.True(_foretold.TryApply(change, mayWait: true));
        Assert.Equal(("y 0", "y 1", "y 0", ""), (Offered("a"), Offered("b"), Offered("new"), Offered("gone")));
    }

    [Fact]
    public void What_nobody_has_now_is_not_waited_for()
    {
        Publish("a", "x", 0);
        Tell(0);
        Assert.True(_foretold.TryApply(Change(2, ("a", "y"), ("new", "y")), mayWait: true));
        Publish("b", "x", 1);
        Dead(1);
        Assert.True(_foretold.TryApply(Change(4, ("b", "y")), mayWait: true));
        // The same bytes by another revision, and a removal, take nobody's file.
        Publish("c", "x", 0);
        Assert.True(_foretold.TryApply(Change(6, ("c", "x")), mayWait: true));
        Assert.True(_foretold.TryApply(Change(7, ("c", null)), mayWait: true));
    }

    [Fact]
    public async Task A_change_waits_for_five_seconds_and_those_behind_it_not_as_long_again()
    {
        Applied applied = new(new Router(_catalog, _fleet, new Chance(1)), NullLogger.Instance);
        using CancellationTokenSource end = new();
        Task writing = applied.RunAsync(end.Token);
        Publish("a", "x", 0);
        Task held = _foretold.HoldAsync(Change(2, ("a", "y")), applied, () => true, end.Token);
        TimeSpan waited = TimeSpan.Zero;
        while (!held.IsCompleted)
        {
            if (waited < Foretold.Patience) Assert.Equal("x 0", Offered("a"));
            _time.Advance(TimeSpan.FromMilliseconds(100));
            waited += TimeSpan.FromMilliseconds(100);
            await Task.Yield();
        }
        await held;
        Assert.Equal("", Offered("a"));
        Register(0, Lists.Digested(("a", 5, "y")));
        await _foretold.HoldAsync(Change(3, ("a", "z")), applied, () => true, end.Token);
        Assert.Equal(3, _book.Number);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task Whoever_is_to_be_the_writer_waits_for_nobody()
    {
        Applied applied = new(new Router(_catalog, _fleet, new Chance(1)), NullLogger.Instance);
        using CancellationTokenSource end = new();
        Task writing = applied.RunAsync(end.Token);
        Publish("a", "x", 0);
        bool isHeir = false;
        Task held = _foretold.HoldAsync(Change(2, ("a", "y")), applied, () => !Volatile.Read(ref isHeir), end.Token);
        Volatile.Write(ref isHeir, true);
        _foretold.Ring();
        await held.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(2, _book.Number);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public void Servers_are_believed_after_five_seconds_without_the_change()
    {
        Publish("a", "x", 0, 1);
        Publish("b", "x", 0);
        Tell(0, ("a", "y", 3));
        Advance(4);
        Tell(0, ("a", "y", 3), ("b", "y", 3));
        Assert.Equal(("x 0,1", "x 0"), (Offered("a"), Offered("b")));
        Advance(1);
        // What turned with it turns with it.
        Assert.Equal(("y 0", "y 0"), (Offered("a"), Offered("b")));
        // The next revision is not made of what was only believed.
        Assert.Equal(3, _book.NextRevision);
        Assert.True(_foretold.TryApply(Change(3, ("a", "y"), ("b", "y")), mayWait: true));
        Assert.Equal(("y 0", "y 0"), (Offered("a"), Offered("b")));
    }

    [Fact]
    public void Nobody_is_waited_for_when_the_last_one_with_the_old_bytes_drops_them()
    {
        Publish("a", "x", 0);
        Tell(1, ("a", "y", 2));
        Assert.Equal("x 0", Offered("a"));
        Tell(0);
        Assert.Equal("y 1", Offered("a"));
    }

    [Fact]
    public void A_change_that_was_overtaken_is_passed_over()
    {
        Publish("a", "x", 0);
        Tell(0, ("a", "z", 3));
        Assert.True(_foretold.TryApply(Change(2, ("a", "y")), mayWait: true));
        Assert.Equal("z 0", Offered("a"));
        Assert.True(_foretold.TryApply(Change(3, ("a", "z")), mayWait: true));
        Assert.Equal("z 0", Offered("a"));
    }

    [Fact]
    public void A_server_that_registers_anew_has_said_nothing_before()
    {
        Publish("a", "x", 0, 1);
        Tell(0, ("a", "y", 2));
        Register(0, Lists.Digested(("a", 5, "x")));
        Assert.False(_foretold.TryApply(Change(2, ("a", "y")), mayWait: true));
        Advance(5);
        Assert.Equal("x 0,1", Offered("a"));
    }

    [Fact]
    public void Whoever_writes_keeps_nothing_aside()
    {
        Publish("a", "x", 0);
        Tell(1, ("a", "y", 2));
        _follows = false;
        _foretold.Settle();
        Tell(2, ("a", "y", 2));
        Assert.Equal("x 0", Offered("a"));
        _foretold.TryApply(Change(2, ("a", "y")), mayWait: false);
        Assert.Equal("y 1,2", Offered("a"));
    }

    [Fact]
    public void A_book_that_is_loaded_anew_turns_with_what_is_known_of_it()
    {
        Publish("a", "x", 0);
        Tell(0, ("a", "y", 9));
        _foretold.Replace(9, Change(9, ("a", "y")).Rows);
        Assert.Equal("y 0", Offered("a"));
    }

    private void Advance(int seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        _foretold.Settle();
    }

    private void Publish(string name, string bytes, params int[] holders)
    {
        _foretold.TryApply(Change(_book.NextRevision, (name, bytes)), mayWait: false);
        foreach (int holder in holders) _catalog.Change(holder, Lists.Digested((name, 5, bytes)));
    }

    private void Tell(int server, params (string Name, string Bytes, long Revision)[] files)
    {
        FileList list = new();
        foreach ((string name, string bytes, long revision) in files)
        {
            list.Add(name.Utf8(), new FileState(5, Lists.Digest(bytes), 7), revision);
        }
        // One that tells nothing has nothing any more.
        if (files.Length == 0) list.Remove("a"u8);
        _foretold.SetAside(_fleet.Servers[server], list, isWhole: false);
        _catalog.Change(server, list);
        _foretold.NoteApplied(list);
    }

    private void Register(int number, FileList list)
    {
        ServerId id = Names.Id($"CS{number}");
        Server server = _fleet.Enlist(id)!;
        _foretold.SetAside(server, list, isWhole: true);
        _catalog.Replace(server.Number, list);
        _fleet.Registered(server, new Contact(id, IPAddress.Loopback, 7001, 7002, new ServerFacts()));
    }

    private void Dead(int server) => _fleet.Drain(_fleet.Servers[server], drains: true);

    private string Offered(string name)
    {
        Catalog.View view = _catalog.Now;
        int row = view.Names.Find(name.Utf8());
        if (row < 0) return "";
        ushort[] holders = view.Holders(row, _fleet.Servers, out FileState state);
        if (holders.Length == 0) return "";
        string bytes = new[] { "x", "y", "z" }.Single(one => Lists.Digest(one) == state.Digest);
        return $"{bytes} {string.Join(',', holders)}";
    }

    private static RecordChange Change(long number, params (string Name, string? Bytes)[] rows) => new(number,
    [
        .. rows.Select(row => new RecordRow((byte)BookKind.Name, row.Name.Utf8(), (row.Bytes is { } bytes
            ? new PublishedName(number, new FileState(5, Lists.Digest(bytes), 7), 0)
            : PublishedName.Removed(number)).Write())),
    ]);
}
