using MicroCdn.Storage;
using MicroCdn.Testing;

namespace MicroCdn.Tests.Storage;

/// <summary>One at a time, and a file that cannot be locked is another trouble than one that is.</summary>
public sealed class FolderLockTests
{
    [Fact]
    public void Who_comes_second_gets_nothing_until_the_first_lets_go()
    {
        using TempFolder folder = new();
        using (FolderLock? first = FolderLock.TryTake(folder["lock"]))
        {
            Assert.NotNull(first);
            Assert.Null(FolderLock.TryTake(folder["lock"]));
        }
        using FolderLock? next = FolderLock.TryTake(folder["lock"]);
        Assert.NotNull(next);
        Assert.ThrowsAny<IOException>(() => FolderLock.TryTake(folder["none/lock"]));
    }

    [Fact]
    public void A_path_remembers_its_file_and_not_its_name()
    {
        using TempFolder folder = new();
        folder.Write("a", [1]);
        FilePlace place = new(folder["a"]), nothing = new(folder["b"]);
        Assert.True(place.IsUnchanged);
        File.Move(folder["a"], folder["b"]);
        Assert.False(place.IsUnchanged);
        Assert.False(nothing.IsUnchanged);
        folder.Write("a", [1]);
        Assert.False(place.IsUnchanged);
    }
}
