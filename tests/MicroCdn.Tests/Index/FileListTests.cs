using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

public sealed class FileListTests
{
    [Fact]
    public void An_empty_list_has_no_rows()
    {
        FileList.Reader rows = new FileList().Read();
        Assert.False(rows.Next());
    }

    // A page is 1 MiB; a row is 10 bytes and its name. Every way in which a page can end: full, a byte left, a head
    // left ...
    [Fact]
    public void Rows_come_back_in_order_over_every_kind_of_page_end()
    {
        for (int last = 0; last <= 40; last++)
        {
            FileList list = new();
            List<(string, long)> model = [];
            int left = (1 << 20) - last;
            while (left > 0)
            {
                int length = Math.Min(left > 1034 ? 1024 : left - 10, 1024);
                if (length <= 0) break;
                Add(new string((char)('a' + (model.Count % 26)), length), model.Count);
                left -= length + 10;
            }
            for (int more = 0; more < 3; more++) Add($"after{more}", long.MaxValue - more);
            Check(list, model);

            void Add(string name, long size)
            {
                list.Add(name.Utf8(), size);
                model.Add((name, size));
            }
        }
    }

    [Fact]
    public void Two_hundred_thousand_random_rows_come_back()
    {
        Random random = new(5);
        FileList list = new();
        List<(string, long)> model = [];
        for (int row = 0; row < 200_000; row++)
        {
            (string Name, long Size) file = ($"{row}{new string('x', random.Next(60))}", random.NextInt64());
            list.Add(file.Name.Utf8(), file.Size);
            model.Add(file);
        }
        Check(list, model);
    }

    [Fact]
    public void A_list_may_be_read_more_than_once()
    {
        FileList list = Lists.Of(("a", 1), ("b", 2));
        Check(list, [("a", 1), ("b", 2)]);
        Check(list, [("a", 1), ("b", 2)]);
    }

    [Fact]
    public void Digests_times_and_removals_come_back_beside_plain_rows_over_every_page_end()
    {
        Random random = new(6);
        byte[] digest = new byte[FileDigest.Length];
        FileList list = new();
        List<(string Name, FileState State, bool IsRemoval)> model = [];
        for (int row = 0; row < 60_000; row++)
        {
            random.NextBytes(digest);
            string name = $"{row}{new string('x', random.Next(100))}";
            FileState state = row % 3 == 0 ? new FileState(row)
                : new FileState(row, new FileDigest(digest), random.Next(-1, 100));
            bool isRemoval = row % 7 == 0;
            if (isRemoval) list.Remove(name.Utf8());
            else list.Add(name.Utf8(), state);
            model.Add((name, isRemoval ? new FileState(0) : state, isRemoval));
        }
        FileList.Reader rows = list.Read();
        foreach ((string name, FileState state, bool isRemoval) in model)
        {
            Assert.True(rows.Next());
            Assert.Equal((name, state, isRemoval), (rows.Name.Text(), rows.State, rows.IsRemoval));
        }
        Assert.False(rows.Next());
    }

    private static void Check(FileList list, List<(string Name, long Size)> model)
    {
        Assert.Equal(model.Count, list.Count);
        FileList.Reader rows = list.Read();
        foreach ((string name, long size) in model)
        {
            Assert.True(rows.Next());
            Assert.Equal(size, rows.State.Size);
            Assert.Equal(name, rows.Name.Text());
        }
        Assert.False(rows.Next());
    }
}
