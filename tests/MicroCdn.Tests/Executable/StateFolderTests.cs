using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Executable;

public sealed class StateFolderTests
{
    [Theory]
    [InlineData("CS1", "content-CS1")]
    [InlineData("..", "content-..")]
    [InlineData("../../etc", "content-..%2F..%2Fetc")]
    [InlineData("ñ", "content-%C3%B1")]
    public void Each_server_id_has_one_folder_of_its_own_below_data(string id, string name) =>
        Assert.Equal($"/data/{name}", StateFolder.Of("/data", Names.Id(id)));

    [Fact]
    public void The_longest_id_is_still_the_name_of_a_folder()
    {
        string folder = StateFolder.Of("/data", Names.Id(string.Concat(Enumerable.Repeat("ñ", 32))))!;
        Assert.InRange(Path.GetFileName(folder).Length, 1, 255);
    }
}
