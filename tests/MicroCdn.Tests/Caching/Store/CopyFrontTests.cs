using MicroCdn.Caching.Store;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching.Store;

// What is written down is read back, and what was cut or flipped is never taken for it.
public sealed class CopyFrontTests
{
    private static readonly CopyFront Front = new()
    {
        Key = "http://origin.example:80/a?b=c",
        Head = StoreWorld.Head("ETag: \"1\"\r\n").Write(),
        Sequence = 7,
        Written = 9,
        Length = 100,
        Part = new ByteRange(10, 20),
        PartCheck = 0x1122_3344_5566_7788,
    };

    private static readonly CopyRecord[] Records =
    [
        CopyRecord.OfPart(10, new ByteRange(30, 40), 5),
        CopyRecord.OfHead(12, [1, 2, 3], 11),
        CopyRecord.OfPart(13, new ByteRange(0, 10), 6),
    ];

    [Fact]
    public void A_front_is_read_back_as_it_was_written()
    {
        CopyFront back = CopyFront.Read(Front.Write())!;
        Assert.Equal(Front.Head, back.Head);
        Assert.Equal(Front with { Head = [] }, back with { Head = [] });
        Assert.Equal(back.BodyOffset, Front.Write().Length);
    }

    [Fact]
    public void A_front_that_is_cut_anywhere_is_none()
    {
        byte[] whole = Front.Write();
        for (int length = 0; length < whole.Length; length++) Assert.Null(CopyFront.Read(whole.AsSpan(0, length)));
    }

    [Fact]
    public void A_front_with_any_bit_flipped_is_none()
    {
        byte[] bytes = Front.Write();
        for (int bit = 0; bit < 8 * bytes.Length; bit++)
        {
            // What stands there is 0, and free for later.
            if (bit / 8 is >= 20 and < 24) continue;
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(CopyFront.Read(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Of_a_tail_that_is_cut_anywhere_the_whole_records_count()
    {
        byte[] tail = [.. Records.SelectMany(record => record.Write())];
        for (int length = 0; length <= tail.Length; length++)
        {
            List<CopyRecord> read = CopyRecord.ReadAll(tail.AsSpan(0, length), Front, out int end);
            int whole = 0, sum = 0;
            while (whole < 3 && sum + Records[whole].Write().Length <= length) sum += Records[whole++].Write().Length;
            Assert.Equal((whole, sum), (read.Count, end));
        }
    }

    [Fact]
    public void Of_a_tail_with_a_bit_flipped_the_records_before_it_count()
    {
        byte[] tail = [.. Records.SelectMany(record => record.Write())];
        int first = Records[0].Write().Length, second = first + Records[1].Write().Length;
        for (int bit = 0; bit < 8 * tail.Length; bit++)
        {
            tail[bit / 8] ^= (byte)(1 << (bit % 8));
            int sound = bit / 8 < first ? 0 : bit / 8 < second ? 1 : 2;
            Assert.Equal(sound, CopyRecord.ReadAll(tail, Front, out _).Count);
            tail[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void What_an_older_tail_left_behind_does_not_count()
    {
        byte[] tail = [.. Records[1].Write(), .. Records[0].Write()];
        Assert.Single(CopyRecord.ReadAll(tail, Front, out _));
    }

    [Theory]
    [InlineData("http://a:80/")]
    [InlineData("http://a:80/b?c=d")]
    public void A_files_name_leads_back_to_its_shelf_and_number(string text)
    {
        UInt128 id = CopyId.Of(new MicroCdn.Caching.CacheKey(text));
        string name = CopyId.NameOf(id, 0x1234);
        Assert.True(CopyId.TryRead(CopyId.ShelfOf(id), name, out UInt128 back, out long sequence));
        Assert.Equal((id, 0x1234L), (back, sequence));
        string[] others = ["", "x" + name, name + "x", name[1..], name.ToUpperInvariant() + "A", "a.txt"];
        foreach (string other in others)
        {
            Assert.False(CopyId.TryRead(CopyId.ShelfOf(id), other, out _, out _));
        }
    }
}
