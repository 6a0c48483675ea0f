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
    public void Another_stamp_or_another_size_starts_over()
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

    [Theory]
    [InlineData("target.part")]
    [InlineData("target.part.marks")]
    public void A_file_of_such_a_name_that_is_no_part_is_left_as_it_is(string name)
    {
        _folder.Write(name, "a novel that somebody writes");
        Assert.Contains($"{name}' is no part of ours: move it away", Assert.Throws<IOException>(Open).Message,
            StringComparison.Ordinal);
        Assert.Equal("a novel that somebody writes", File.ReadAllText(_folder[name]));
        Assert.DoesNotContain("target", _folder.Names());
        File.Move(_folder[name], _folder["novel"]);
        using (PartFile part = Open()) part.Commit();
        Assert.Equal(["novel", "target"], _folder.Names());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(91)]
    [InlineData(-7)]
    [InlineData(-87)]
    public void A_journal_that_a_power_cut_tore_makes_the_part_start_over(int length)
    {
        using (PartFile part = Open())
        {
            part.Write(0, 0, "abcd"u8);
            part.Keep = true;
        }
        // Zeros, or below zero the beginning of what was there.
        byte[] journal = File.ReadAllBytes(_folder["target.part.marks"]);
        File.WriteAllBytes(_folder["target.part.marks"], length < 0 ? journal[..-length] : new byte[length]);
        using PartFile again = Open();
        Assert.Equal((PartOrigin.Other, false), (again.Origin, again.IsClaimed(0)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_another_program_put_in_place_of_a_part_is_neither_published_nor_deleted(bool keep)
    {
        using (PartFile part = Open())
        {
            part.Write(0, 0, "0123456789"u8);
            part.Keep = keep;
            _folder.Write("novel", "a novel");
            File.Move(_folder["novel"], _folder["target.part"], overwrite: true);
            Assert.Contains("target.part' was replaced by another program",
                Assert.Throws<IOException>(part.Commit).Message, StringComparison.Ordinal);
        }
        Assert.Equal(["target.part"], _folder.Names());
        Assert.Equal("a novel", File.ReadAllText(_folder["target.part"]));
    }

    [Fact]
    public void Who_ends_a_part_does_not_take_the_journal_of_the_next()
    {
        using (PartFile one = Open())
        {
            File.Delete(_folder["target.part"]);
            Assert.Throws<BusyFileException>(Open);
        }
        using (PartFile next = Open())
        {
            next.Write(0, 0, "abcd"u8);
            next.Keep = true;
        }
        using PartFile again = Open();
        Assert.Equal((PartOrigin.Same, true), (again.Origin, again.IsClaimed(0)));
    }

    [Theory]
    [InlineData('x', 244)]
    [InlineData('x', 245)]
    [InlineData('x', 255)]
    [InlineData('ß', 127)]
    public void A_file_with_the_longest_name_can_be_gone_on_with(char piece, int length)
    {
        string name = new(piece, length);
        // Of one that begins alike.
        using (PartFile other = PartFile.Open(_folder[name[..^1] + "y"], 10, 3, Stamp)) other.Keep = true;
        using (PartFile part = PartFile.Open(_folder[name], 10, 3, Stamp))
        {
            Assert.Equal(PartOrigin.New, part.Origin);
            part.Write(0, 0, "abcd"u8);
            part.Keep = true;
        }
        using (PartFile again = PartFile.Open(_folder[name], 10, 3, Stamp))
        {
            Assert.Equal((PartOrigin.Same, true), (again.Origin, again.IsClaimed(0)));
            again.Commit();
        }
        Assert.Equal("abcd\0\0\0\0\0\0", File.ReadAllText(_folder[name]));
        Assert.Equal(3, _folder.Names().Length);
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

    [Fact]
    public void A_file_that_the_disk_has_no_room_for_is_refused_before_its_first_byte_and_leaves_nothing()
    {
        const long petabyte = 1L << 50;
        Assert.Contains($"{_folder["target"]}: it needs {petabyte} bytes, and ", Assert.Throws<DiskFullException>(
            () => PartFile.Open(_folder["target"], petabyte, 3, Stamp)).Message, StringComparison.Ordinal);
        Assert.Throws<DiskFullException>(() => PartFile.Create(_folder["target"], petabyte));
        Assert.Empty(_folder.Names());
    }

    [Fact]
    public void The_room_for_all_of_a_part_is_taken_before_its_first_byte()
    {
        using PartFile part = PartFile.Open(_folder["target"], 1 << 20, 1, Stamp);
        Assert.Equal(1 << 20, new FileInfo(_folder["target.part"]).Length);
    }

    private PartFile Open() => PartFile.Open(_folder["target"], 10, 3, Stamp);
}
