using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

public sealed class NameTableTests
{
    [Fact]
    public void An_empty_table_finds_nothing()
    {
        NameTable table = new(1);
        Assert.Equal(-1, table.Find("a"u8));
        Assert.Equal(-1, table.Find(""u8));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Names_of_every_kind_may_be_brought_near_and_are_found_as_before()
    {
        NameTable table = new(1);
        byte[] text = [.. Enumerable.Range(0, 2000).Select(place => (byte)((place * 31) + (place / 256)))];
        Range[] ranges = [0..0, 0..2000, 0..1, 5..60, 1999..2000, 2000..2000];
        long[] values = new long[ranges.Length];
        table.BringNear(text, ranges, values);
        table.BringNear(text, [], []);
        // Long ones, so that pages fill up to their last unit.
        for (int start = 0; start < 1000; start++) table.Add(text.AsSpan(start, 1000));
        for (int start = 0; start < 1000; start++)
        {
            table.BringNear(text, [start..(start + 1000), (start + 1)..], values);
        }
        Assert.Equal(1000, table.Count);
        for (int start = 0; start < 1000; start++) Assert.True(table.Find(text.AsSpan(start, 1000)) >= 0);
    }

    [Fact]
    public void A_name_has_one_row_and_no_other_name_has_it()
    {
        NameTable table = new(1);
        int one = table.Add("one"u8), two = table.Add("two"u8);
        Assert.NotEqual(one, two);
        Assert.Equal(one, table.Add("one"u8));
        Assert.Equal(2, table.Count);
        Assert.Equal("two", table[two].Text());
        Assert.Equal(-1, table.Find("on"u8));
        Assert.Equal(-1, table.Find("onee"u8));
    }

    [Fact]
    public void A_value_stands_beside_each_name_and_is_0_at_first()
    {
        NameTable table = new(1);
        for (int number = 0; number < 5_000; number++)
        {
            int row = table.Add(Short(number));
            Assert.Equal(0, table.ValueOf(row));
            table.ValueOf(row) = long.MinValue + number;
        }
        for (int number = 0; number < 5_000; number++)
        {
            Assert.Equal(long.MinValue + number, table.ValueOf(table.Find(Short(number))));
            Assert.True(table[table.Find(Short(number))].SequenceEqual(Short(number)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-7_000_000_000)]
    public void Two_hundred_thousand_random_names_are_found_as_in_a_dictionary(long seed)
    {
        Random random = new(20);
        NameTable table = new(seed);
        Dictionary<string, int> model = [];
        for (int step = 0; step < 200_000; step++)
        {
            // A third of them come again.
            string name = $"folder{random.Next(50)}/{random.Next(150_000)}.bin";
            if (!model.TryGetValue(name, out int expected))
            {
                Assert.Equal(-1, table.Find(name.Utf8()));
                model.Add(name, expected = table.Add(name.Utf8()));
            }
            Assert.Equal(expected, table.Add(name.Utf8()));
        }
        Assert.Equal(model.Count, table.Count);
        foreach ((string name, int row) in model)
        {
            Assert.Equal(row, table.Find(name.Utf8()));
            Assert.True(table[row].SequenceEqual(name.Utf8()));
        }
        Assert.Equal(model.Values.Order(), Rows(table));
        Assert.Equal(-1, table.Find("folder0/150000.bin"u8));
    }

    // The table begins with 1,024 slots and grows at three quarters; pages hold 1 MiB of names.
    [Fact]
    public void Everything_is_found_around_every_doubling_and_every_new_page()
    {
        NameTable table = new(3);
        List<int> rows = [];
        HashSet<int> looks = [.. Enumerable.Range(9, 6).SelectMany(bits => Enumerable.Range((3 << bits) - 2, 5))];
        for (int number = 0; number < 30_000; number++)
        {
            rows.Add(table.Add(Long(number)));
            if (!looks.Contains(number)) continue;
            for (int earlier = 0; earlier <= number; earlier++) Assert.Equal(rows[earlier], table.Find(Long(earlier)));
            Assert.Equal(-1, table.Find(Long(number + 1)));
        }
        for (int number = 0; number < 30_000; number++) Assert.True(table[rows[number]].SequenceEqual(Long(number)));
        Assert.Equal(rows, Rows(table));
    }

    // Rows are whole eights of bytes on pages of 1 MiB: every length, and so every way in which a page can end.
    [Fact]
    public void Names_of_every_length_come_back_whole_and_in_order()
    {
        NameTable table = new(4);
        List<(int Row, int Length)> model = [];
        for (int number = 0; number < 6_000; number++)
        {
            byte[] name = new byte[4 + (number % (Limits.NameBytes - 3))];
            BitConverter.TryWriteBytes(name, number + 1);
            model.Add((table.Add(name), name.Length));
        }
        Assert.Equal(model.Select(entry => entry.Row), Rows(table));
        Assert.All(model, entry => Assert.Equal(entry.Length, table[entry.Row].Length));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(1024)]
    public void Pages_full_of_names_of_one_length_are_walked_whole(int length)
    {
        NameTable table = new(4);
        List<int> rows = [];
        int most = Math.Min(250_000, length == 1 ? 255 : (3 << 20) / length);
        for (int number = 1; number <= most; number++)
        {
            byte[] name = new byte[Math.Max(4, length)];
            BitConverter.TryWriteBytes(name, number);
            rows.Add(table.Add(name.AsSpan(0, length)));
        }
        Assert.Equal(rows, Rows(table));
        Assert.Equal(most, table.Count);
    }

    [Fact]
    public async Task Readers_find_every_published_name_while_the_table_grows()
    {
        const int names = 150_000;
        NameTable table = new(5);
        int[] rows = new int[names];
        int published = 0;
        Task<int>[] readers = [.. Enumerable.Range(0, 2).Select(seed => Task.Run(() => Misses(new Random(seed))))];
        for (int number = 0; number < names; number++)
        {
            rows[number] = table.Add(Short(number));
            Volatile.Write(ref published, number + 1);
        }
        int[] misses = await Task.WhenAll(readers);
        Assert.All(misses, count => Assert.Equal(0, count));

        int Misses(Random random)
        {
            int missed = 0;
            for (int known = 0; known < names;)
            {
                known = Volatile.Read(ref published);
                if (known == 0) continue;
                int number = random.Next(10) < 5 ? known - 1 : random.Next(known);
                if (table.Find(Short(number)) != rows[number]
                    || !table[rows[number]].SequenceEqual(Short(number))) missed++;
                if (table.Find("no such name"u8) != -1) missed++;
            }
            return missed;
        }
    }

    [Fact]
    public void A_look_up_allocates_nothing()
    {
        NameTable table = new(6);
        for (int number = 0; number < 5_000; number++) table.Add(Short(number));
        byte[] name = Short(77);
        table.Find(name);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int look = 0; look < 10_000; look++) table.Find(name);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static List<int> Rows(NameTable table)
    {
        List<int> rows = [];
        foreach (int row in table) rows.Add(row);
        return rows;
    }

    private static byte[] Short(int number) => BitConverter.GetBytes(number * 2654435761L);

    private static byte[] Long(int number) => $"{number}{new string('x', 100 + (number % 50))}".Utf8();
}
