using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Executable;

public sealed class StateFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("CS1", "CS1")]
    [InlineData("..", "%2E.")]
    [InlineData(".", "%2E")]
    [InlineData("../../etc", "%2E.%2F..%2Fetc")]
    [InlineData("/etc", "%2Fetc")]
    [InlineData("a\\b", "a%5Cb")]
    [InlineData("%2E.", "%252E.")]
    public void A_server_has_a_folder_by_its_name_and_never_another(string id, string name) =>
        Assert.Equal($"/data/content/{name}", StateFolder.Of("/data", Id(id)));

    [Fact]
    public void The_longest_id_fits_a_folders_name() =>
        Assert.True(Path.GetFileName(StateFolder.Of("/data", Id(new string('ä', 32)))).Length <= 255);

    [Fact]
    public void State_is_served_when_it_lies_inside_also_behind_a_link()
    {
        string served = Folder("served");
        string beside = Folder("served-not");
        _folder.Link("link", served);
        Folder("served/sub");
        _folder.Link("back", _folder["served/sub"]);
        Assert.True(StateFolder.IsServed(served, served));
        Assert.True(StateFolder.IsServed($"{served}/x/y", served));
        Assert.True(StateFolder.IsServed($"{beside}/../served/x", served));
        Assert.True(StateFolder.IsServed(_folder["link/x/y"], served));
        Assert.True(StateFolder.IsServed(_folder["back"], served));
        Assert.True(StateFolder.IsServed($"{served}/x", _folder["link"]));
        Assert.False(StateFolder.IsServed($"{beside}/x", served));
        Assert.False(StateFolder.IsServed(_folder.Path, served));
        Assert.False(StateFolder.IsServed($"{beside}/x", _folder["none"]));
    }

    [Fact]
    public void State_is_made_on_demand_and_never_where_files_are_served()
    {
        string served = Folder("served");
        Assert.Null(StateFolder.Make(_folder["state/content/CS1"], served));
        Assert.True(Directory.Exists(_folder["state/content/CS1"]));
        Assert.Null(StateFolder.Make(_folder["state/content/CS1"], served, _folder["none"]));
        Assert.Equal(
            $"the state in '{served}/state' lies inside the folder that is served: choose another with --data.",
            StateFolder.Make(_folder["served/state"], _folder["none"], served));
        Assert.Empty(Directory.EnumerateFileSystemEntries(served));
        _folder.Write("file", "x");
        Assert.StartsWith(
            $"the folder '{_folder["file/state"]}' for the state cannot be made, choose another with --data: ",
            StateFolder.Make(_folder["file/state"], served), StringComparison.Ordinal);
    }

    private string Folder(string name) => Directory.CreateDirectory(_folder[name]).FullName;

    private static ServerId Id(string text)
    {
        Assert.True(ServerId.TryCreate(text, out ServerId id));
        return id;
    }
}
