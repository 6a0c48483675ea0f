using System.CommandLine;
using MicroCdn.Keys;
using MicroCdn.Settings;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Executable;

public sealed class SettingsWatchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private readonly List<string> _cors = [], _files = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_that_changes_is_read_within_two_seconds_and_what_can_change_does()
    {
        Write("""{"cors": "http://a", "httpPort": 7003}""");
        using SettingsWatch watch = Watch();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(_cors);
        Write("""{"cors": ["http://a", "http://b"], "httpPort": 7003}""");
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(["http://a,http://b"], _cors);
        Assert.Equal(["the settings were read again; changed: --cors"], _log.Lines);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_cors);
    }

    [Fact]
    public void What_cannot_change_waits_and_is_named_as_long_as_it_waits()
    {
        Write("{}");
        using SettingsWatch watch = Watch();
        Write("""{"httpPort": 7003, "cors": "*"}""");
        watch.ReadAgain();
        Assert.Equal(["the settings were read again; changed: --cors",
            "these settings changed and count from the next start on: --http-port"], _log.Lines);
        watch.ReadAgain();
        Assert.Equal(["the settings were read again; nothing changed that can while it runs",
            "these settings changed and count from the next start on: --http-port"], _log.Lines[2..]);
        Write("""{"cors": "*"}""");
        watch.ReadAgain();
        Assert.Equal(["the settings were read again; nothing changed that can while it runs"], _log.Lines[4..]);
    }

    [Theory]
    [InlineData("{", "line 1: this is no JSON: ")]
    [InlineData("""{"corse": "*"}""", "unknown key 'corse'; did you mean 'cors'?")]
    [InlineData("""{"cors": "*", "httpPort": 0}""",
        "key 'httpPort': --http-port wants a port from 1 to 65535, not '0'.")]
    [InlineData("""{"cors": "*", "files": "bad"}""", "this key is none")]
    public void What_is_wrong_leaves_all_as_it_was_and_is_told(string json, string sentence)
    {
        Write("""{"cors": "http://a"}""");
        using SettingsWatch watch = Watch();
        Write(json);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(_cors);
        string line = Assert.Single(_log.Lines);
        Assert.StartsWith("the settings before stay in use: ", line, StringComparison.Ordinal);
        Assert.Contains(sentence, line, StringComparison.Ordinal);
        Write("""{"cors": "http://b"}""");
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(["http://b"], _cors);
    }

    [Fact]
    public void A_file_that_comes_later_is_noticed_too_and_what_one_said_that_is_gone_stays()
    {
        using SettingsWatch watch = Watch();
        Write("""{"cors": "http://a"}""");
        _time.Advance(TimeSpan.FromSeconds(2));
        File.Delete(_folder["near.json"]);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(["http://a"], _cors);
        Assert.EndsWith("is gone.", _log.Lines[^1], StringComparison.Ordinal);
        Write("""{"cors": "http://b"}""");
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(["http://a", "http://b"], _cors);
    }

    [Fact]
    public void What_was_typed_still_counts_more()
    {
        using SettingsWatch watch = Watch("--cors http://typed");
        Write("""{"cors": "http://file", "files": "two"}""");
        watch.ReadAgain();
        Assert.Equal(["http://typed"], _cors);
        Assert.Equal(["two"], _files);
    }

    private void Write(string json) => _folder.Write("near.json", json);

    private SettingsWatch Watch(string words = "")
    {
        Reading read = CommandLine.Read(CommandLine.CreateRoot(),
            $"content --server-id CS1 {words}".Split(' ', StringSplitOptions.RemoveEmptyEntries),
            new SettingsPlaces(new Dictionary<string, string>(), _folder["near.json"], ""));
        Assert.Null(read.Wrong);
        return new SettingsWatch(read,
        [
            new Reload(["--cors"], parsed => () => _cors.Add(string.Join(',', parsed.GetValue<string[]>("--cors")!))),
            new Reload(["--files"], parsed => parsed.GetValue<string>("--files") is "bad"
                ? throw new UnusableKeyFileException("this key is none")
                : () => _files.Add(parsed.GetValue<string>("--files") ?? "")),
        ], _time, _log);
    }
}
