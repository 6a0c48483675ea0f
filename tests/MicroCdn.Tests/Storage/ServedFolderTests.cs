using System.Diagnostics;
using System.Text;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

// Issue 2, content server: "never serves a file outside its folder, a symbolic link that leaves it, or a device".
public sealed class ServedFolderTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly ServedFolder _folder;

    public ServedFolderTests()
    {
        _world.Write("served/a.txt", "first");
        _world.Write("served/docs/deep/er/b.txt", "second");
        _world.Write("outside/secret.txt", "secret");
        _world.Write("served-not/secret.txt", "secret");
        _folder = new ServedFolder(_world["served"]);
    }

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Nested_files_are_found_with_their_sizes()
    {
        _world.Write("served/empty", "");
        _world.Write("served/.hidden/ space % \n", "1234");
        Assert.Equal([".hidden/ space % \n 4", "a.txt 5", "docs/deep/er/b.txt 6", "empty 0"], Scan());
        Assert.Equal("1234", Read(".hidden/ space % \n"));
        Assert.Equal("", Read("empty"));
    }

    [Fact]
    public void A_link_that_stays_inside_is_followed()
    {
        _world.Link("served/link.txt", "a.txt");
        _world.Link("served/folder", "docs/deep");
        _world.Link("served/around.txt", "../served/a.txt");
        _world.Link("served/absolute.txt", _world["served/a.txt"]);
        Assert.Equal(
            ["a.txt 5", "absolute.txt 5", "around.txt 5", "docs/deep/er/b.txt 6", "folder/er/b.txt 6", "link.txt 5"],
                Scan());
        Assert.Equal("first", Read("link.txt"));
        Assert.Equal("second", Read("folder/er/b.txt"));
        Assert.Equal("first", Read("around.txt"));
        Assert.Equal("first", Read("absolute.txt"));
    }

    [Theory]
    [InlineData("leak", "../outside/secret.txt", "leak")]
    [InlineData("leak", "../outside", "leak/secret.txt")]
    [InlineData("leak", "..", "leak/outside/secret.txt")]
    [InlineData("leak", "../served-not", "leak/secret.txt")]
    [InlineData("leak", "/etc", "leak/passwd")]
    [InlineData("leak", "/etc/passwd", "leak")]
    [InlineData("leak", "/", "leak/etc/passwd")]
    [InlineData("leak", "/proc/self/environ", "leak")]
    public void A_link_that_leaves_the_folder_leads_nowhere(string link, string target, string name)
    {
        _world.Link($"served/{link}", target);
        Assert.Equal(["a.txt 5", "docs/deep/er/b.txt 6"], Scan());
        Assert.Null(_folder.Open(Names.Of(name), out OpenFailure failure));
        Assert.Equal(OpenFailure.Missing, failure);
    }

    [Fact]
    public void A_link_to_a_link_that_leaves_leads_nowhere_either()
    {
        _world.Link("served/one", "two");
        _world.Link("served/two", "../outside/secret.txt");
        Assert.Equal(["a.txt 5", "docs/deep/er/b.txt 6"], Scan());
        Assert.Null(_folder.Open(Names.Of("one"), out _));
    }

    [Fact]
    public void Links_that_lead_in_circles_end()
    {
        _world.Link("served/self", "self");
        _world.Link("served/ping", "pong");
        _world.Link("served/pong", "ping");
        _world.Link("served/here", ".");
        _world.Link("served/docs/up", "..");
        _world.Link("served/docs/deep/er/top", _world["served"]);
        Assert.Equal(["a.txt 5", "docs/deep/er/b.txt 6"], Scan());
        Assert.Null(_folder.Open(Names.Of("self"), out _));
    }

    [Fact]
    public void Folders_without_end_are_given_up_at_some_depth()
    {
        string path = string.Concat(Enumerable.Range(0, 100).Select(depth => $"d{depth}/"));
        _world.Write($"served/{path}bottom", "x");
        Assert.Equal(["a.txt 5", "docs/deep/er/b.txt 6"], Scan());
    }

    [Fact]
    public void Pipes_devices_and_folders_are_no_files()
    {
        _world.Pipe("served/pipe");
        _world.Link("served/zero", "/dev/zero");
        _world.Link("served/null", "/dev/null");
        _world.Link("served/pipe-link", "pipe");
        Assert.Equal(["a.txt 5", "docs/deep/er/b.txt 6"], Scan());
        // Opening a pipe without a writer would wait for ever.
        foreach (string name in new[] { "pipe", "pipe-link", "zero", "null", "docs" })
        {
            Assert.Null(_folder.Open(Names.Of(name), out _));
        }
    }

    [Fact]
    public void What_may_not_be_read_is_passed_over()
    {
        _world.Write("served/locked/c.txt", "third");
        _world.Write("served/private.txt", "mine");
        File.SetUnixFileMode(_world.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        File.SetUnixFileMode(_world["served/locked"], UnixFileMode.None);
        File.SetUnixFileMode(_world["served/private.txt"], UnixFileMode.None);
        Nobody.Does(() =>
        {
            Assert.Contains("docs/deep/er/b.txt 6", Scan());
            Assert.DoesNotContain("locked/c.txt 5", Scan());
            Assert.Null(_folder.Open(Names.Of("private.txt"), out OpenFailure failure));
            Assert.Equal(OpenFailure.Missing, failure);
            Assert.Null(_folder.Open(Names.Of("locked/c.txt"), out _));
        });
        File.SetUnixFileMode(_world["served/locked"], (UnixFileMode)Convert.ToInt32("755", 8));
    }

    [Theory]
    [InlineData("755", true)]
    [InlineData("711", false)]
    [InlineData("744", false)]
    [InlineData("700", false)]
    public void It_may_be_read_when_its_files_may_be_listed_and_opened(string mode, bool may)
    {
        File.SetUnixFileMode(_world.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        File.SetUnixFileMode(_world["served"], (UnixFileMode)Convert.ToInt32(mode, 8));
        Nobody.Does(() => Assert.Equal(may, _folder.MayBeRead));
    }

    [Fact]
    public void A_name_that_is_no_UTF_8_is_passed_over()
    {
        // .NET cannot write such a name, nor remove it.
        Shell("touch \"$(printf '%s/bad\\377' \"$1\")\"");
        Assert.Equal(3, Directory.GetFileSystemEntries(_world["served"]).Length);
        Assert.Equal(["a.txt 5", "docs/deep/er/b.txt 6"], Scan());
        Shell("rm \"$1\"/bad*");
    }

    [Fact]
    public void A_file_replaced_by_rename_is_read_to_its_end_from_the_old_one()
    {
        using FolderFile open = _folder.Open(Names.Of("a.txt"), out _)!;
        _world.Write("served/new", "FIRST, second edition");
        File.Move(_world["served/new"], _world["served/a.txt"], overwrite: true);
        Assert.True(open.IsUnchanged());
        Assert.Equal("first", Read(open));
        Assert.Equal("FIRST, second edition", Read("a.txt"));
    }

    [Fact]
    public void A_removed_file_is_read_to_its_end()
    {
        using FolderFile open = _folder.Open(Names.Of("a.txt"), out _)!;
        File.Delete(_world["served/a.txt"]);
        Assert.True(open.IsUnchanged());
        Assert.Equal("first", Read(open));
        Assert.Null(_folder.Open(Names.Of("a.txt"), out OpenFailure failure));
        Assert.Equal(OpenFailure.Missing, failure);
    }

    [Theory]
    [InlineData("longer than before")]
    [InlineData("FIRST")]
    [InlineData("")]
    public void A_file_edited_in_place_is_noticed(string text)
    {
        using FolderFile open = _folder.Open(Names.Of("a.txt"), out _)!;
        Assert.True(open.IsUnchanged());
        File.WriteAllText(_world["served/a.txt"], text);
        Assert.False(open.IsUnchanged());
    }

    [Fact]
    public void Reading_begins_at_an_offset_and_ends_with_the_file()
    {
        using FolderFile open = _folder.Open(Names.Of("a.txt"), out _)!;
        Span<byte> buffer = new byte[10];
        Assert.Equal(3, open.Read(buffer, 2));
        Assert.Equal("rst", Encoding.UTF8.GetString(buffer[..3]));
        Assert.Equal(0, open.Read(buffer, 5));
        Assert.Equal(0, open.Read(buffer, 1_000_000));
    }

    [Fact]
    public void The_folder_itself_may_be_a_link()
    {
        _world.Link("link", "served");
        ServedFolder linked = new(_world["link"]);
        Assert.Equal(_folder.Path, linked.Path);
        using FolderFile? file = linked.Open(Names.Of("a.txt"), out _);
        Assert.NotNull(file);
    }

    // The roots of two file systems of one kind have the same inode.
    [Fact]
    public void A_file_system_mounted_inside_the_folder_is_served_too()
    {
        Shell("mount -t tmpfs -o size=64k microcdn-test \"$1\" 2>/dev/null");
        try
        {
            _world.Write("served/outer.txt", "outer");
            Directory.CreateDirectory(_world["served/inner"]);
            Shell("mount -t tmpfs -o size=64k microcdn-test \"$1/inner\" 2>/dev/null");
            _world.Write("served/inner/inner.txt", "inner");
            Assert.SkipWhen(File.Exists(_world["served/a.txt"]), "mounting takes root");
            Assert.Equal(["inner/inner.txt 5", "outer.txt 5"], Scan());
        }
        finally
        {
            Shell("umount \"$1/inner\" \"$1\" 2>/dev/null");
        }
    }

    [Fact]
    public void What_is_no_folder_cannot_be_served()
    {
        Assert.Throws<DirectoryNotFoundException>(() => new ServedFolder(_world["nowhere"]));
        Assert.Throws<DirectoryNotFoundException>(() => new ServedFolder(_world["served/a.txt"]));
    }

    [Theory]
    [InlineData("served", true)]
    [InlineData("served/x/y", true)]
    [InlineData("served/../served/x", true)]
    [InlineData("served/../outside", false)]
    [InlineData("served-not", false)]
    [InlineData("", false)]
    [InlineData("way-in", true)]
    [InlineData("way-in/not/there/yet", true)]
    [InlineData("served/way-out", false)]
    [InlineData("served/way-out/not/there/yet", false)]
    public void It_knows_which_paths_lie_inside_also_through_links(string path, bool inside)
    {
        _world.Link("way-in", _world["served"]);
        _world.Link("served/way-out", _world.Path);
        Assert.Equal(inside, _folder.Holds(_world[path]));
    }

    private void Shell(string script)
    {
        using Process process = Process.Start("sh", ["-c", script, "sh", _world["served"]]);
        process.WaitForExit();
    }

    private string[] Scan()
    {
        List<string> found = [];
        _folder.Scan((name, facts) => found.Add($"{name} {facts.Size}"));
        return [.. found.Order(StringComparer.Ordinal)];
    }

    private string Read(string name)
    {
        using FolderFile? file = _folder.Open(Names.Of(name), out _);
        Assert.NotNull(file);
        return Read(file);
    }

    private static string Read(FolderFile file)
    {
        byte[] bytes = new byte[file.Facts.Size];
        Assert.Equal(bytes.Length, file.Read(bytes, 0));
        return Encoding.UTF8.GetString(bytes);
    }
}
