using System.Text;
using MicroCdn.Content;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Content;

public sealed class OpenFilesTests : IDisposable
{
    private readonly TemporaryFolder _world = new();
    private readonly ServedFolder _folder;
    private readonly OpenFiles _open;

    public OpenFilesTests()
    {
        foreach (string name in new[] { "a", "b", "c" }) _world.Write(name, $"bytes of {name}");
        _folder = new ServedFolder(_world.Path);
        _open = new OpenFiles(_folder.Open, most: 2);
    }

    public void Dispose()
    {
        _open.Dispose();
        _world.Dispose();
    }

    [Fact]
    public void A_file_is_opened_once_for_all_its_downloads_and_they_are_counted()
    {
        Library library = Scan();
        OpenFile one = Take(library, "a");
        OpenFile other = Take(library, "a");
        Assert.Same(one, other);
        Assert.Equal("bytes of a", Read(one));
        Assert.Equal(2, _open.Active);
        one.Release();
        other.Release();
        Assert.Equal(0, _open.Active);
        Assert.Same(one, Take(library, "a"));
        Assert.Equal(1, _open.Active);
    }

    [Fact]
    public void The_handle_used_least_lately_makes_room_and_lives_on_for_its_download()
    {
        Library library = Scan();
        OpenFile a = Take(library, "a"), b = Take(library, "b");
        a.Release();
        b.Release();
        Assert.Same(a, Take(library, "a"));
        OpenFile c = Take(library, "c");
        Assert.True(b.Handle.IsClosed, "b was used least lately, and nobody holds it");
        Assert.False(a.Handle.IsClosed);
        Take(library, "b");
        Assert.False(a.Handle.IsClosed, "its download has not ended");
        Assert.Equal("bytes of a", Read(a));
        a.Release();
        Assert.True(a.Handle.IsClosed);
        c.Release();
        Assert.False(c.Handle.IsClosed, "it is still on the shelf");
    }

    [Fact]
    public void When_the_library_changes_all_handles_are_dropped()
    {
        Library library = Scan();
        OpenFile held = Take(library, "a"), free = Take(library, "b");
        free.Release();
        Library next = Scan();
        OpenFile again = Take(next, "a");
        Assert.NotSame(held, again);
        Assert.True(free.Handle.IsClosed);
        Assert.False(held.Handle.IsClosed);
        Assert.Equal(2, _open.Active);
        held.Release();
        Assert.True(held.Handle.IsClosed);
        Assert.Equal(1, _open.Active);
    }

    [Fact]
    public void A_file_edited_in_place_is_opened_anew_when_asked()
    {
        Library library = Scan();
        OpenFile before = Take(library, "a");
        File.WriteAllText(_world["a"], "edited in place");
        OpenFile after = Take(library, "a", anew: true);
        Assert.NotSame(before, after);
        Assert.False(before.Unchanged());
        Assert.Equal("edited in place", Read(after));
        Assert.Same(after, Take(library, "a"));
        Assert.NotEqual(after.Facts, library.FactsOf(library.Find("a"u8)));
    }

    [Fact]
    public void A_file_that_is_gone_is_missing_and_not_counted()
    {
        Library library = Scan();
        File.Delete(_world["a"]);
        Assert.Null(_open.Take(library, library.Find("a"u8), anew: false, out OpenFailure failure));
        Assert.Equal(OpenFailure.Missing, failure);
        Assert.Equal(0, _open.Active);
    }

    [Fact]
    public void Without_descriptors_the_handles_used_least_lately_make_room()
    {
        Library library = Scan();
        List<OpenFile> files = [];
        // Two descriptors in all: a file has one when its handle is open.
        using OpenFiles few = new((FileName name, out OpenFailure failure) =>
        {
            failure = OpenFailure.NoDescriptors;
            return files.Count(file => !file.Handle.IsClosed) < 2 ? _folder.Open(name, out failure) : null;
        }, most: 8);
        foreach (string name in new[] { "a", "b", "c" })
        {
            OpenFile? file = few.Take(library, library.Find(name.Utf8()), anew: false, out _);
            Assert.NotNull(file);
            file.Release();
            files.Add(file);
        }
        Assert.Equal([true, false, false], files.Select(file => file.Handle.IsClosed));

        // What downloads hold gives no room.
        foreach (string name in new[] { "b", "c" })
        {
            Assert.NotNull(few.Take(library, library.Find(name.Utf8()), anew: false, out _));
        }
        Assert.Null(few.Take(library, library.Find("a"u8), anew: false, out OpenFailure failure));
        Assert.Equal(OpenFailure.NoDescriptors, failure);
        foreach (OpenFile file in files.Skip(1)) file.Release();
    }

    [Fact]
    public void A_file_replaced_by_a_link_that_leaves_the_folder_is_not_opened()
    {
        Library library = Scan();
        File.Delete(_world["a"]);
        _world.Link("a", "/etc/passwd");
        Assert.Null(_open.Take(library, library.Find("a"u8), anew: false, out _));
    }

    [Fact]
    public void Disposed_it_closes_what_no_download_holds()
    {
        Library library = Scan();
        OpenFile held = Take(library, "a"), free = Take(library, "b");
        free.Release();
        _open.Dispose();
        Assert.True(free.Handle.IsClosed);
        Assert.False(held.Handle.IsClosed);
        held.Release();
        Assert.True(held.Handle.IsClosed);
    }

    private Library Scan()
    {
        Library library = new();
        _folder.Scan((name, facts) => library.Add(name, facts));
        return library;
    }

    private OpenFile Take(Library library, string name, bool anew = false)
    {
        OpenFile? file = _open.Take(library, library.Find(name.Utf8()), anew, out _);
        Assert.NotNull(file);
        return file;
    }

    private static string Read(OpenFile file)
    {
        byte[] bytes = new byte[file.Facts.Size];
        Assert.Equal(bytes.Length, file.Read(bytes, 0));
        return Encoding.UTF8.GetString(bytes);
    }
}
