using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Storage;

public sealed class UploadFolderTests : IDisposable
{
    private const string Key = "aa", Other = "bb";
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_came_before_it_broke_off_is_gone_on_with_also_by_another_process()
    {
        UploadFolder uploads = Open();
        Begin(uploads, Key, 0, 10, "Hello"u8, isKept: true);
        Assert.Equal(5, uploads.LengthOf(Key));
        uploads = Open();
        Assert.Equal(5, uploads.LengthOf(Key));
        Assert.Equal(UploadStart.Gap, uploads.TryBegin(Key, 6, 10, out _));
        Assert.Equal(UploadStart.Begun, uploads.TryBegin(Key, 4, 10, out UploadPart? part));
        part!.Open();
        part.Write("p!"u8);
        using (StreamReader reader = new(part.OpenRead())) Assert.Equal("Hellp!", reader.ReadToEnd());
        part.IsKept = false;
        part.Dispose();
        Assert.Equal(0, uploads.LengthOf(Key));
        Assert.Equal(["boot"], _folder.Names());
    }

    [Fact]
    public void A_name_has_one_upload_at_a_time()
    {
        UploadFolder uploads = Open();
        uploads.TryBegin(Key, 0, 10, out UploadPart? part);
        Assert.Equal(UploadStart.Busy, uploads.TryBegin(Key, 0, 10, out _));
        Assert.Equal(UploadStart.Begun, uploads.TryBegin(Other, 0, 10, out UploadPart? other));
        part!.Dispose();
        Assert.Equal(UploadStart.Begun, uploads.TryBegin(Key, 0, 10, out part));
        part!.Dispose();
        other!.Dispose();
    }

    [Fact]
    public void Nobody_takes_more_than_there_is_be_it_announced_or_not()
    {
        UploadFolder uploads = Open(most: 100);
        Assert.Equal(UploadStart.TooLarge, uploads.TryBegin(Key, 0, 101, out _));
        uploads.TryBegin(Key, 0, 60, out UploadPart? part);
        Assert.Equal(UploadStart.NoRoom, uploads.TryBegin(Other, 0, 50, out _));
        Assert.Equal(UploadStart.Begun, uploads.TryBegin(Other, 0, -1, out UploadPart? endless));
        endless!.Open();
        Assert.Throws<DiskFullException>(() => endless.Write(new byte[41]));
        endless.IsKept = false;
        endless.Dispose();
        part!.Dispose();
        Assert.Equal(UploadStart.NoRoom, Open(leastFree: long.MaxValue).TryBegin(Key, 0, 1, out _));
    }

    [Fact]
    public void A_thousand_uploads_at_once_are_64()
    {
        UploadFolder uploads = Open();
        List<UploadPart> parts = [];
        UploadStart[] starts = [.. Enumerable.Range(0, 1_000).Select(n =>
        {
            UploadStart start = uploads.TryBegin($"{n}", 0, -1, out UploadPart? part);
            if (part is not null) parts.Add(part);
            return start;
        })];
        Assert.Equal(UploadFolder.MostAtOnce, starts.Count(start => start == UploadStart.Begun));
        Assert.Equal(UploadStart.TooMany, starts[^1]);
        foreach (UploadPart part in parts) part.Dispose();
        Assert.Equal(["boot"], _folder.Names());
    }

    [Fact]
    public void Who_comes_gets_the_room_of_the_oldest_that_broke_off_if_that_is_enough()
    {
        UploadFolder uploads = Open(most: 100);
        Begin(uploads, Key, 0, -1, new byte[50], isKept: true);
        _time.Advance(TimeSpan.FromSeconds(1));
        Begin(uploads, Other, 0, 40, new byte[40], isKept: true);
        uploads.TryBegin("cc", 0, 60, out UploadPart? part);
        Assert.Equal((0, 40), (uploads.LengthOf(Key), uploads.LengthOf(Other)));
        Assert.Equal(UploadStart.NoRoom, uploads.TryBegin("dd", 0, 50, out _));
        Assert.Equal(40, uploads.LengthOf(Other));
        part!.Dispose();
    }

    [Fact]
    public void What_nobody_comes_back_to_goes_after_a_day()
    {
        UploadFolder uploads = Open();
        Begin(uploads, Key, 0, 10, "Hello"u8, isKept: true);
        _time.Advance(UploadFolder.PartTime - TimeSpan.FromMinutes(1));
        uploads.Look();
        Assert.Equal(5, uploads.LengthOf(Key));
        _time.Advance(TimeSpan.FromMinutes(2));
        uploads.Look();
        Assert.Equal(0, uploads.LengthOf(Key));
        Assert.Equal(["boot"], _folder.Names());
    }

    [Fact]
    public void What_came_before_the_machine_stopped_is_not_trusted()
    {
        Begin(Open(), Key, 0, 10, "Hello"u8, isKept: true);
        _folder.Write("boot", "another boot");
        Assert.Equal(0, Open().LengthOf(Key));
        Assert.Equal(["boot"], _folder.Names());
    }

    private UploadFolder Open(long most = long.MaxValue, long leastFree = 0) =>
        UploadFolder.Open(_folder.Path, most, leastFree, _time);

    private static void Begin(UploadFolder uploads, string key, long offset, long total, ReadOnlySpan<byte> bytes,
        bool isKept)
    {
        Assert.Equal(UploadStart.Begun, uploads.TryBegin(key, offset, total, out UploadPart? part));
        part!.Open();
        part.Write(bytes);
        part.IsKept = isKept;
        part.Dispose();
    }
}
