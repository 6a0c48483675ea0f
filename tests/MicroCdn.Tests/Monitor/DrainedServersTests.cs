using MicroCdn.Monitor;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Monitor;

public sealed class DrainedServersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _log = new();

    [Fact]
    public void Who_is_drained_is_known_to_the_next_process_whatever_its_id()
    {
        ServerId[] ids = [Id("CS1"), Id("a%b"), Id("ü")];
        new DrainedServers(_folder.Path, _log).Write(() => ids);
        Assert.Equal(ids, new DrainedServers(_folder.Path, _log).Read());
        new DrainedServers(_folder.Path, _log).Write(() => []);
        Assert.Empty(new DrainedServers(_folder.Path, _log).Read());
    }

    [Fact]
    public void Without_a_folder_or_a_file_nobody_is_and_nothing_is_written()
    {
        DrainedServers nowhere = new(null, _log);
        nowhere.Write(() => [Id("CS1")]);
        Assert.Empty(nowhere.Read());
        Assert.False(nowhere.Lasts);
        Assert.Empty(new DrainedServers(_folder.Path, _log).Read());
    }

    [Fact]
    public void A_folder_that_cannot_be_used_is_told_and_ends_nothing()
    {
        _folder.Write("file", "x");
        DrainedServers drained = new(_folder["file"], _log);
        drained.Write(() => [Id("CS1")]);
        Assert.Contains(_log.Lines, line => line.Contains("forgotten at the next start", StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Dispose();

    private static ServerId Id(string text) => ServerId.TryCreate(text, out ServerId id) ? id : default;
}
