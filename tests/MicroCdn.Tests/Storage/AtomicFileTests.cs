using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Nothing_stands_under_the_name_before_the_file_is_whole()
    {
        using AtomicFile file = AtomicFile.Create(_folder["target"]);
        file.Write("one "u8);
        Assert.False(File.Exists(_folder["target"]));
        Assert.StartsWith(".target.", Assert.Single(_folder.Names()), StringComparison.Ordinal);
        file.Write("two"u8);
        file.Commit();
        Assert.Equal("one two", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Fact]
    public void An_existing_target_stays_whole_until_the_new_one_is()
    {
        _folder.Write("target", "old");
        using AtomicFile file = AtomicFile.Create(_folder["target"]);
        file.Write("new"u8);
        Assert.Equal("old", File.ReadAllText(_folder["target"]));
        file.Commit();
        Assert.Equal("new", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public void Given_up_it_leaves_nothing_and_the_old_target_as_it_was()
    {
        _folder.Write("target", "old");
        using (AtomicFile file = AtomicFile.Create(_folder["target"])) file.Write("half"u8);
        using (AtomicFile file = AtomicFile.Create(_folder["other"])) file.Write("half"u8);
        Assert.Equal("old", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Fact]
    public void Started_over_it_holds_only_what_came_after()
    {
        using AtomicFile file = AtomicFile.Create(_folder["target"]);
        file.Write("a long beginning that failed"u8);
        file.Restart();
        file.Write("again"u8);
        file.Commit();
        Assert.Equal("again", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public void The_folders_above_are_made()
    {
        using AtomicFile file = AtomicFile.Create(_folder["a/b/c"]);
        file.Commit();
        Assert.Equal("", File.ReadAllText(_folder["a/b/c"]));
    }

    [Fact]
    public void A_folder_may_be_named_from_where_the_program_stands()
    {
        string relative = Path.GetRandomFileName();
        try
        {
            AtomicFile.MakeFolder($"{relative}/inside");
            Assert.True(Directory.Exists(Path.Combine(Environment.CurrentDirectory, relative, "inside")));
        }
        finally
        {
            Directory.Delete(relative, recursive: true);
        }
    }

    [Fact]
    public void Two_at_once_for_one_name_do_not_mix()
    {
        using AtomicFile one = AtomicFile.Create(_folder["target"]);
        using AtomicFile other = AtomicFile.Create(_folder["target"]);
        one.Write("one"u8);
        other.Write("other"u8);
        other.Commit();
        one.Commit();
        Assert.Equal("one", File.ReadAllText(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Theory]
    [InlineData('x', 255)]
    [InlineData('ß', 127)]
    public void The_longest_name_of_the_file_system_can_be_written(char piece, int length)
    {
        string name = new(piece, length);
        using AtomicFile file = AtomicFile.Create(_folder[name]);
        file.Commit();
        Assert.Equal([name], _folder.Names());
    }

    [Fact]
    public void A_name_that_is_cut_inside_a_character_can_be_written()
    {
        string name = "x" + string.Concat(Enumerable.Repeat("😀", 40));
        using AtomicFile file = AtomicFile.Create(_folder[name]);
        file.Write("x"u8);
        file.Commit();
        Assert.Equal([name], _folder.Names());
    }

    [Fact]
    public void A_folder_in_the_way_is_an_error_that_leaves_nothing_behind()
    {
        Directory.CreateDirectory(_folder["target/inside"]);
        Assert.ThrowsAny<IOException>(() => AtomicFile.Create(_folder["target"]));
        Assert.Equal(["target"], _folder.Names());
    }

    [Fact]
    public void A_file_in_the_way_of_its_folder_is_an_IO_error()
    {
        _folder.Write("file", "");
        Assert.ThrowsAny<IOException>(() => AtomicFile.Create(_folder["file/target"]));
    }

    [Fact]
    public void A_folder_that_may_not_be_written_is_refused()
    {
        Directory.CreateDirectory(_folder["locked"]);
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        File.SetUnixFileMode(_folder["locked"], (UnixFileMode)Convert.ToInt32("555", 8));
        Nobody.Does(() => Assert.Throws<UnauthorizedAccessException>(() => AtomicFile.Create(_folder["locked/x"])));
    }

    [Fact]
    public void Room_that_was_taken_and_is_left_over_is_no_part_of_the_file()
    {
        using AtomicFile file = AtomicFile.Create(_folder["target"]);
        file.TakeRoom(1 << 20);
        file.Write("half"u8);
        file.Restart();
        file.TakeRoom(1 << 20);
        file.Write("one"u8);
        file.Commit();
        Assert.Equal("one", File.ReadAllText(_folder["target"]));
        using AtomicFile other = AtomicFile.Create(_folder["other"]);
        Assert.Throws<DiskFullException>(() => other.TakeRoom(1L << 50));
    }
}
