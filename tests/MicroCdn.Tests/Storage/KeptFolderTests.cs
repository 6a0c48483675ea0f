using System.Text;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

public sealed class KeptFolderTests : IDisposable
{
    private readonly TemporaryFolder _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void It_is_made_with_the_folders_above_it()
    {
        KeptFolder folder = new(_world["data/edge/variants"]);
        Assert.True(Directory.Exists(_world["data/edge/variants"]));
        Assert.Equal(_world["data/edge/variants"], folder.Path);
        _ = new KeptFolder(_world["data/edge/variants"]);
    }

    [Fact]
    public void A_file_gets_its_name_when_it_is_whole_and_can_be_opened_and_deleted()
    {
        KeptFolder folder = new(_world["kept"]);
        using (AtomicFile file = folder.Create())
        {
            file.Write("12345"u8);
            Assert.Equal(5, file.Length);
            file.Commit(Names.Of($"digest.{file.Length}"));
        }
        Assert.Equal(["digest.5"], Scan(folder));
        using (FolderFile open = folder.Open(Names.Of("digest.5"), out _)!)
        {
            byte[] bytes = new byte[5];
            Assert.Equal(5, open.Read(bytes, 0));
            Assert.Equal("12345", Encoding.UTF8.GetString(bytes));
        }
        folder.Delete(Names.Of("digest.5"));
        folder.Delete(Names.Of("digest.5"));
        Assert.Empty(Scan(folder));
    }

    [Fact]
    public void What_was_never_committed_is_gone_at_the_next_start()
    {
        KeptFolder folder = new(_world["kept"]);
        using AtomicFile file = folder.Create();
        file.Write("half"u8);
        Assert.Single(Scan(folder));
        _world.Write("kept/other.part", "no leftover");
        Assert.Equal(["other.part"], Scan(new KeptFolder(_world["kept"])));
    }

    [Fact]
    public void Two_files_may_be_written_at_once()
    {
        KeptFolder folder = new(_world["kept"]);
        using AtomicFile one = folder.Create(), other = folder.Create();
        one.Write("one"u8);
        other.Write("other"u8);
        one.Commit(Names.Of("1"));
        other.Commit(Names.Of("2"));
        Assert.Equal("one", File.ReadAllText(_world["kept/1"]));
        Assert.Equal("other", File.ReadAllText(_world["kept/2"]));
    }

    [Fact]
    public void Where_something_else_stands_it_cannot_be_made()
    {
        _world.Write("kept", "a file");
        Assert.Throws<IOException>(() => new KeptFolder(_world["kept"]));
    }

    private static string[] Scan(KeptFolder folder)
    {
        List<string> names = [];
        folder.Scan((name, _) => names.Add(name.Value));
        return [.. names.Order(StringComparer.Ordinal)];
    }
}
