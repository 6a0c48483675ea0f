using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

public sealed class PartFileTests : IDisposable
{
    private const int Chunk = 4;
    private static readonly byte[] Stamp = [.. Enumerable.Range(1, PartFile.StampBytes).Select(n => (byte)n)];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Chunks_in_any_order_become_the_file()
    {
        using (PartFile part = Open())
        {
            Assert.Equal(PartOrigin.New, part.Origin);
            part.Write(2, 8, "ij"u8);
            part.Write(0, 0, "abcd"u8);
            part.Write(1, 4, "efgh"u8);
            part.Commit();
        }
        Assert.Equal("abcdefghij", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Fact]
    public void A_part_that_is_kept_tells_the_next_process_what_it_has()
    {
        using (PartFile part = Open())
        {
            part.Write(1, 4, "efgh"u8);
            part.Keep = true;
        }
        Assert.Equal(["target.part", "target.part.marks"], _folder.Names());
        using PartFile again = Open();
        Assert.Equal(PartOrigin.Same, again.Origin);
        Assert.Equal([false, true, false], Enumerable.Range(0, 3).Select(again.IsClaimed));
        byte[] bytes = new byte[Chunk];
        Assert.Equal(Chunk, again.Read(4, bytes));
        Assert.Equal("efgh"u8.ToArray(), bytes);
    }

    [Fact]
    public void A_part_that_is_not_kept_is_gone_and_the_target_untouched()
    {
        _folder.Write("target", "old");
        using (PartFile part = Open()) part.Write(0, 0, "abcd"u8);
        Assert.Equal("old", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Fact]
    public void Another_stamp_another_size_or_somebody_elses_file_starts_over()
    {
        using (PartFile part = Open())
        {
            part.Write(0, 0, "abcd"u8);
            part.Keep = true;
        }
        byte[] other = [.. Stamp];
        other[^1] ^= 1;
        using (PartFile part = PartFile.Open(_folder["target"], 10, 3, other))
        {
            Assert.Equal((PartOrigin.Other, false), (part.Origin, part.IsClaimed(0)));
            part.Write(0, 0, "abcd"u8);
            part.Keep = true;
        }
        using (PartFile part = PartFile.Open(_folder["target"], 9, 3, other))
        {
            Assert.Equal((PartOrigin.Other, false), (part.Origin, part.IsClaimed(0)));
        }
        _folder.Write("target.part", "a novel that somebody writes");
        using (PartFile part = Open()) Assert.Equal((PartOrigin.Other, false), (part.Origin, part.IsClaimed(0)));
        // A journal that was left alone claims nothing.
        using (PartFile part = Open())
        {
            part.Write(0, 0, "abcd"u8);
            part.Keep = true;
        }
        File.Delete(_folder["target.part"]);
        using PartFile last = Open();
        Assert.Equal((PartOrigin.New, false), (last.Origin, last.IsClaimed(0)));
    }

    [Fact]
    public void A_second_process_is_told_that_the_part_is_in_use()
    {
        using PartFile part = Open();
        Assert.Contains("target.part", Assert.Throws<BusyFileException>(Open).Message, StringComparison.Ordinal);
        part.Write(0, 0, "abcd"u8);
        Assert.Equal(["target.part", "target.part.marks"], _folder.Names());
    }

    [Fact]
    public void A_link_is_written_through_and_what_is_no_file_is_not_replaced()
    {
        _folder.Write("real", "old");
        File.CreateSymbolicLink(_folder["target"], _folder["real"]);
        using (PartFile part = Open())
        {
            part.Write(0, 0, "0123456789"u8);
            part.Commit();
        }
        Assert.Equal("0123456789", File.ReadAllText(_folder["real"]));
        Directory.CreateDirectory(_folder["folder"]);
        Assert.Throws<IOException>(() => PartFile.Open(_folder["folder"], 10, 3, Stamp));
        Assert.Throws<IOException>(() => PartFile.Create(_folder["folder"], 10));
    }

    [Fact]
    public void Two_that_do_not_last_do_not_meet()
    {
        using PartFile one = PartFile.Create(_folder["target"], 2);
        using PartFile other = PartFile.Create(_folder["target"], 2);
        one.Write(0, 0, "ab"u8);
        other.Write(0, 0, "cd"u8);
        one.Commit();
        Assert.Equal("ab", File.ReadAllText(_folder["target"]));
        other.Commit();
        Assert.Equal("cd", File.ReadAllText(_folder["target"]));
    }

    private PartFile Open() => PartFile.Open(_folder["target"], 10, 3, Stamp);
}
