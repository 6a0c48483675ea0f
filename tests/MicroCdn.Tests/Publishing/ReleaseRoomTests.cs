using System.Text;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Records.Redis;
using MicroCdn.Tests.Index;

namespace MicroCdn.Tests.Publishing;

public sealed class ReleaseRoomTests
{
    private static readonly PublishedName File = new(1, new FileState(3, Lists.Digest("x"), 1), 1);

    private readonly Book _book = new(new Catalog(1), 1);

    [Fact]
    public void The_last_file_of_a_release_is_staged_once_also_when_several_come_in_one_change()
    {
        Stage("r", Enumerable.Range(0, Releases.MostFiles - 1).Select(n => $"{n}"));
        Assert.True(HasRoom("r", "a"));
        Assert.False(HasRoom("r", "b", Row("r", "a")));
        // Another release has room, what is staged is staged again, and the same once more waits for the first.
        Assert.True(HasRoom("s", "b", Row("r", "a")));
        Assert.True(HasRoom("r", "7", Row("r", "a")));
        Assert.True(HasRoom("r", "a", Row("r", "a")));
        Assert.True(HasRoom("r", "b", Row("r", "7"), Row("s", "a")));
        Stage("r", ["a"]);
        Assert.False(HasRoom("r", "b"));
    }

    [Fact]
    public void Of_all_releases_together_no_file_is_staged_too_many_in_one_change()
    {
        for (int release = 0; release < 4; release++)
        {
            int files = release < 3 ? Releases.MostFiles : Releases.MostStaged - (3 * Releases.MostFiles) - 1;
            Stage($"r{release}", Enumerable.Range(0, files).Select(n => $"{n}"));
        }
        Assert.True(HasRoom("new", "a"));
        Assert.False(HasRoom("new", "b", Row("newer", "a")));
    }

    [Fact]
    public void What_can_be_staged_can_be_thrown_away_and_activated_by_one_change()
    {
        string release = new('r', 64);
        List<string> names = [];
        for (; names.Count < Releases.MostFiles; names.Add($"{names.Count:D6}{new string('n', Limits.NameBytes - 6)}"))
        {
            if (names.Count % 100 > 0) continue;
            Stage(release, names.TakeLast(100));
            if (!HasRoom(release, "one more")) break;
        }
        Assert.InRange(names.Count, 8_000, 12_000);
        byte[] shortest = PublishedName.Removed(1).Write();
        RecordRow[] gone = [.. names.Select(name => Row(release, name) with { Value = null })];
        Assert.InRange(SizeOf(gone), 1L, (long)RedisRecordStore.MostChangeBytes / 2);
        RecordRow[] turned = [.. gone, .. names.SelectMany(name => new[]
        {
            Row(release, name) with { Kind = (byte)BookKind.Undo, Value = shortest },
            new RecordRow((byte)BookKind.Name, Encoding.UTF8.GetBytes(name), shortest),
        })];
        Assert.InRange(SizeOf(turned), RedisRecordStore.MostChangeBytes * 9L / 10,
            RedisRecordStore.MostChangeBytes * 101L / 100);
    }

    private static long SizeOf(RecordRow[] rows) => rows.Sum(row => 7L + row.Key.Length + (row.Value?.Length ?? 0));

    private bool HasRoom(string release, string name, params RecordRow[] together) =>
        _book.Releases.HasRoom(Id(release), Encoding.UTF8.GetBytes(name), together);

    private void Stage(string release, IEnumerable<string> names) =>
        _book.Apply(new RecordChange(_book.Number + 1, [.. names.Select(name => Row(release, name))]));

    private static RecordRow Row(string release, string name) => new(
        (byte)BookKind.Release, Releases.KeyOf(Id(release), Encoding.UTF8.GetBytes(name)), File.Write());

    private static ServerId Id(string text) => ServerId.TryCreate(text, out ServerId id) ? id : default;
}
