using MicroCdn.Index;
using MicroCdn.Index.Publishing;
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

    // Three servers that tell ten million published files after a restart would need more memory than the index.
    [Fact]
    public void What_the_index_knows_already_takes_few_bytes_and_comes_back_whatever_changes_meanwhile()
    {
        const int Count = 50_000;
        Catalog catalog = new(7);
        for (int row = 0; row < Count; row++) Publish(row, 1);
        FileList list = new(catalog.Now);
        (byte[] Name, FileState State)[] files =
            [.. Enumerable.Range(0, Count).Select(row => (NameOf(row), StateOf(row)))];
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int row = 0; row < Count; row++) list.Add(files[row].Name, files[row].State, revision: row);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Count, 1, 45);
        list.Add(NameOf(3), StateOf(4), revision: 1);
        list.Add("unknown"u8, StateOf(3));
        // Names are replaced and removed until the catalog has moved to new tables.
        for (int row = 0; row < Count; row += 2) Publish(row, 2);
        for (int time = 0; time < 4; time++)
        {
            for (int row = 1; row < Count; row += 2) catalog.Retract(NameOf(row));
            for (int row = 1; row < Count; row += 2) Publish(row, time);
        }
        Assert.True(list.HasPublished);
        FileList.Reader rows = list.Read();
        for (int row = 0; row < Count; row++) CheckNext(ref rows, NameOf(row), StateOf(row), row);
        CheckNext(ref rows, NameOf(3), StateOf(4), 1);
        CheckNext(ref rows, "unknown"u8, StateOf(3), 0);
        Assert.False(rows.Next());

        static void CheckNext(ref FileList.Reader rows, ReadOnlySpan<byte> name, FileState state, long revision)
        {
            Assert.True(rows.Next());
            Assert.Equal(name.Text(), rows.Name.Text());
            Assert.Equal((state, revision, false), (rows.State, rows.Revision, rows.IsRemoval));
        }

        void Publish(int row, int version) => catalog.Publish(NameOf(row), new PublishedName(
            1, version == 1 ? StateOf(row) : StateOf(row) with { Size = 5_000 + version }, 0));
        static byte[] NameOf(int row) => $"folder/of/names/as/long/as/most/{row}".Utf8();
        static FileState StateOf(int row) => new(row, Lists.Digest($"{row}"), 7);
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
