using MicroCdn.Storage;
using MicroCdn.Testing;

namespace MicroCdn.Tests.Storage;

/// <summary>What a library wrote gets its name when it is whole, and takes nobody else's.</summary>
public sealed class FinishedFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_has_its_name_only_once_it_is_finished()
    {
        using (FinishedFile file = FinishedFile.Begin(_folder["new/a"], "abc"))
        {
            Assert.Equal(["new/.a.abc.part"], _folder.Files());
            File.WriteAllText(file.Path, "whole");
            file.Commit();
        }
        Assert.Equal(["new/a"], _folder.Files());
        Assert.Equal("whole"u8.ToArray(), _folder.Read("new/a"));
    }

    [Fact]
    public void One_that_is_given_up_leaves_nothing()
    {
        FinishedFile.Begin(_folder["a"], "abc").Dispose();
        Assert.Empty(_folder.Files());
    }

    [Fact]
    public void A_name_that_is_taken_before_or_meanwhile_stays_with_whoever_has_it()
    {
        using (FinishedFile file = FinishedFile.Begin(_folder["a"], "abc"))
        {
            _folder.Write("a", "mine"u8.ToArray());
            Assert.Throws<IOException>(file.Commit);
        }
        Assert.Throws<IOException>(() => FinishedFile.Begin(_folder["a"], "abc"));
        Assert.Equal(["a"], _folder.Files());
        Assert.Equal("mine"u8.ToArray(), _folder.Read("a"));
    }
}
