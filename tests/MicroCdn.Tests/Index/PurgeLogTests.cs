using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

public sealed class PurgeLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private string File => Path.Combine(_folder.Path, "state", "purges-5050");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Numbers_rise_over_restarts_within_one_epoch()
    {
        PurgeLog log = Open(7);
        Assert.Equal([1L, 2L], [log.Add(Tag("a")), log.Add(Tag("b"))]);
        PurgeLog again = Open(8);
        Assert.Equal((7UL, 2L, 3L), (again.Epoch, again.Latest, again.Add(Tag("c"))));
        Assert.Equal(["2 tag b", "3 tag c"], Told(again, 7, 1));
        Assert.Empty(Told(again, 7, 3));
    }

    [Fact]
    public void Who_knows_another_log_or_a_number_that_was_never_given_takes_all()
    {
        PurgeLog log = Open(7);
        log.Add(Tag("a"));
        Assert.Equal(["1 tag a"], Told(log, 0, 0));
        Assert.Equal(["1 tag a"], Told(log, 8, 1));
        Assert.Equal(["1 tag a"], Told(log, 7, 2));
    }

    [Fact]
    public void A_lost_folder_begins_another_epoch()
    {
        Open(7).Add(Tag("a"));
        System.IO.File.Delete(File);
        PurgeLog log = Open(8);
        Assert.Equal((8UL, 0L), (log.Epoch, log.Latest));
    }

    // A log that was cut may have lost purges that were told: what is left is told again under another epoch.
    [Fact]
    public void A_log_that_was_cut_at_any_byte_never_gives_a_number_twice_within_an_epoch()
    {
        PurgeLog log = Open(7);
        string[] tags = ["a", "b", "c"];
        foreach (string tag in tags) log.Add(Tag(tag));
        byte[] whole = System.IO.File.ReadAllBytes(File);
        for (int length = 0; length < whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            PurgeLog cut = Open(8);
            long before = cut.Latest, next = cut.Add(Tag("new"));
            Assert.Equal(before + 1, next);
            Assert.Equal(tags.Take((int)before).Append("new").Select((tag, at) => $"{at + 1} tag {tag}"),
                Told(cut, 0, 0));
            PurgeLog after = Open(9);
            Assert.Equal((cut.Epoch, next), (after.Epoch, after.Latest));
            // Cut between two records, nothing tells that there was more; a server that heard of it does.
            if (cut.Epoch == 7) Assert.Equal(before + 1, Told(cut, 7, 4).Length);
        }
    }

    [Fact]
    public void Who_missed_more_than_is_remembered_purges_everything()
    {
        PurgeLog log = new(null, 7, _time, out _);
        for (int n = 0; n < PurgeLog.Most + 5; n++) log.Add(Tag($"{n}"));
        Assert.Equal([$"{PurgeLog.Most + 5} all "], Told(log, 7, 4));
        Assert.Equal(["10005 tag 10004"], Told(log, 7, PurgeLog.Most + 4));
        _time.Advance(PurgeLog.Memory);
        Assert.Equal([$"{PurgeLog.Most + 5} all "], Told(log, 7, PurgeLog.Most + 4));
        Assert.Empty(Told(log, 7, PurgeLog.Most + 5));
    }

    [Fact]
    public void The_file_stays_within_its_bounds_and_keeps_numbers_and_servers()
    {
        PurgeLog log = Open(7);
        log.Note(Names.Id("CS1"));
        for (int n = 0; n < 1100; n++)
        {
            // One lives for seven of these.
            log.Add(Tag($"{n}"));
            _time.Advance(TimeSpan.FromDays(1));
            if (n % 2 == 0) log.Note(Names.Id("CS2"));
        }
        PurgeLog again = Open(8);
        Assert.Equal((7UL, 1100L), (again.Epoch, again.Latest));
        Assert.Equal(["CS2"], again.Servers.Select(server => server.Value));
        Assert.InRange(new FileInfo(File).Length, 1, 100_000);
        Assert.Equal("1100 all ", Told(again, 7, 1000)[0]);
    }

    [Fact]
    public void A_purge_that_cannot_be_written_down_gets_no_number()
    {
        System.IO.File.WriteAllText(Path.Combine(_folder.Path, "state"), "no folder");
        PurgeLog log = new(File, 7, _time, out _);
        Assert.ThrowsAny<IOException>(() => log.Add(Tag("a")));
        Assert.Equal(0, log.Latest);
    }

    private PurgeLog Open(ulong epoch) => new(File, epoch, _time, out _);

    private static Purge Tag(string tag) => Purge.Of(PurgeKind.Tag, tag, isSoft: false, out _)!;

    private static string[] Told(PurgeLog log, ulong epoch, long number)
    {
        PurgesLine[] lines = log.Since(epoch, number);
        Assert.Equal(new PurgesLine(null, log.Epoch, log.Latest), lines[^1]);
        return [.. lines[..^1].Select(line => $"{line.Number} {line.Purge!.KindWord} {line.Purge.Value}")];
    }
}
