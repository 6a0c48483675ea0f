using System.Text.Json;

namespace MicroCdn.Tests.Gateway;

// Paths that are no files, but that servers pull from an origin.
public sealed class PullingTests
{
    private readonly GatewayWorld _world = new();

    [Theory]
    [InlineData("/page", "/page")]
    [InlineData("/", "/")]
    [InlineData("/a/?", "/a/")]
    [InlineData("/a%2Fb;x=1/%c3%bc//c?y=%20z&json&mirrors", "/a%2Fb;x=1/%c3%bc//c?y=%20z&json&mirrors")]
    [InlineData("/a.meta4", "/a.meta4")]
    [InlineData("/a%0D%0ASet-Cookie:%20x=1", "/a%0D%0ASet-Cookie:%20x=1")]
    [InlineData("/<\"\\>", "/%3C%22%5C%3E")]
    [InlineData("/@evil.example/", "/@evil.example/")]
    [InlineData("/?why=1", "/?why=1")]
    [InlineData("/?why&a=1", "/?why&a=1")]
    public void Path_and_query_go_along_as_they_came(string target, string location)
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 pull=/");
        Reply reply = _world.Ask(target);
        Assert.Equal((302, $"http://10.0.0.1:7003{location}"), (reply.Status, reply["Location"]));
        Assert.Equal(("no-store", "0"), (reply["Cache-Control"], reply["Content-Length"]));
        Assert.Empty(reply.All("Link"));
        Assert.Empty(reply.All("Set-Cookie"));
    }

    [Fact]
    public void A_file_of_the_library_wins_and_so_does_the_question_after_our_health()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 pull=/");
        _world.Register("CS2", "10.0.0.2", "http=7003", "a.txt 5");
        Assert.Equal("http://10.0.0.2:7003/a.txt", _world.Ask("/a.txt")["Location"]);
        Assert.Equal("http://10.0.0.1:7003/b.txt", _world.Ask("/b.txt")["Location"]);
        Assert.Equal(200, _world.Ask("/healthz").Status);
        Assert.Equal(200, _world.Ask("/readyz").Status);
    }

    [Fact]
    public void What_nobody_pulls_is_not_found()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 pull=/docs/");
        _world.Register("CS2", "10.0.0.2", "pull=/");
        Assert.Equal(302, _world.Ask("/docs/").Status);
        Assert.Equal(404, _world.Ask("/docs").Status);
        Assert.Equal(404, _world.Ask("/").Status);
    }

    [Fact]
    public void The_server_is_reached_as_for_a_file()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 https=7443 host=cs1.example.org pull=/");
        Assert.Equal("https://cs1.example.org:7443/x", _world.Ask("/x", secure: true)["Location"]);
        GatewayWorld world = new();
        world.Register("CS1", "10.0.0.1", "http=7003 url=https://cdn.example/base/ pull=/");
        Assert.Equal("https://cdn.example/base/x?y", world.Ask("/x?y")["Location"]);
    }

    [Fact]
    public void All_clients_of_a_path_are_sent_to_one_server_and_the_paths_are_spread()
    {
        Fleet();
        string[] paths = [.. Enumerable.Range(0, 60).Select(number => $"/page/{number}")];
        string[] first = [.. paths.Select(path => HostOf(_world.Ask(path)))];
        Assert.Equal(first, paths.Select(path => HostOf(_world.Ask($"{path}?session={path.Length}"))));
        Assert.Equal(3, first.Distinct().Count());
    }

    [Fact]
    public void The_paths_of_a_dead_server_go_to_others_and_when_all_are_dead_that_is_said()
    {
        Fleet();
        string home = HostOf(_world.Ask("/page"));
        _world.Kill("CS" + home[^1]);
        Assert.NotEqual(home, HostOf(_world.Ask("/page")));
        foreach (string id in (string[])["CS1", "CS2", "CS3"]) _world.Kill(id);
        Reply reply = _world.Ask("/page");
        Assert.Equal((503, "5"), (reply.Status, reply["Retry-After"]));
        Assert.Contains("CS2: a monitor heard nothing from it", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_does_not_want_a_server_gets_the_next_and_the_query_still_goes_along()
    {
        Fleet();
        string home = HostOf(_world.Ask("/page"));
        string location = _world.Ask($"/page?not=CS{home[^1]}")["Location"]!;
        Assert.DoesNotContain($"//{home}:", location, StringComparison.Ordinal);
        Assert.EndsWith($":7003/page?not=CS{home[^1]}", location, StringComparison.Ordinal);
    }

    [Fact]
    public void Why_says_where_a_path_is_sent_and_where_it_goes_next()
    {
        Fleet();
        _world.Kill("CS2");
        string[] lines = _world.Ask("/a%20b?why").Body.Split('\n');
        Assert.Equal("/a%20b: no file, but pulled from an origin", lines[0]);
        Assert.Matches("^You are sent to CS[13]: http://10.0.0.[13]:7003/a%20b$", lines[1]);
        Assert.Contains(lines, line => line.StartsWith("   - CS2, ", StringComparison.Ordinal));
        Assert.NotEqual(lines[1], _world.Ask($"/a%20b?why&not={lines[1][16..19]}").Body.Split('\n')[1]);

        Reply reply = _world.Ask("/a%20b?why", "Accept: application/json\r\n");
        using JsonDocument json = JsonDocument.Parse(reply.Body);
        Assert.True(json.RootElement.GetProperty("pulled").GetBoolean());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("size").ValueKind);
        Assert.Equal(lines[1][21..], json.RootElement.GetProperty("url").GetString());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/metalink4+xml")]
    public void What_a_client_likes_to_get_is_the_origins_business(string accept)
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 pull=/");
        Assert.Equal(302, _world.Ask("/api", $"Accept: {accept}\r\n").Status);
    }

    [Fact]
    public void What_is_too_long_is_refused()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003 pull=/");
        Assert.Equal(302, _world.Ask("/" + new string('p', 3072)).Status);
        Assert.Equal(414, _world.Ask("/" + new string('p', 3073)).Status);
        Assert.Equal(302, _world.Ask("/?" + new string('q', 2048)).Status);
        Assert.Equal(414, _world.Ask("/?" + new string('q', 2049)).Status);
    }

    private void Fleet()
    {
        for (int number = 1; number <= 3; number++)
        {
            _world.Register($"CS{number}", $"10.0.0.{number}", "http=7003 pull=/");
        }
    }

    private static string HostOf(Reply reply) => new Uri(reply["Location"]!).Host;
}
