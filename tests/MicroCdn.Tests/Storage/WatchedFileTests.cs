using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

public sealed class WatchedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_state_of_the_file_is_told_once()
    {
        WatchedFile file = new(_folder["a"], 100);
        Assert.Throws<FileNotFoundException>(file.OpenIfChanged);
        Assert.Null(file.OpenIfChanged());
        _folder.Write("a", "one");
        Assert.Equal("one", Read(file));
        Assert.Null(file.OpenIfChanged());
        // Replaced by a file of the same size and time.
        _folder.Write("b", "two");
        File.SetLastWriteTimeUtc(_folder["b"], File.GetLastWriteTimeUtc(_folder["a"]));
        File.Move(_folder["b"], _folder["a"], overwrite: true);
        Assert.Equal("two", Read(file));
        Assert.Null(file.OpenIfChanged());
        File.Delete(_folder["a"]);
        Assert.Throws<FileNotFoundException>(file.OpenIfChanged);
        Assert.Null(file.OpenIfChanged());
    }

    [Fact]
    public void What_is_too_large_or_no_file_is_told_once_as_well()
    {
        WatchedFile file = new(_folder.Write("a", new string('x', 101)), 100);
        Assert.Throws<IOException>(file.OpenIfChanged);
        Assert.Null(file.OpenIfChanged());
        WatchedFile folder = new(_folder.Path, 100);
        Assert.Throws<IOException>(folder.OpenIfChanged);
        _folder.Pipe("pipe");
        Assert.Throws<IOException>(new WatchedFile(_folder["pipe"], 100).OpenIfChanged);
    }

    [Fact]
    public void One_that_may_not_be_read_is_a_failure_like_any()
    {
        string path = _folder.Write("a", "secret");
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        Nobody.Does(() => Assert.Throws<IOException>(new WatchedFile(path, 100).OpenIfChanged));
    }

    private static string Read(WatchedFile file)
    {
        using StreamReader reader = new(file.OpenIfChanged()!);
        return reader.ReadToEnd();
    }
}
